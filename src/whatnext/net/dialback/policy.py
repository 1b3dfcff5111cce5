"""What a server dials for whom: pure rules. They keep it from being turned against others, or against itself."""

import ipaddress
import re

from whatnext.net.addresses import Kind, ip_of, kind_of
from whatnext.net.dialback.messages import Refusal
from whatnext.rates import Buckets, TokenBucket

_DIALLABLE = re.compile(r"/ip[46]/([0-9a-fA-F:.]{2,45})/tcp/([1-9][0-9]{0,4})(/ws)?")
EACH_S, EACH_BURST = 10.0, 3
"""One IP may ask three times at once, then every 10 s."""
ALL_PER_S, ALL_BURST = 2.0, 20
MAX_IPS = 1024
"""IPs whose allowance is remembered; a newcomer replaces the one not heard for longest."""

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def seen_ip(observed: str, *, loopback: bool = False) -> IP | None:
    """The asker's IP if its own end can be dialled: None through a relay, and from this very device.

    A reverse proxy on this device makes everybody come from loopback; dialling back would knock at our own services.
    """
    ip = ip_of(observed)
    if ip is None or kind_of(observed) is Kind.RELAY:
        return None
    ip = _plain(ip)
    if ip.is_unspecified or ip.is_multicast or ip.is_link_local or (ip.is_loopback and not loopback):
        return None
    return ip


def target(seen: IP, wish: str) -> str | None:
    """The multiaddr to dial for one wish: TCP or WebSocket at the very IP the asker is seen at, or None."""
    match = _parsed(wish)
    if match is None:
        return None
    ip, rest = match
    if ip.version != seen.version or not (ip == seen or ip.is_unspecified):
        return None
    return f"/ip{seen.version}/{seen}{rest}"


def _parsed(address: str) -> tuple[IP, str] | None:
    found = _DIALLABLE.fullmatch(address)
    if found is None or int(found[2]) > 65535:
        return None
    try:
        ip = ipaddress.ip_address(found[1])
    except ValueError:
        return None
    return _plain(ip), f"/tcp/{found[2]}{found[3] or ''}"


def _plain(ip: IP) -> IP:
    """An IPv4 address that came in IPv6 clothes, as itself."""
    return (ip.ipv4_mapped or ip) if ip.version == 6 else ip


class Allowance:
    """How often dials are asked for: by each IP, since PeerIDs cost nothing, and by all together."""

    def __init__(self, now: float) -> None:
        self._all = TokenBucket(ALL_PER_S, ALL_BURST, now)
        self._each = Buckets(1 / EACH_S, EACH_BURST, MAX_IPS)

    def take(self, ip: IP, now: float) -> Refusal:
        """Count one question; `Refusal.NONE` when it may be served."""
        # Of IPv6 a household has a whole /64.
        key = str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
        if not self._each.take(key, 1, now):
            return Refusal.TOO_OFTEN
        return Refusal.NONE if self._all.take(1, now) else Refusal.BUSY
