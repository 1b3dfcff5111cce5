"""What the network's findings mean. A check that passes on this device alone says so."""

import ipaddress
import re

from whatnext.net.addresses import Kind, kind_of, transport_of, without_peer
from whatnext.node.doctor.findings import AddressTried, Findings, FirewallSeen, InterfaceSeen
from whatnext.node.doctor.verdict import State, Verdict

_SELF_GIVEN = ipaddress.ip_network("169.254.0.0/16")
_ANY_PORT = re.compile(r"/tcp/0(?=/|$)")
_JOIN_A_NETWORK = "Join a Wi-Fi or plug in a cable, then ask again."


def judge(found: Findings) -> list[Verdict]:
    """Interfaces, announced addresses, multicast, listening ports and firewall."""
    return [
        _interfaces(found.interfaces),
        _announced(found),
        _multicast(found),
        _listening(found),
        _firewall(found),
    ]


def _interfaces(interfaces: list[InterfaceSeen]) -> Verdict:
    check = "interfaces"
    outside = [each for each in interfaces if each.ips and not _is_loopback(each)]
    shown = "; ".join(f"{each.name}: {', '.join(each.ips)}" for each in outside)
    if not interfaces:
        return Verdict(check, State.PROBLEM, "No network interface is up.", _JOIN_A_NETWORK)
    if not outside:
        return Verdict(
            check,
            State.PROBLEM,
            "Only loopback has an address: this device is on no network.",
            f"{_JOIN_A_NETWORK} Until then only programs on this device find each other.",
        )
    if not any(_is_given(ip) for each in outside for ip in each.ips):
        return Verdict(
            check,
            State.WARNING,
            f"Only addresses this device gave itself: {shown}.",
            "The router gave none (DHCP): check the Wi-Fi password, the cable, or the router.",
        )
    return Verdict(check, State.OK, f"{shown}.")


def _announced(found: Findings) -> Verdict:
    check, verb = "announced addresses", "tells" if found.node else "would tell"
    direct = [without_peer(address) for address in found.announced]
    outside = [address for address in direct if kind_of(address) is not Kind.LOOPBACK]
    if any("/0.0.0.0/" in address or "/ip6/::/" in address for address in outside):
        return Verdict(
            check,
            State.PROBLEM,
            f"This node tells others an address that means nothing to them: {', '.join(outside)}.",
            "Start the node without `--announce`, or announce a real address.",
        )
    if not outside:
        return Verdict(
            check,
            State.PROBLEM,
            f"The node {verb} others only loopback addresses, or none: no other device can dial it.",
            "Join a network; if the node was started with `--listen`, listen on /ip4/0.0.0.0/tcp/0.",
        )
    free = " (port 0: one that is free then)" if any(map(_ANY_PORT.search, outside)) else ""
    return Verdict(check, State.OK, f"The node {verb} others: {', '.join(outside)}{free}.")


def _multicast(found: Findings) -> Verdict:
    check, tests = "multicast", found.multicast
    failed = [each for each in tests if each.problem is not None]
    told = "; ".join(f"{each.interface}: {each.problem}" for each in failed)
    if not tests:
        return Verdict(
            check,
            State.PROBLEM,
            "No interface can carry multicast, so nobody is found by themselves.",
            f"{_JOIN_A_NETWORK} On a VPN: whatnext connect ADDRESS.",
        )
    if any(each.port_taken for each in failed):
        return Verdict(
            check,
            State.PROBLEM,
            f"Another program holds UDP port 5353 for itself: {told}.",
            "End that program (often a second mDNS service), or connect by link or address.",
        )
    if failed:
        return Verdict(
            check,
            State.PROBLEM if len(failed) == len(tests) else State.WARNING,
            f"Our own mDNS question was not heard back: {told}.",
            "A firewall on this device most likely blocks multicast: allow UDP port 5353 to and from 224.0.0.251"
            f" (IPv6: ff02::fb).{_tools(found.firewall)}",
        )
    heard = ", ".join(each.interface for each in tests)
    return Verdict(
        check,
        State.OK,
        f"Our own mDNS question was heard back on {heard}. Whether the access point passes it on, only another device"
        " can tell.",
    )


def _listening(found: Findings) -> Verdict:
    check = "listening"
    if found.node is None:
        return Verdict(check, State.NOT_CHECKED, "No node runs, so nothing listens.")
    own = [each for each in found.tried if each.own]
    foreign = [each for each in found.tried if not each.own and each.problem is not None]
    failed = [each for each in own if each.problem is not None]
    if failed:
        return Verdict(
            check,
            State.PROBLEM,
            f"This device cannot dial its own addresses: {_told(failed)}.",
            f"A firewall on this device most likely blocks them: allow TCP {_ports(failed)}.{_tools(found.firewall)}",
        )
    if foreign:
        return Verdict(
            check,
            State.WARNING,
            f"Announced addresses that are not this device's did not answer from here: {_told(foreign)}.",
            "Check the port forwarding; many routers do not let a device dial itself, so try from another network.",
        )
    if not found.tried:
        return Verdict(
            check, State.WARNING, "No announced address can be tried over TCP.", "See `whatnext status`."
        )
    return Verdict(
        check,
        State.OK,
        f"The node listens on TCP {_ports(found.tried)} and this device can dial it. A node keeps its ports from start"
        " to start; `--listen` chooses them.",
    )


def _firewall(found: Findings) -> Verdict:
    seen = found.firewall
    ports = _ports(found.tried) or "the node's ports (`whatnext status`)"
    allow = f"If others cannot reach this device, allow UDP 5353 and TCP {ports}."
    if seen.ufw_on:
        return Verdict("firewall", State.WARNING, "ufw is on; it turns away what it does not know.", allow)
    if seen.system == "darwin":
        return Verdict("firewall", State.NOT_CHECKED, "macOS asks per program: look in its settings.", allow)
    if seen.system == "win32":
        return Verdict("firewall", State.NOT_CHECKED, "Look in Windows Defender Firewall.", allow)
    if not seen.tools:
        return Verdict("firewall", State.OK, "No firewall tool is installed here. This is only a hint.")
    tools = ", ".join(seen.tools)
    return Verdict(
        "firewall",
        State.NOT_CHECKED,
        f"Installed: {tools}. That is only a hint: its rules were not read.",
        allow,
    )


def _told(tried: list[AddressTried]) -> str:
    return "; ".join(f"{each.address} ({each.problem})" for each in tried)


def _ports(tried: list[AddressTried]) -> str:
    """`4001, 4002 (ws)`, each once."""
    found: dict[str, None] = {}
    for each in tried:
        parts = each.address.split("/")
        port = parts[parts.index("tcp") + 1]
        found[port if transport_of(each.address) == "tcp" else f"{port} ({transport_of(each.address)})"] = (
            None
        )
    return ", ".join(found)


def _tools(firewall: FirewallSeen) -> str:
    return f" Installed here: {', '.join(firewall.tools)}." if firewall.tools else ""


def _is_loopback(interface: InterfaceSeen) -> bool:
    return any(ipaddress.ip_address(ip).is_loopback for ip in interface.ips)


def _is_given(ip: str) -> bool:
    """Not one that a device gives itself when nobody else does."""
    address = ipaddress.ip_address(ip)
    return not (address.is_link_local or (address.version == 4 and address in _SELF_GIVEN))
