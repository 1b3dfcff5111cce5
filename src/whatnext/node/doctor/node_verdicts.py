"""What the running node told of its peers."""

import statistics

from whatnext.clock import AHEAD_MS
from whatnext.node.doctor.findings import NodeSeen, PeerSeen
from whatnext.node.doctor.verdict import State, Verdict

MAX_LISTED = 8


def judge(node: NodeSeen | None) -> list[Verdict]:
    """Clock, neighbours, peers."""
    if node is None:
        return [
            Verdict(check, State.NOT_CHECKED, "Only a running node knows.")
            for check in ("clock", "neighbours", "peers")
        ]
    return [_clock(node), _neighbours(node), _peers(node)]


def _clock(node: NodeSeen) -> Verdict:
    skews = {each.peer: each.skew_ms for each in node.peers if each.skew_ms is not None}
    if not skews:
        return Verdict("clock", State.NOT_CHECKED, "No peer is connected to compare the clock with.")
    off = [each for each in node.peers if abs(each.skew_ms or 0) > AHEAD_MS]
    told = "; ".join(f"{_name(each)} is {_offset(each.skew_ms or 0)}" for each in off[:MAX_LISTED])
    waits = "changes stamped more than a minute ahead wait until they are due"
    # Two that agree within the limit against one: then it is this device's clock.
    typical = statistics.median_low(skews.values())
    agree = sum(abs(skew - typical) <= AHEAD_MS for skew in skews.values())
    if abs(typical) > AHEAD_MS and agree >= 2 and agree * 2 > len(skews):
        return Verdict(
            "clock",
            State.PROBLEM,
            f"This device's clock is wrong: {told}; {waits}.",
            "Set the clock, or switch automatic time on.",
        )
    if off:
        return Verdict(
            "clock",
            State.WARNING,
            f"Clocks differ: {told}; {waits}.",
            "Compare both devices with a clock you trust and set the wrong one.",
        )
    largest = max(skews.values(), key=abs)
    return Verdict("clock", State.OK, f"Peers compared: {len(skews)}; the furthest is {_offset(largest)}.")


def _neighbours(node: NodeSeen) -> Verdict:
    check = "neighbours"
    if not node.discovery:
        return Verdict(
            check,
            State.WARNING,
            "The node was started with `--no-mdns`: it neither finds nor is found on this network.",
            "Start it without `--no-mdns`, or use whatnext connect ADDRESS.",
        )
    if node.discovery_problem is not None:
        return Verdict(
            check,
            State.PROBLEM,
            f"Discovery does not work: {node.discovery_problem}.",
            "Mend what “multicast” says, then start the node again.",
        )
    near = [each for each in node.peers if each.nearby in ("here", "quiet")]
    if not near:
        return Verdict(
            check,
            State.WARNING,
            "No other WhatNext device was heard on this network.",
            "Start a node on the other device and ask again. Both must be on the same network, not one on a guest"
            " Wi-Fi: those often keep devices apart. Elsewhere: whatnext connect ADDRESS.",
        )
    return Verdict(check, State.OK, f"Heard: {_listed(near)}.")


def _peers(node: NodeSeen) -> Verdict:
    connected = [each for each in node.peers if each.connected]
    troubled = [each for each in node.peers if each.problem is not None]
    seen = f"{len(connected)} of {len(node.peers)} known peers are connected."
    if troubled:
        told = "; ".join(f"{_name(each)}: {each.problem}" for each in troubled[:MAX_LISTED])
        return Verdict(
            "peers",
            State.WARNING,
            f"{seen} {told.rstrip('.?')}.",
            "Is WhatNext running there? If yes, run `whatnext doctor` there too.",
        )
    if not node.peers:
        return Verdict(
            "peers", State.OK, "Nobody is known yet.", "Invite somebody: whatnext invite PLAYLIST."
        )
    return Verdict("peers", State.OK, seen)


def _listed(peers: list[PeerSeen]) -> str:
    more = f" and {len(peers) - MAX_LISTED} more" if len(peers) > MAX_LISTED else ""
    return ", ".join(map(_name, peers[:MAX_LISTED])) + more


def _name(peer: PeerSeen) -> str:
    return f"{peer.name} (…{peer.peer[-6:]})" if peer.name else f"…{peer.peer[-6:]}"


def _offset(skew_ms: int) -> str:
    return f"{abs(skew_ms) / 1000:,.1f} s {'ahead of' if skew_ms > 0 else 'behind'} this device"
