"""One change as a clause people read: “added “Bad Guy” by Billie Eilish”, “moved “X” to 3”."""

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from whatnext import identity
from whatnext.records import ids
from whatnext.records.codec import Record, Write
from whatnext.records.schema import REMOVED, Value

_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SHOWN = 60
_LISTED = 3
_NAMES = {"durationMs": "duration", "isrc": "ISRC", "mbid": "MusicBrainz id"}


class Context(msgspec.Struct, frozen=True):
    """What a clause needs to know beside the record: names, titles, and how the list was ordered."""

    name: Callable[[str], str]
    """What a peer calls itself, by PeerID."""
    title: Callable[[str], str]
    """Title of an entry, by id."""
    invite_role: Callable[[str], str]
    """Role that an invite gives, by id."""
    moved_to: Callable[[Sequence[str]], tuple[int, int | None]]
    """Of entries whose position was written: how many were moved, and the number the first of them got."""


def describe(record: Record, context: Context) -> str:
    """What a record did, in the past tense, without its author."""
    by_collection: dict[str, list[Write]] = {}
    for write in record.body.writes:
        by_collection.setdefault(write.collection, []).append(write)
    introduction = by_collection.pop("profiles", [])
    clauses = [
        clause
        for collection, writes in by_collection.items()
        for clause in _CLAUSES[collection](record, writes, context)
    ]
    if not clauses:
        clauses = [
            f"took the name {quoted(str(w.fields['name']))}" for w in introduction if "name" in w.fields
        ]
    return "; ".join(clauses) or "changed the own profile"


def quoted(text: str) -> str:
    """Text in quotation marks, cut when long."""
    text = " ".join(text.split())
    text = _TURNING.sub("", text)  # they would turn round the words after it
    return f"“{text}”" if len(text) <= _SHOWN else f"“{text[: _SHOWN - 1]}…”"


def _playlist(record: Record, writes: list[Write], _: Context) -> Iterable[str]:
    fields = writes[0].fields
    name = quoted(str(fields.get("name", "")))
    if record.is_genesis:
        yield f"began the playlist {name}"
        return
    if "name" in fields:
        yield f"renamed the playlist to {name}"
    if "description" in fields:
        yield "changed the description" if fields["description"] else "removed the description"
    if "tags" in fields:
        yield f"set the tags to {_all(fields['tags'])}" if fields["tags"] else "removed the tags"
    if "mode" in fields:
        yield f"set the mode to {fields['mode']}"
    if "cover" in fields:
        yield f"set the cover to {fields['cover']}" if fields["cover"] else "removed the cover"
    if "removed" in fields:
        yield "deleted the playlist" if fields["removed"] else "brought the playlist back"


def _entries(_: Record, writes: list[Write], context: Context) -> Iterable[str]:
    added = [w for w in writes if "title" in w.fields and "position" in w.fields]
    moved = [w.id for w in writes if w.fields.keys() == {"position"}]
    if added:
        yield f"added {_tracks([_with_artists(w.fields) for w in added])}"
    elif moved:
        count, number = context.moved_to(moved)
        where = "" if number is None else f" to {number}"
        yield f"moved {_tracks([quoted(context.title(entry)) for entry in moved[:count]])}{where}"
    for flag, verb in ((True, "removed"), (False, "brought back")):
        chosen = [w.id for w in writes if w.fields.get("removed") is flag and "title" not in w.fields]
        if chosen:
            yield f"{verb} {_tracks([quoted(context.title(entry)) for entry in chosen])}"
    for write in writes:
        edited = [_NAMES.get(f, f) for f in write.fields if f not in ("position", "removed")]
        if edited and write not in added:
            yield f"changed {_listed(edited)} of {quoted(context.title(write.id))}"


def _votes(_: Record, writes: list[Write], context: Context) -> Iterable[str]:
    for write in writes:
        title = quoted(context.title(ids.parts_of_vote(write.id)[0]))
        value = write.fields["value"]
        yield f"voted {value:+d} for {title}" if value else f"took back the vote for {title}"


def _comments(record: Record, writes: list[Write], context: Context) -> Iterable[str]:
    for write in writes:
        entry = write.fields.get("entryId")
        on = f" on {quoted(context.title(entry))}" if isinstance(entry, str) else ""
        if "text" in write.fields:
            yield f"commented{on}: {quoted(str(write.fields['text']))}"
        elif "removed" in write.fields:
            author = ids.author_of_comment(write.id)
            whose = "an own comment" if author == _author(record) else f"a comment by {context.name(author)}"
            yield f"removed {whose}" if write.fields["removed"] else f"brought back {whose}"


def _members(record: Record, writes: list[Write], context: Context) -> Iterable[str]:
    for write in writes:
        role, left, invite = (write.fields.get(name) for name in ("role", "left", "invite"))
        if role == REMOVED:
            yield f"removed {context.name(write.id)} from the playlist"
        elif role is not None:
            yield f"made {context.name(write.id)} {role}"
        elif left is True:
            yield "left the playlist"
        elif isinstance(invite, str) and write.id == _author(record):
            yield f"joined as {context.invite_role(invite)}"


def _invites(_: Record, writes: list[Write], context: Context) -> Iterable[str]:
    for write in writes:
        if write.fields.get("revoked") is True:
            yield f"revoked an invite as {context.invite_role(write.id)}"
        elif "role" in write.fields:
            yield f"invited as {write.fields['role']}"


_CLAUSES: dict[str, Callable[[Record, list[Write], Context], Iterable[str]]] = {
    "playlists": _playlist,
    "entries": _entries,
    "votes": _votes,
    "comments": _comments,
    "members": _members,
    "invites": _invites,
}


def _author(record: Record) -> str:
    return identity.peer_id(record.body.author)


def _with_artists(fields: dict[str, Value]) -> str:
    artists = fields.get("artists")
    by = f" by {_listed(artists)}" if isinstance(artists, list) and artists else ""
    return f"{quoted(str(fields['title']))}{by}"


def _tracks(shown: list[str]) -> str:
    return shown[0] if len(shown) == 1 else f"{len(shown)} tracks: {_listed(shown)}"


def _all(value: Value) -> str:
    return _listed([str(each) for each in value]) if isinstance(value, list) else str(value)


def _listed(items: Sequence[str]) -> str:
    """“a”, “a and b”, “a, b and 5 more”."""
    if len(items) > _LISTED:
        return f"{', '.join(items[: _LISTED - 1])} and {len(items) - _LISTED + 1} more"
    *before, last = items
    return f"{', '.join(before)} and {last}" if before else last
