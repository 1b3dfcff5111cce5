"""What others changed since somebody looked at a playlist here: tracks, comments, and the playlist's own name and form.

Votes, names and members are no news: they change often, or are told where they happen.
"""

from collections.abc import Iterable

from whatnext import identity
from whatnext.playlists import references
from whatnext.playlists.requests import MarkSeen, Nothing
from whatnext.playlists.service import Playlists
from whatnext.playlists.views import News, Seen
from whatnext.records import ids
from whatnext.records.codec import Record
from whatnext.store import seen

LOOKED_AT = 500
"""Records of one playlist that are looked through; whoever was away for longer is told of so many."""
MAX_IDS = 2000
_COUNTED = frozenset({"playlists", "entries", "comments"})
_WORTH_A_MARK = 64
"""Own changes behind which the mark moves by itself: they would be looked through again every time."""


def news(here: Playlists, _: Nothing) -> list[News]:
    """Of every playlist with changes that nobody has seen here."""
    found: list[News] = []
    for playlist in here.library.playlists():
        if not references.is_deleted(here, playlist):
            found += _of(here, playlist)
    return found


def mark_seen(here: Playlists, asked: MarkSeen) -> Seen:
    """Somebody has looked at it, up to what `playlist.news` told."""
    playlist = references.known_playlist(here, asked.playlist)
    seen.mark(here.library, playlist, asked.upto)
    return Seen(playlist=ids.to_text(playlist), upto=seen.upto(here.library, playlist) or 0)


def _of(here: Playlists, playlist: bytes) -> Iterable[News]:
    last, newest = seen.upto(here.library, playlist), seen.newest(here.library, playlist)
    if newest <= (last or 0):
        return
    records = seen.since(here.library, playlist, last or 0, LOOKED_AT)
    told = [record for record in records if _author(record) != here.me and _counts(record)]
    if told:
        touched = [] if last is None else told  # of a playlist nobody has looked at, all is new
        yield News(
            playlist=ids.to_text(playlist),
            upto=newest,
            changes=len(told),
            peers=list(dict.fromkeys(_author(record) for record in told)),
            entries=_entries(touched),
            comments=_ids(touched, "comments"),
        )
    elif _WORTH_A_MARK <= len(records) < LOOKED_AT:
        seen.mark(here.library, playlist, newest)


def _author(record: Record) -> str:
    return record.body.meta.by or identity.peer_id(record.body.author)


def _counts(record: Record) -> bool:
    return any(write.collection in _COUNTED for write in record.body.writes)


def _entries(records: list[Record]) -> list[str]:
    """Entries that were written, or commented on."""
    commented = (
        entry
        for record in records
        for write in record.body.writes
        if write.collection == "comments" and isinstance(entry := write.fields.get("entryId"), str)
    )
    return list(dict.fromkeys([*_ids(records, "entries"), *commented]))[:MAX_IDS]


def _ids(records: list[Record], collection: str) -> list[str]:
    written = (w.id for record in records for w in record.body.writes if w.collection == collection)
    return list(dict.fromkeys(written))[:MAX_IDS]
