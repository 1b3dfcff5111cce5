"""Where a connection comes from, as limits count it: an IPv4 address, an IPv6 network, near or far."""

import ipaddress

import msgspec

from whatnext.net.addresses import Kind, kind_of

IPV6_PREFIX = 64
"""One customer gets a /64 at least (RFC 6177) and may use any of its addresses: they count as one."""


class Origin(msgspec.Struct, frozen=True):
    """`key` is what is counted; `near` says it is this device or its own network."""

    key: str
    near: bool


def origin_of(address: str) -> Origin | None:
    """Origin of a multiaddr; None when it names no IP, or a relay's: whoever comes through it is not the relay."""
    parts = address.split("/")
    if "p2p-circuit" in parts or len(parts) < 3 or parts[1] not in ("ip4", "ip6"):
        return None
    try:
        ip = ipaddress.ip_address(parts[2].partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            key = str(ipaddress.ip_network((ip, IPV6_PREFIX), strict=False))
            return Origin(key, _is_near(f"/ip6/{ip}"))
        ip = ip.ipv4_mapped
    return Origin(str(ip), _is_near(f"/ip4/{ip}"))


def _is_near(address: str) -> bool:
    return kind_of(address) in (Kind.LAN, Kind.LOOPBACK)
