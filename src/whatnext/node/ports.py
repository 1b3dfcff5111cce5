"""The ports a node used last, so that friends find it again where it was, and its NAT mapping stays good."""

import re
import socket
from pathlib import Path
from types import MappingProxyType

import msgspec

from whatnext.config import write_private
from whatnext.errors import UNREADABLE

FILE = "ports.json"


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """0: any free one."""

    tcp: int = 0
    ws: int = 0
    quic: int = 0
    webrtc: int = 0


_KINDS = MappingProxyType({"quic-v1": "quic", "webrtc-direct": "webrtc", "ws": "ws"})


def settled(listen: tuple[str, ...], directory: Path) -> tuple[str, ...]:
    """The multiaddrs with port 0 replaced by the port of last time, as far as that is free now."""
    last = kept(directory)
    if last is None:
        return listen
    return tuple(_with_last_port(address, last) for address in listen)


def kept(directory: Path) -> Ports | None:
    """The ports of last time; None when there was none, or the file is damaged."""
    try:
        return msgspec.json.decode((directory / FILE).read_bytes(), type=Ports)
    except (OSError, *UNREADABLE):
        return None


def _with_last_port(address: str, last: Ports) -> str:
    unset = re.search(r"/(tcp|udp)/0(?=/|$)", address)
    if unset is None:
        return address
    port = _if_free(getattr(last, _kind(address)), udp=unset[1] == "udp")
    return f"{address[: unset.start()]}/{unset[1]}/{port}{address[unset.end() :]}"


def _kind(address: str) -> str:
    parts = address.split("/")
    return next((kind for part, kind in _KINDS.items() if part in parts), "tcp")


def keep(directory: Path, addresses: list[str]) -> None:
    """Remember the ports of these listening addresses; raises `StoreUnwritable`."""
    write_private(directory / FILE, msgspec.json.encode(in_use(addresses)) + b"\n")


def in_use(addresses: list[str]) -> Ports:
    """The ports of listening addresses."""
    found = {}
    for address in addresses:
        port = re.search(r"/(?:tcp|udp)/(\d+)(?=/|$)", address)
        if "p2p-circuit" not in address.split("/") and port is not None:
            found[_kind(address)] = int(port[1])
    return Ports(**found)


def _if_free(port: int, *, udp: bool) -> int:
    """The port, or 0. py-libp2p listens with SO_REUSEPORT, which would share a taken port without a word."""
    if not 0 < port < 65536:
        return 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        if not udp:  # with it, a taken UDP port could be bound all the same
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - bound for a moment, never listening
        except OSError:
            return 0
    return port
