"""The ports a node used last, so that friends find it again where it was, and its NAT mapping stays good."""

import re
import socket
from pathlib import Path

import msgspec

from whatnext.config import write_private

FILE = "ports.json"


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """0: any free one."""

    tcp: int = 0
    ws: int = 0


def settled(listen: tuple[str, ...], directory: Path) -> tuple[str, ...]:
    """The multiaddrs with port 0 replaced by the port of last time, as far as that is free now."""
    last = kept(directory)
    if last is None:
        return listen
    tcp, ws = _if_free(last.tcp), _if_free(last.ws)
    return tuple(_with_port(address, ws if "/ws" in address else tcp) for address in listen)


def kept(directory: Path) -> Ports | None:
    """The ports of last time; None when there was none, or the file is damaged."""
    try:
        return msgspec.json.decode((directory / FILE).read_bytes(), type=Ports)
    except (OSError, msgspec.DecodeError):
        return None


def _with_port(address: str, port: int) -> str:
    return re.sub(r"/tcp/0(?=/|$)", f"/tcp/{port}", address)


def keep(directory: Path, addresses: list[str]) -> None:
    """Remember the ports of these listening addresses; raises `StoreUnwritable`."""
    write_private(directory / FILE, msgspec.json.encode(in_use(addresses)) + b"\n")


def in_use(addresses: list[str]) -> Ports:
    """The ports of listening addresses."""
    found = {"tcp": 0, "ws": 0}
    for address in addresses:
        parts = address.split("/")
        if "p2p-circuit" not in parts and "tcp" in parts:
            found["ws" if "ws" in parts else "tcp"] = int(parts[parts.index("tcp") + 1])
    return Ports(**found)


def _if_free(port: int) -> int:
    """The port, or 0. py-libp2p listens with SO_REUSEPORT, which would share a taken port without a word."""
    if not 0 < port < 65536:
        return 0
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - bound for a moment, never listening
        except OSError:
            return 0
    return port
