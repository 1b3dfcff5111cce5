"""What only the running node can tell the doctor."""

from typing import TYPE_CHECKING

import trio

from whatnext.node import operations, relays
from whatnext.node.doctor.findings import NodeSeen, PeerSeen, RelaySeen
from whatnext.node.doctor.reach_probe import ask_peers, seen_ports
from whatnext.node.doctor.verdict import Report
from whatnext.playlists.requests import Nothing

if TYPE_CHECKING:
    from whatnext.node.node import Node


async def doctor(node: "Node", _: Nothing) -> NodeSeen:
    """Addresses, discovery, how each known peer stands, and what those connected say of us; takes up to 10 s."""
    await node.neighbours.settled()
    nearby = {row.peer: str(row.state) for row in node.neighbours.listing()}
    skews = {linked.peer: linked.skew_ms for linked in node.hub.status()}
    peers = [
        PeerSeen(
            peer=view.peer,
            name=view.name,
            connected=view.connected,
            nearby=nearby.get(view.peer),
            problem=view.problem or (None if view.connected else node.contacts.problems.get(view.peer)),
            skew_ms=skews.get(view.peer),
        )
        for view in await operations.peers(node, Nothing())
        if view.handshaken or not view.relay  # relays have a verdict of their own
    ]
    return NodeSeen(
        peer=node.network.peer,
        addresses=node.network.addresses(),
        discovery=node.neighbours.is_on,
        discovery_problem=node.neighbours.problem,
        peers=peers,
        words=await ask_peers(node.network),
        seen_ports=seen_ports(node.network),
        relays=[
            RelaySeen(
                relay=each.relay,
                connected=each.connected,
                reserved=each.reserved_until is not None,
                problem=each.problem,
            )
            for each in await relays.listed(node, Nothing())
        ],
    )


async def report(node: "Node", _: Nothing) -> Report:
    """What `whatnext doctor` says, for the page; the probes block, so they run in a thread (about a second)."""
    from whatnext.node.doctor.examination import examine

    seen = await doctor(node, Nothing())
    # libp2p brings trio-stubs, which describe an older trio
    return await trio.to_thread.run_sync(examine, node.settings.directory, seen)
