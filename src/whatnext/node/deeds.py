"""What the desktop shows outside of its pages: what members did lately, and how many of them are here.

Only members' records count in a playlist, so nothing here is of strangers; what blocked peers did is left out.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from whatnext import clock, identity
from whatnext.node.notification_views import Deed, Glance, GlanceView, Kind
from whatnext.playlists import references
from whatnext.playlists.viewing import title_of
from whatnext.records.codec import Record, Write
from whatnext.records.ids import to_text
from whatnext.store.arrivals import Arrival, arrivals, here_since, last_arrival

if TYPE_CHECKING:
    from whatnext.node.node import Node

MAX_RECORDS = 500
"""Looked at for one answer: a friend's thousand changes must not hold up the node."""


async def glance(node: "Node", asked: Glance) -> GlanceView:
    """What members did since, made by others, after this device came to the playlist."""
    newest = last_arrival(node.library)
    # A number we have not reached yet is of another database (a backup was restored): nothing, and `upto` goes back.
    after = newest if asked.after is None else max(0, min(asked.after, newest))
    found = arrivals(node.library, after, MAX_RECORDS)
    more = len(found) == MAX_RECORDS
    return GlanceView(
        upto=found[-1].number if more else newest,
        more=more,
        deeds=list(_deeds(node, found)),
        around=_around(node),
        watched=node.attention.is_watched(),
        notify=node.settings.notifications,
    )


def _deeds(node: "Node", found: Iterable[Arrival]) -> Iterator[Deed]:
    counts: dict[tuple[bytes, str, Kind], int] = {}
    since = here_since(node.library)
    for arrival in found:
        record = arrival.record
        peer = record.body.meta.by or identity.peer_id(record.body.author)
        came = since.get(arrival.playlist)
        if came is None or clock.millis(record.body.hlc) < came:
            continue  # it was there when we came, and is new to this device alone
        if peer == node.network.peer or peer in node.standings.blocked:
            continue
        for kind, count in _told(record, peer):
            key = (arrival.playlist, peer, kind)
            counts[key] = counts.get(key, 0) + count
    names = {playlist: references.names(node.playlists, playlist) for playlist, _, _ in counts}
    for (playlist, peer, kind), count in counts.items():
        yield Deed(
            playlist=to_text(playlist),
            playlist_name=title_of(node.playlists, playlist),
            peer=peer,
            name=names[playlist].get(peer),
            kind=kind,
            count=1 if kind == "joined" else count,
        )


def _told(record: Record, peer: str) -> Iterator[tuple[Kind, int]]:
    writes = record.body.writes
    if any(_lets_in(write, peer) for write in writes):
        yield "joined", 1
    added = sum(w.collection == "entries" and w.fields.keys() >= {"title", "position"} for w in writes)
    if added:
        yield "added", added


def _lets_in(write: Write, peer: str) -> bool:
    return write.collection == "members" and write.id == peer and isinstance(write.fields.get("invite"), str)


def _around(node: "Node") -> int:
    friends = set(node.contacts.wanted())
    return len(friends.intersection(c.peer for c in node.network.connections()))
