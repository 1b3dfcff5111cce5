"""The tracks of a playlist: add, edit, move, remove. A move is one write of one field."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import UNSET

from whatnext.errors import UserError
from whatnext.playlists import nearby, placing, references, values
from whatnext.playlists.requests import AddTracks, EditEntry, MoveEntries, RemoveEntries, TrackInput
from whatnext.playlists.service import Playlists, unchanged
from whatnext.playlists.views import Changed
from whatnext.records.codec import Write
from whatnext.records.schema import Value

# The name in a request, the field of the document, and what makes a user's value fit.
_FIELDS: tuple[tuple[str, str, Callable[[Any], Value]], ...] = (
    ("title", "title", lambda value: values.line(value, "the title", needed=True)),
    ("artists", "artists", lambda value: values.lines(value, "the artists")),
    ("album", "album", lambda value: values.line(value, "the album")),
    ("duration_ms", "durationMs", values.duration),
    ("isrc", "isrc", values.isrc),
    ("mbid", "mbid", values.mbid),
    ("links", "links", values.links),
    ("note", "note", lambda value: values.prose(value, "the note")),
)
EMPTY: Mapping[str, Value] = MappingProxyType(
    {"artists": [], "album": "", "durationMs": None, "isrc": None, "mbid": None, "links": [], "note": ""}
)
"""Fields of an entry that nobody wrote."""


def add(here: Playlists, asked: AddTracks) -> Changed:
    """Add tracks in one piece: at the end, at the beginning, or behind an entry."""
    playlist = references.playlist(here, asked.playlist)
    if asked.first and asked.after is not None:
        raise UserError("“first” and “after” name two places: give one of them")
    if asked.after is None:
        listed = nearby.end(here, playlist, first=asked.first)
        index = 0 if asked.first else len(listed)
    else:
        listed = nearby.around(here, playlist, asked.after)
        index = references.entry(listed, asked.after) + 1
    tracks = [entry_fields(track) for track in asked.tracks]
    if not tracks:
        raise UserError("no track is given: give at least one title")
    writes, added = adding(here, listed, index, tracks)
    return here.write(playlist, writes, added)


def adding(
    here: Playlists, listed: placing.Order, index: int, tracks: Iterable[dict[str, Value]]
) -> tuple[list[Write], list[str]]:
    """Writes that add tracks (their fields) before the entry at `index`, and the new ids."""
    tracks = list(tracks)
    made, respaced = placing.insert(listed, index, len(tracks), here.rng)
    fresh = [here.new_id() for _ in tracks]
    added = [
        Write("entries", entry, {"position": key, **fields})
        for entry, key, fields in zip(fresh, made, tracks, strict=True)
    ]
    return added + respaced, fresh


def entry_fields(track: TrackInput) -> dict[str, Value]:
    """The fields of a new entry; empty ones are left out, they cost bytes on every device."""
    fields = {field: fit(getattr(track, name)) for name, field, fit in _FIELDS}
    return {field: value for field, value in fields.items() if field == "title" or value != EMPTY[field]}


def edit(here: Playlists, asked: EditEntry) -> Changed:
    """Change fields of an entry."""
    playlist = references.playlist(here, asked.playlist)
    entry = references.one_entry(here, playlist, asked.entry)
    document = here.library.documents.get(playlist, ("entries", entry))
    assert document is not None
    current = {**EMPTY, **document.fields}
    given = {f: fit(value) for n, f, fit in _FIELDS if (value := getattr(asked, n)) is not UNSET}
    if not given:
        raise UserError("nothing to change: name at least one field")
    fields = {field: value for field, value in given.items() if current[field] != value}
    if not fields:
        return unchanged(playlist)
    return here.write(playlist, [Write("entries", entry, fields)], [entry])


def move(here: Playlists, asked: MoveEntries) -> Changed:
    """Move entries; several keep the order they have."""
    playlist = references.playlist(here, asked.playlist)
    neighbour = asked.after or asked.before
    listed: placing.Order
    if neighbour is None or asked.to is not None:
        listed = references.order(here, playlist)
    else:
        listed = nearby.around(here, playlist, neighbour, asked.entries)
    places = references.entries(listed, asked.entries)
    index = _target(listed, places, asked)
    writes = placing.move(listed, places, index, here.rng)
    if not writes:
        return unchanged(playlist)
    return here.write(playlist, writes, [listed[at][0] for at in places])


def remove(here: Playlists, asked: RemoveEntries) -> Changed:
    """Remove entries."""
    playlist = references.playlist(here, asked.playlist)
    listed = nearby.named(here, playlist, asked.entries)
    gone = [listed[at][0] for at in references.entries(listed, asked.entries)]
    return here.write(playlist, [Write("entries", entry, {"removed": True}) for entry in gone], gone)


def _target(listed: placing.Order, places: list[int], asked: MoveEntries) -> int:
    """Index among the entries that stay, before which the moved ones go."""
    if sum(each is not None for each in (asked.after, asked.before, asked.to)) != 1:
        raise UserError("give one of “after”, “before” and “to”")
    if asked.to is not None:
        last = len(listed) - len(places) + 1
        if not 1 <= asked.to <= last:
            raise UserError(f"{asked.to} is no place for them: give a number from 1 to {last}")
        return asked.to - 1
    neighbour = references.entry(listed, asked.after or asked.before or "")
    if neighbour in places:
        raise UserError("an entry cannot be moved next to itself: name one that stays where it is")
    return neighbour - sum(at < neighbour for at in places) + (asked.after is not None)
