"""Looks at this device's interfaces, dials its own addresses, and names the firewalls it finds."""

import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from whatnext.net.addresses import Kind, ip_of, kind_of, without_peer
from whatnext.net.mdns.interfaces import Interface
from whatnext.node.doctor.findings import AddressTried, FirewallSeen, InterfaceSeen

MAX_TRIED = 16
TRY_S = 1.5
"""This device answers itself in less than a millisecond; what takes longer was dropped on the way."""
_FIREWALLS = ("ufw", "firewall-cmd", "nft", "iptables")
_UFW_SETTINGS = Path("/etc/ufw/ufw.conf")


def interfaces(up: Iterable[Interface]) -> list[InterfaceSeen]:
    """With their names, as people know them."""
    return [InterfaceSeen(_name(each.index), each.ips, each.multicast) for each in up]


def dial_own(
    addresses: Sequence[str], own_ips: Iterable[str], dial: Callable[[str, int], str | None] | None = None
) -> list[AddressTried]:
    """Dial the TCP and WebSocket addresses among these, at most `MAX_TRIED`, all at once."""
    own = set(own_ips)
    direct = [without_peer(address) for address in addresses if kind_of(address) is not Kind.RELAY]
    targets = {address: target for address in direct if (target := _target(address)) is not None}
    tried = list(targets.items())[:MAX_TRIED]
    with ThreadPoolExecutor(MAX_TRIED) as pool:
        problems = list(pool.map(lambda each: (dial or _dial)(*each[1]), tried))
    return [
        AddressTried(address, ip in own, problem)
        for (address, (ip, _)), problem in zip(tried, problems, strict=True)
    ]


def firewall(which: Callable[[str], str | None] = shutil.which) -> FirewallSeen:
    """Tools that are installed; whether their rules forbid anything is not known by that."""
    tools = tuple(name for name in _FIREWALLS if which(name))
    ufw_on = None
    if "ufw" in tools:
        try:
            ufw_on = "ENABLED=yes" in _UFW_SETTINGS.read_text("utf-8", errors="replace")
        except OSError:
            ufw_on = None
    return FirewallSeen(sys.platform, tools, ufw_on)


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"interface {index}"  # it went away meanwhile


def _target(address: str) -> tuple[str, int] | None:
    parts, ip = address.split("/"), ip_of(address)
    if ip is None or "tcp" not in parts:
        return None
    port = parts[parts.index("tcp") + 1 :][:1]
    return (str(ip), int(port[0])) if port and port[0].isdecimal() and 0 < int(port[0]) < 65536 else None


def _dial(ip: str, port: int) -> str | None:
    try:
        socket.create_connection((ip, port), timeout=TRY_S).close()
    except TimeoutError:
        return f"no answer in {TRY_S:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return None
