"""A list as it stood right after one of its changes: every record up to there, taken up in merge order."""

from collections.abc import Iterable
from typing import Any

import msgspec

from whatnext import clock, identity
from whatnext.playlists import references
from whatnext.playlists.editing import EMPTY
from whatnext.playlists.history import in_merge_order
from whatnext.playlists.requests import LookBack
from whatnext.playlists.service import Playlists
from whatnext.playlists.views import PastEntry, PastView
from whatnext.records.codec import Record


def show(here: Playlists, asked: LookBack) -> PastView:
    """The entries that were listed then, in the order of then; raises `NotFound` for a change that is not known."""
    playlist = references.playlist(here, asked.playlist, deleted=True)
    records = in_merge_order(here, playlist)
    target = references.record(records, asked.record)
    until = records[: records.index(target) + 1]
    listed = [
        each for each in _entries(until) if "title" in each and each.get("position") and not each["removed"]
    ]
    listed.sort(key=lambda each: (each["position"], each["id"]))
    return PastView(
        playlist=asked.playlist,
        record=target.hash.hex(),
        at=clock.millis(target.body.hlc),
        entries=msgspec.convert(listed, list[PastEntry]),
    )


def _entries(records: Iterable[Record]) -> Iterable[dict[str, Any]]:
    """Every entry's fields: in merge order the last write of a field is the one that stands."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        for write in record.body.writes:
            if write.collection != "entries":
                continue
            if write.id not in found:
                by = record.body.meta.by or identity.peer_id(record.body.author)
                at = clock.millis(record.body.hlc)
                found[write.id] = {"id": write.id, **EMPTY, "removed": False, "addedBy": by, "addedAt": at}
            found[write.id].update(write.fields)
    return found.values()
