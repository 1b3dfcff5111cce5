"""The collections of design §7 as RxDB sees them: one source for the view, the checks and the JavaScript schemas.

Ids are unique over all playlists, as RxDB keeps the entries of all of them in one collection: the playlist's id, a
colon, and the document's own id. `version` changes with every change of a document; clients never edit it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from whatnext.records import positions, schema
from whatnext.records.ids import playlist_from_text
from whatnext.records.schema import Value

PLAYLIST_ID = 32  # characters, as are the numbers below
PEER_ID = 52
ENTRY_ID = 16
VERSION = 16

Json = Mapping[str, Any]

_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "boolean"}
_TIME: Json = {"type": "integer", "minimum": 0}
_TEXTS: Json = {"type": "array", "items": _TEXT}


def _text(limit: int) -> Json:
    return {"type": "string", "maxLength": limit}


def _or_null(kind: str) -> Json:
    return {"type": [kind, "null"]}


_PLAYLIST = _text(PLAYLIST_ID)
_PEER = _text(PEER_ID)


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """One collection: all its properties but `id` and `version`, and what clients may do with it."""

    name: str
    properties: Json
    id_length: int
    defaults: Mapping[str, Value] = MappingProxyType({})
    """Fields that clients may write, with what they are while nobody wrote them."""
    needed: tuple[str, ...] = ()
    """Fields without which a new document is none."""
    can_insert: bool = True
    can_delete: bool = True


ENTRY_DEFAULTS: Mapping[str, Value] = MappingProxyType(
    {
        "position": "",
        "title": "",
        "artists": [],
        "album": "",
        "durationMs": None,
        "isrc": None,
        "mbid": None,
        "links": [],
        "note": "",
    }
)

COLLECTIONS: Mapping[str, Collection] = MappingProxyType(
    {
        each.name: each
        for each in (
            Collection(
                name="playlists",
                id_length=PLAYLIST_ID,
                properties={
                    "name": _text(schema.MAX_NAME),
                    "description": _TEXT,
                    "tags": _TEXTS,
                    "cover": _or_null("string"),
                    "mode": {"type": "string", "enum": list(schema.MODES)},
                    "owner": _PEER,
                    "createdAt": _TIME,
                    "updatedAt": _TIME,
                },
                defaults={"name": "", "description": "", "tags": [], "cover": None, "mode": "free"},
                can_insert=False,  # its id is the hash of its first record, which only a node can sign
            ),
            Collection(
                name="entries",
                id_length=PLAYLIST_ID + 1 + ENTRY_ID,
                properties={
                    "playlistId": _PLAYLIST,
                    "position": _text(positions.MAX_BYTES),
                    "title": _text(schema.MAX_NAME),
                    "artists": _TEXTS,
                    "album": _text(schema.MAX_NAME),
                    "durationMs": _or_null("integer"),
                    "isrc": _or_null("string"),
                    "mbid": _or_null("string"),
                    "links": _TEXTS,
                    "note": _TEXT,
                    "addedBy": _PEER,
                    "addedAt": _TIME,
                },
                defaults=ENTRY_DEFAULTS,
                needed=("position", "title"),
            ),
            Collection(
                name="votes",
                id_length=PLAYLIST_ID + 1 + ENTRY_ID + 1 + PEER_ID,
                properties={
                    "playlistId": _PLAYLIST,
                    "entryId": _text(PLAYLIST_ID + 1 + ENTRY_ID),
                    "peerId": _PEER,
                    "value": {"type": "integer", "minimum": -1, "maximum": 1},
                },
                defaults={"value": 0},
                needed=("value",),
            ),
            Collection(
                name="comments",
                id_length=PLAYLIST_ID + 1 + PEER_ID + 1 + ENTRY_ID,
                properties={
                    "playlistId": _PLAYLIST,
                    "entryId": {"type": ["string", "null"], "maxLength": PLAYLIST_ID + 1 + ENTRY_ID},
                    "author": _PEER,
                    "text": _TEXT,
                    "createdAt": _TIME,
                },
                defaults={"entryId": None, "text": ""},
                needed=("text",),
            ),
            Collection(
                name="members",
                id_length=PLAYLIST_ID + 1 + PEER_ID,
                properties={
                    "playlistId": _PLAYLIST,
                    "peerId": _PEER,
                    "role": {"type": "string", "enum": ["owner", *schema.ROLES, schema.REMOVED]},
                    "joinedVia": _or_null("string"),
                    "left": _FLAG,
                },
                can_insert=False,  # roles are governance: `whatnext members`, with marks only a node can make
                can_delete=False,
            ),
            Collection(
                name="profiles",
                id_length=PLAYLIST_ID + 1 + PEER_ID,
                properties={
                    "playlistId": _PLAYLIST,
                    "peerId": _PEER,
                    "name": _text(schema.MAX_NAME),
                    "colour": _or_null("string"),
                },
                defaults={"name": "", "colour": None},
                needed=("name",),
                can_delete=False,
            ),
            Collection(
                name="peers",
                id_length=PEER_ID,
                properties={
                    "name": _or_null("string"),
                    "state": _TEXT,
                    "path": _or_null("string"),
                    "latencyMs": _or_null("number"),
                    "inSync": _FLAG,
                    "discoveredBy": _or_null("string"),
                    "lastSeen": _or_null("integer"),
                },
                can_insert=False,
                can_delete=False,
            ),
        )
    }
)


def rx_schema(collection: Collection) -> dict[str, Any]:
    """Schema of one collection as RxDB's `addCollections` takes it."""
    required = ["id", "version", *collection.properties]
    properties = {
        "id": _text(collection.id_length),
        "version": _text(VERSION),
        **collection.properties,
    }
    indexes = [["playlistId", "position"]] if collection.name == "entries" else []
    return {
        "title": collection.name,
        "version": 0,
        "primaryKey": "id",
        "type": "object",
        "properties": properties,
        "required": required,
        "indexes": indexes,
        "additionalProperties": False,
    }


def local_id(collection: str, text: str) -> tuple[bytes, str] | None:
    """Playlist and id in the records behind an RxDB id, or None when it is none of this collection."""
    prefix, separator, rest = text.partition(":")
    playlist = playlist_from_text(prefix)
    if playlist is None or bool(separator) == (collection == "playlists"):
        return None
    return playlist, rest
