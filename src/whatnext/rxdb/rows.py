"""A pushed row as a write: which fields the client changed, and whether they may be written at all.

A row is `(assumed, new)`: what the client believed the master had, and what it has now. Only the difference counts,
so edits of different fields merge whoever comes first.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from whatnext.records import ids, schema
from whatnext.records.codec import Write
from whatnext.records.merge import Document
from whatnext.records.schema import Value
from whatnext.rxdb.collections import Collection, local_id

Fields = Mapping[str, Any]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One document a client pushes; `assumed` is None for one it believes to be new."""

    new: dict[str, Any] = msgspec.field(name="newDocumentState")
    assumed: dict[str, Any] | None = msgspec.field(name="assumedMasterState", default=None)


class RowRefused(Exception):
    """The row cannot be written: the client is given the master's state, and the reason."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Place(msgspec.Struct, frozen=True):
    """Where a row belongs in the records."""

    playlist: bytes
    collection: str
    id: str


def place_of(collection: Collection, row: Row) -> Place:
    """Playlist and id that a row names; raises `RowRefused`."""
    key = row.new.get("id")
    if not isinstance(key, str):
        raise RowRefused("invalid", "a document without an id")
    found = local_id(collection.name, key)
    if found is None:
        raise RowRefused("invalid", f"“{key[:120]}” is no id of {collection.name}")
    return Place(found[0], collection.name, found[1])


def check_form(collection: Collection, row: Row) -> None:
    """Refuse fields that the collection does not have; raises `RowRefused`."""
    for name in row.new:
        if name not in collection.properties and name not in ("id", "version", "_deleted"):
            raise RowRefused("invalid", f"{collection.name} have no field “{name[:40]}”")


def write_of(collection: Collection, place: Place, row: Row, current: Document | None) -> Write | None:
    """The write that brings the row's change about, or None when there is nothing to change.

    `current` is the document as it stands. Raises `RowRefused` for what no record may hold.
    """
    assumed = row.assumed
    fields = _changed(collection, assumed or {}, row.new, place)
    if assumed is None and current is not None:
        fields = _untouched_since_made(fields, current)
    deleted = row.new.get("_deleted") is True
    if collection.can_delete and deleted != bool((assumed or {}).get("_deleted")):
        fields |= _deletion(collection, row.new, deleted=deleted)
    if "tags" in fields and current is not None:
        fields["tags"] = _tags(assumed or {}, fields["tags"], current)
    if current is None:
        _check_whole(collection, row.new)
        fields = {name: value for name, value in fields.items() if _says_something(collection, name, value)}
    else:
        fields = {
            name: value for name, value in fields.items() if _stands(collection, current, name) != value
        }
    if not fields:
        return None
    fault = schema.fault(place.collection, place.id, fields)
    if fault is not None:
        raise RowRefused("invalid", fault)
    return Write(place.collection, place.id, fields)


def _changed(collection: Collection, assumed: Fields, new: Fields, place: Place) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name in collection.defaults:
        if name in new and (name not in assumed or assumed[name] != new[name]):
            value = new[name]
            if place.collection == "comments" and name == "entryId" and value is not None:
                value = _entry_in(place, value)
            found[name] = value
    return found


def _entry_in(place: Place, value: object) -> str:
    """The entry that a comment is on, by its own id; it must be in the comment's playlist."""
    named = local_id("entries", value) if isinstance(value, str) else None
    if named is None or named[0] != place.playlist or not ids.is_entry_id(named[1]):
        raise RowRefused("invalid", "a comment is on an entry of its own playlist, or on none")
    return named[1]


def _untouched_since_made(fields: Mapping[str, Value], current: Document) -> dict[str, Value]:
    """A repeated insert (its answer was lost) must not undo what others have edited since."""
    return {n: v for n, v in fields.items() if current.stamps.get(n) in (None, current.first)}


def _tags(assumed: Fields, new: Value, current: Document) -> Value:
    """What was put to the tags and taken from them, done to those that stand: others may have changed them too.

    Only of lists that a playlist may have: each is compared with each, and a message has room for a million.
    """
    before, stands = assumed.get("tags"), current.fields.get("tags", [])
    if any(schema.fault("playlists", "", {"tags": each}) for each in (before, new, stands)):
        return new
    assert isinstance(before, list)
    assert isinstance(new, list)
    assert isinstance(stands, list)
    kept = [tag for tag in stands if tag in new or tag not in before]
    return kept + [tag for tag in new if tag not in before and tag not in kept]


def _deletion(collection: Collection, new: Fields, *, deleted: bool) -> dict[str, Value]:
    if collection.name == "votes":
        return {"value": 0 if deleted else new.get("value")}
    return {"removed": deleted}


def _check_whole(collection: Collection, new: Fields) -> None:
    if not collection.can_insert:
        raise RowRefused("not_permitted", f"{collection.name} are not made over RxDB: use the local API")
    for name in collection.needed:
        if name not in new or new[name] in ("", None):
            raise RowRefused("invalid", f"a new document in {collection.name} needs the field “{name}”")


def _says_something(collection: Collection, name: str, value: Value) -> bool:
    """Whether a field of a new document must be written: what is the default costs every device bytes."""
    if name == "removed":
        return value is True
    return name in collection.needed or value != collection.defaults[name]


def _stands(collection: Collection, current: Document, name: str) -> Value:
    if name == "removed":
        return current.removed
    return current.fields.get(name, collection.defaults.get(name))
