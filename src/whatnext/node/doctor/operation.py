"""What only the running node can tell the doctor."""

from typing import TYPE_CHECKING

from whatnext.node import operations
from whatnext.node.doctor.findings import NodeSeen, PeerSeen
from whatnext.playlists.requests import Nothing

if TYPE_CHECKING:
    from whatnext.node.node import Node


async def doctor(node: "Node", _: Nothing) -> NodeSeen:
    """Addresses, discovery, and how each known peer stands."""
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
    ]
    return NodeSeen(
        peer=node.network.peer,
        addresses=node.network.addresses(),
        discovery=node.neighbours.is_on,
        discovery_problem=node.neighbours.problem,
        peers=peers,
    )
