"""Multiaddrs as text: what kind they are, which to try first, and the real ones of this device."""

import enum
import ipaddress
from collections.abc import Iterable, Sequence


class Kind(enum.IntEnum):
    """Where an address leads, in the order it is dialled."""

    LAN = 0
    LOOPBACK = 1
    PUBLIC = 2
    RELAY = 3


# Carrier-grade NAT space is where Tailscale and WireGuard meshes live: near, and not reachable from outside.
_SHARED_SPACE = ipaddress.ip_network("100.64.0.0/10")
# By work per byte: QUIC and WebRTC are computed in Python, packet by packet.
_TRANSPORTS = ("tcp", "ws", "wss", "quic-v1", "webrtc-direct", "webtransport")


def kind_of(address: str) -> Kind:
    """Kind of a multiaddr; names (`/dns…`) count as public."""
    parts = address.split("/")
    if "p2p-circuit" in parts:
        return Kind.RELAY
    ip = ip_of(address)
    if ip is None:
        return Kind.PUBLIC
    if ip.is_loopback:
        return Kind.LOOPBACK
    if ip.is_private or ip.is_link_local or (ip.version == 4 and ip in _SHARED_SPACE):
        return Kind.LAN
    return Kind.PUBLIC


def path_of(address: str) -> str:
    """How a connection at this address runs, for people: `lan` (this device too), `direct` or `relay`."""
    kind = kind_of(address)
    return "relay" if kind is Kind.RELAY else "direct" if kind is Kind.PUBLIC else "lan"


def ip_of(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """First IP in a multiaddr, or None when it starts with a name or is malformed."""
    parts = address.split("/")
    if len(parts) < 3 or parts[1] not in ("ip4", "ip6"):
        return None
    try:
        return ipaddress.ip_address(parts[2])
    except ValueError:
        return None


def transport_of(address: str) -> str:
    """Transport name of a multiaddr (`tcp`, `ws`, `quic-v1`, …); a relayed one is `relay`."""
    parts = address.split("/")
    if "p2p-circuit" in parts:
        return "relay"
    return next((name for name in reversed(_TRANSPORTS) if name in parts), "unknown")


def without_peer(address: str) -> str:
    """The multiaddr without a last `/p2p/<PeerID>` (a relay's own id inside a circuit address stays)."""
    head, separator, last = address.rpartition("/p2p/")
    return head if separator and "/" not in last else address


def peer_in(address: str) -> str | None:
    """PeerID that a multiaddr ends with, or None."""
    _, separator, last = address.rpartition("/p2p/")
    return last if separator and "/" not in last else None


def dial_order(addresses: Iterable[str]) -> list[str]:
    """Each address once: LAN, loopback, public, relay; within a kind TCP before WebSocket; else as given."""
    unique = dict.fromkeys(addresses)
    return sorted(unique, key=lambda address: (kind_of(address), _transport_rank(address)))


def beyond_loopback(addresses: Sequence[str]) -> list[str]:
    """The addresses of a peer without its loopback ones, which lead to ourselves; with them when it has no others."""
    others = [address for address in addresses if kind_of(address) is not Kind.LOOPBACK]
    return others if any(kind_of(address) is not Kind.RELAY for address in others) else list(addresses)


def _transport_rank(address: str) -> int:
    name = transport_of(address)
    return _TRANSPORTS.index(name) if name in _TRANSPORTS else len(_TRANSPORTS)


def announced(listening: Iterable[str], interfaces: Sequence[str]) -> list[str]:
    """Addresses others can dial: wildcards become this device's IPs (`interfaces`), loopback comes last."""
    found: dict[str, None] = {}
    for address in listening:
        ip = ip_of(address)
        if ip is None or not ip.is_unspecified:
            found[address] = None
            continue
        for own in interfaces:
            if (":" in own) == (ip.version == 6):
                found[address.replace(f"/{ip}/", f"/{own}/", 1)] = None
    return sorted(found, key=lambda address: (kind_of(address) is Kind.LOOPBACK, kind_of(address)))


def interface_ips() -> list[str]:
    """IPs of this device's interfaces that are up. Link-local IPv6 is left out: it means nothing without a zone."""
    import psutil  # type: ignore[import-untyped]  # a dependency of libp2p, loaded with it anyway

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    ips: list[str] = []
    for name, entries in psutil.net_if_addrs().items():
        for entry in entries if name in up else ():
            try:
                ip = ipaddress.ip_address(entry.address)
            except ValueError:
                continue  # a hardware address
            if not (ip.version == 6 and ip.is_link_local):
                ips.append(str(ip))
    return ips
