"""The relay's configuration: a TOML file, the command line over it. docs/relay.md describes it for its owner."""

import socket
from pathlib import Path
from typing import Literal

import msgspec

from whatnext.errors import UNREADABLE, LocalError, UserError
from whatnext.relay.limits import Limits

TCP_PORT, WEBSOCKET_PORT, OPS_PORT = 4001, 4002, 9478
"""4001 is what libp2p nodes commonly use; two ports, as py-libp2p's shared one turns js-libp2p away."""

Mode = Literal["open", "token", "allow"]


class AccessConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may wait here to be called. Whoever calls them needs nothing of the kind: the one called vouches.

    `mode`: `open` (anyone), `token` (who presents one of `tokens`), `allow` (the PeerIDs in `allow`, which the other
    modes also let in). `block`: PeerIDs, IPs and networks in CIDR form that are refused everything.
    """

    mode: Mode = "open"
    tokens: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()


class RelayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a relay can be told; `access` and `limits` are read anew while it runs, the rest at its start.

    `listen` empty: `default_listen()`.
    """

    listen: tuple[str, ...] = ()
    announce: tuple[str, ...] = ()
    """Multiaddrs told to others, without `/p2p/…`; empty: those of this machine's interfaces."""
    ops_port: int = OPS_PORT
    """Of `/healthz`, `/metrics` and `/status` on 127.0.0.1; 0 takes a free one."""
    drain_s: float = 20.0
    """How long circuits may go on after SIGTERM."""
    access: AccessConfig = AccessConfig()
    limits: Limits = Limits()


def read_config(path: Path) -> RelayConfig:
    """Read a configuration file; raises `LocalError` when it cannot be read, `UserError` naming what is wrong in it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LocalError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        config = msgspec.toml.decode(content, type=RelayConfig)
    except UNREADABLE as error:
        raise UserError(f"{path}: {error}") from error
    check(config, str(path))
    return config


def check(config: RelayConfig, source: str) -> None:
    """Refuse numbers that make no sense and access nobody could have; raises `UserError` beginning with `source`."""
    for name in Limits.__struct_fields__:
        if getattr(config.limits, name) <= 0:
            raise UserError(f"{source}: limits.{name} must be more than 0")
    if not 0 <= config.ops_port < 65536:
        raise UserError(f"{source}: ops_port must be between 0 and 65535")
    named = next((address for address in config.announce if "/p2p/" in address), None)
    if named is not None:
        raise UserError(f"{source}: announce “{named[:80]}” without its /p2p/…, which the relay adds")
    if config.drain_s < 0:
        raise UserError(f"{source}: drain_s must not be negative")
    if config.access.mode == "token" and not config.access.tokens:
        raise UserError(f"{source}: access.mode is “token”, and access.tokens is empty: nobody could get in")
    if config.access.mode == "allow" and not config.access.allow:
        raise UserError(f"{source}: access.mode is “allow”, and access.allow is empty: nobody could get in")
    if any(len(token) < 16 for token in config.access.tokens):
        raise UserError(
            f"{source}: a token in access.tokens is shorter than 16 characters: it could be guessed"
        )


def default_listen() -> tuple[str, ...]:
    """TCP and WebSocket on every interface, over IPv6 too where the machine has it."""
    families = ["/ip4/0.0.0.0", *(["/ip6/::"] if _has_ipv6() else [])]
    return tuple(f"{family}/tcp/{port}" for family in families for port in (TCP_PORT, f"{WEBSOCKET_PORT}/ws"))


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True
