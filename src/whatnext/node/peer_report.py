"""`peers.show`: all that this node knows of one peer, and the lives of its connections."""

from typing import TYPE_CHECKING

from whatnext.node.operations import connection_view
from whatnext.node.peer_names import everybody, named
from whatnext.node.requests import OfPeer
from whatnext.node.timeline_views import AddressView, PeerReport, SharedView
from whatnext.playlists.viewing import title_of
from whatnext.records.governance import is_member
from whatnext.records.ids import to_text
from whatnext.sync import PeerStatus

if TYPE_CHECKING:
    from whatnext.node.node import Node


async def show(node: "Node", asked: OfPeer) -> PeerReport:
    """Everything known of a peer; raises `NotFound` or `Ambiguous`."""
    known = everybody(node)
    peer = named(node.playlists, known, asked.peer)
    link = next((each for each in node.hub.status() if each.peer == peer), None)
    kept = node.book.get(peer)
    return PeerReport(
        peer=peer,
        name=known.get(peer),
        standing=node.standings.judge(peer).name.lower(),
        agent=link.agent or None if link is not None else None,
        last_seen=None if kept is None else kept.last_seen,
        problem=node.sync_links.problems.get(peer) or node.contacts.problems.get(peer),
        connections=[connection_view(c) for c in node.network.connections() if c.peer == peer],
        addresses=[
            AddressView(address=entry.address, worked_at=entry.worked, failing_since=entry.failing_since)
            for entry in (() if kept is None else kept.entries)
        ],
        playlists=_shared(node, peer, link),
        lives=node.instruments.lives(peer),
    )


def _shared(node: "Node", peer: str, link: PeerStatus | None) -> list[SharedView]:
    linked = {} if link is None else {to_text(share.playlist): share for share in link.playlists}
    found = []
    for playlist in node.library.shared():
        members = node.library.governance(playlist).members()
        if not any(m.peer == peer and not m.left and is_member(m.role) for m in members):
            continue
        text = to_text(playlist)
        share = linked.get(text)
        found.append(
            SharedView(
                playlist=text,
                name=title_of(node.playlists, playlist),
                state=None if share is None else str(share.state),
                pending_out=None if share is None else share.pending_out,
                pending_in=None if share is None else share.pending_in,
            )
        )
    return found
