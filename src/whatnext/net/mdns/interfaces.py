"""Where multicast goes: the interfaces of this device that can carry it."""

import ipaddress
import socket
from collections.abc import Iterable

import msgspec


class Interface(msgspec.Struct, frozen=True):
    """A network interface that is up. `index` is the kernel's number, `ips` its addresses without zones."""

    index: int
    multicast: bool
    ips: tuple[str, ...]


def usable(interfaces: Iterable[Interface]) -> frozenset[str | int]:
    """What zeroconf is to listen on: IPv4 addresses, and the indexes of interfaces that have only IPv6.

    One family an interface: both would say everything twice. Loopback counts only when there is nothing else, for
    programs on one device that is on no network.
    """
    outside: set[str | int] = set()
    inside: set[str | int] = set()
    for interface in interfaces:
        v4 = [ip for ip in interface.ips if ":" not in ip]
        loopback = any(ipaddress.ip_address(ip).is_loopback for ip in interface.ips)
        if loopback:
            inside.update(v4)
        elif interface.multicast and interface.ips:
            outside.update(v4 or [interface.index])
    return frozenset(outside or inside)


def here() -> list[Interface]:
    """Interfaces of this device that are up and have a carrier. Takes about a millisecond."""
    import psutil  # type: ignore[import-untyped]  # a dependency of libp2p, loaded with it anyway

    states = psutil.net_if_stats()
    found = []
    for name, entries in psutil.net_if_addrs().items():
        state = states.get(name)
        if state is None or not state.isup:
            continue
        try:
            index = socket.if_nametoindex(name)
        except OSError:
            continue  # it went away between the two questions
        ips = tuple(filter(None, map(_ip, (entry.address for entry in entries))))
        flags = getattr(state, "flags", "")
        found.append(Interface(index, not flags or "multicast" in flags, ips))
    return found


def _ip(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None  # a hardware address
