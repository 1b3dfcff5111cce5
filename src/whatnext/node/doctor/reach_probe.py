"""Asking connected peers where they see this device and which of its addresses they can dial."""

from typing import TYPE_CHECKING

import trio

from whatnext.errors import NetworkError, PeerError, VersionMismatch
from whatnext.net.addresses import Kind, kind_of
from whatnext.net.dialback import Outcome, Refusal, ask, wishes
from whatnext.node.doctor.findings import PortSeen, WordSeen

if TYPE_CHECKING:
    from whatnext.net import Network

MAX_ASKED = 4
_REFUSALS = {
    Refusal.BUSY: "it answers too many at the moment",
    Refusal.TOO_OFTEN: "it was asked too often: try again in half a minute",
    Refusal.UNSEEN: "it cannot tell where this device is",
}


async def ask_peers(network: "Network") -> list[WordSeen]:
    """What up to `MAX_ASKED` directly connected peers say, those in other networks first; takes at most 10 s.

    Peers without the protocol are left out. Cancelling stops asking.
    """
    paths = {each.peer: each.path for each in network.connections() if each.path != "relay"}
    asked = sorted(paths, key=lambda peer: paths[peer] != "direct")[:MAX_ASKED]
    wanted = wishes(network.addresses())
    words: dict[str, WordSeen] = {}

    async def one(peer: str) -> None:
        try:
            answer = await ask(network, peer, wanted)
        except VersionMismatch:
            return
        except (NetworkError, PeerError) as error:
            words[peer] = WordSeen(peer=peer, observed="", problem=str(error))
            return
        by_outcome = {
            outcome: [each.address for each in answer.dialled if each.outcome is outcome]
            for outcome in Outcome
        }
        words[peer] = WordSeen(
            peer=peer,
            observed=answer.observed,
            reached=by_outcome[Outcome.REACHED],
            failed=by_outcome[Outcome.FAILED],
            problem=_REFUSALS.get(answer.refusal),
        )

    async with trio.open_nursery() as nursery:
        for peer in asked:
            nursery.start_soon(one, peer)
    return [words[peer] for peer in asked if peer in words]


def seen_ports(network: "Network") -> list[PortSeen]:
    """From which port of ours a connection went out and at which port a peer elsewhere saw it."""
    found = []
    for word in network.sightings.all():
        parts = word.address.split("/")
        is_tcp = len(parts) > 4 and parts[3] == "tcp" and parts[4].isdecimal()
        if word.outbound and word.local_port is not None and is_tcp and kind_of(word.address) is Kind.PUBLIC:
            found.append(PortSeen(by=word.by, local=word.local_port, seen=int(parts[4])))
    return found
