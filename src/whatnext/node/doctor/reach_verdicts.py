"""Whether others can dial this device, and what kind of NAT stands before it; by the word of peers alone."""

from collections.abc import Collection

from whatnext.net.addresses import Kind, ip_of, kind_of
from whatnext.node.doctor.findings import NodeSeen, PortSeen, RelaySeen, WordSeen
from whatnext.node.doctor.verdict import State, Verdict

CHECK = "reachable"


def judge(node: NodeSeen | None, own_ips: Collection[str]) -> Verdict:
    """Public, behind a NAT that maps a port, behind one that does not, or nobody to ask."""
    if node is None:
        return Verdict(CHECK, State.NOT_CHECKED, "Only a running node can ask others.")
    said = [word for word in node.words if ip_of(word.observed) is not None and word.problem is None]
    outside = [word for word in said if kind_of(word.observed) is Kind.PUBLIC]
    if outside:
        return _from_outside(node, outside, own_ips)
    if said:
        return _from_here(node, said)
    refused = "; ".join(f"…{word.peer[-6:]}: {word.problem}" for word in node.words if word.problem)
    return Verdict(
        CHECK,
        State.NOT_CHECKED,
        f"Nobody could tell whether this device can be dialled{f' ({refused})' if refused else ''}.",
        "Connect to a friend in another network, or to a relay, and ask again.",
    )


def relays(seen: list[RelaySeen]) -> Verdict:
    """Whether each relay of this device holds a place for it."""
    if not seen:
        return Verdict(
            "relays",
            State.OK,
            "No relay is chosen. Two devices that can both not be dialled need one.",
            "If a friend in another network is not reached: whatnext relay add ADDRESS.",
        )
    away = [each for each in seen if not each.reserved]
    told = "; ".join(f"…{each.relay[-6:]}: {each.problem or 'no place yet'}" for each in away)
    if len(away) == len(seen):
        return Verdict(
            "relays",
            State.PROBLEM,
            f"No relay holds a place for this device: {told}.",
            "Is the relay's address right, and does it run? whatnext relay list; ask its host, or choose another.",
        )
    held = len(seen) - len(away)
    return Verdict(
        "relays",
        State.OK,
        f"Relays that hold a place for this device: {held} of {len(seen)}.{f' {told}.' if told else ''}",
    )


def _from_outside(node: NodeSeen, words: list[WordSeen], own_ips: Collection[str]) -> Verdict:
    reached = list(dict.fromkeys(address for word in words for address in word.reached))
    seen = list(dict.fromkeys(str(ip_of(word.observed)) for word in words))
    behind = not set(seen) <= set(own_ips)
    if reached:
        how = "behind a NAT that maps a port" if behind else "with a public address"
        return Verdict(
            CHECK,
            State.OK,
            f"Devices elsewhere can dial this one, {how}: {', '.join(reached)} ({_by(words)}).",
        )
    if not behind:
        return Verdict(
            CHECK,
            State.WARNING,
            f"This device has the public address {', '.join(seen)}, but nobody gets through to it ({_by(words)}).",
            f"A firewall here or at the provider turns others away: allow {_ports(node)}.",
        )
    kind = _nat_kind(node.seen_ports)
    dialled = f"forward {_ports(node)} on the router to it"
    through = [each for each in node.relays if each.reserved]
    return Verdict(
        CHECK,
        State.WARNING,
        f"Behind a NAT and not to be dialled from elsewhere: others see {', '.join(seen)} and nothing answers there"
        f" ({_by(words)}).{kind}",
        f"Others reach it through its relay. To be dialled without one: {dialled}."
        if through
        else f"This device can still dial others. To be dialled: {dialled}, or use a relay"
        " (whatnext relay add ADDRESS).",
    )


def _from_here(node: NodeSeen, words: list[WordSeen]) -> Verdict:
    if any(word.reached for word in words):
        return Verdict(
            CHECK,
            State.OK,
            f"Devices on this network can dial this one ({_by(words)}). Nobody in another network was there to ask.",
        )
    if any(word.failed for word in words):
        return Verdict(
            CHECK,
            State.PROBLEM,
            f"A device on this network is connected, but cannot dial this one ({_by(words)}).",
            f"A firewall on this device turns others away: allow {_ports(node)}. Until then only this device can"
            " begin.",
        )
    return Verdict(
        CHECK, State.NOT_CHECKED, "This node listens on no port that others could be asked to dial."
    )


def _nat_kind(ports: list[PortSeen]) -> str:
    """A guess, from ports alone: two peers who both see another port than the one used are no accident."""
    if not ports:
        return ""
    changed = [each for each in ports if each.local != each.seen]
    if not changed:
        return " The router keeps port numbers, so hole punching has a good chance."
    if len(changed) >= 2:
        return (
            " The router seems to pick a new port for each connection (often called symmetric), so hole punching has"
            " little chance."
        )
    return ""


def _by(words: list[WordSeen]) -> str:
    return "one peer asked" if len(words) == 1 else f"{len(words)} peers asked"


def _ports(node: NodeSeen) -> str:
    ports = [
        parts[parts.index("tcp") + 1]
        for address in node.addresses
        if kind_of(address) is not Kind.RELAY and "tcp" in (parts := address.split("/"))
    ]
    return f"TCP {', '.join(dict.fromkeys(ports))}" if ports else "the node's ports (`whatnext status`)"
