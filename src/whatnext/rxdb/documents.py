"""Stored documents as RxDB documents: every field there, the ones nobody wrote with their defaults."""

from collections.abc import Callable, Mapping
from typing import Any

from whatnext import clock, identity
from whatnext.records import ids
from whatnext.records.merge import Document, Stamp
from whatnext.records.schema import Value
from whatnext.rxdb.collections import COLLECTIONS
from whatnext.store.document_table import Stored

RxDocument = dict[str, Any]


class View:
    """Makes RxDB documents; keeps texts of ids, as making them costs more than all the rest."""

    def __init__(self, owner: Callable[[bytes], bytes | None]) -> None:
        self._owner = owner
        self._peers: dict[bytes, str] = {}
        self._texts: dict[bytes, str] = {}
        self._makers: Mapping[str, Callable[[Stored, str], RxDocument]] = {
            "playlists": self._playlist,
            "entries": self._entry,
            "votes": self._vote,
            "comments": self._comment,
            "members": self._member,
            "profiles": self._profile,
        }

    def document(self, stored: Stored) -> RxDocument:
        """One document, `_deleted` when it is removed or not (any more) part of its playlist."""
        playlist = self._text(stored.playlist)
        made = self._makers[stored.collection](stored, playlist)
        made["id"] = playlist if stored.collection == "playlists" else f"{playlist}:{stored.id}"
        made["version"] = version_of(stored)
        return made

    def _playlist(self, stored: Stored, playlist: str) -> RxDocument:
        document = stored.document
        owner = self._owner(stored.playlist)
        return {
            **_fields(stored),
            "owner": "" if owner is None else self._peer(owner),
            "createdAt": _millis(document.first),
            "updatedAt": _millis(document.last),
            "_deleted": stored.gone,
        }

    def _entry(self, stored: Stored, playlist: str) -> RxDocument:
        document = stored.document
        fields = document.fields
        return {
            **_fields(stored),
            "playlistId": playlist,
            "addedBy": document.by or self._author(document),
            "addedAt": _millis(document.first),
            # Without title or position it is a write to an entry whose adding does not count: no track.
            "_deleted": stored.gone or "title" not in fields or "position" not in fields,
        }

    def _vote(self, stored: Stored, playlist: str) -> RxDocument:
        entry, peer = ids.parts_of_vote(stored.id)
        fields = _fields(stored)
        return {
            **fields,
            "playlistId": playlist,
            "entryId": f"{playlist}:{entry}",
            "peerId": peer,
            "_deleted": stored.gone or fields["value"] == 0,
        }

    def _comment(self, stored: Stored, playlist: str) -> RxDocument:
        document = stored.document
        fields = _fields(stored)
        if fields["entryId"] is not None:
            fields["entryId"] = f"{playlist}:{fields['entryId']}"
        return {
            **fields,
            "playlistId": playlist,
            "author": document.by or ids.author_of_comment(stored.id),
            "createdAt": _millis(document.first),
            "_deleted": stored.gone or "text" not in document.fields,
        }

    def _member(self, stored: Stored, playlist: str) -> RxDocument:
        fields = stored.document.fields
        return {
            "playlistId": playlist,
            "peerId": stored.id,
            "role": fields.get("role") or "removed",
            "joinedVia": fields.get("joinedVia"),
            "left": fields.get("left") is True,
            "_deleted": stored.gone,
        }

    def _profile(self, stored: Stored, playlist: str) -> RxDocument:
        return {
            **_fields(stored),
            "playlistId": playlist,
            "peerId": stored.id,
            "_deleted": stored.gone,
        }

    def _text(self, playlist: bytes) -> str:
        known = self._texts.get(playlist)
        if known is None:
            known = self._texts[playlist] = ids.to_text(playlist)
        return known

    def _author(self, document: Document) -> str:
        return "" if document.first is None else self._peer(document.first[1])

    def _peer(self, public_key: bytes) -> str:
        known = self._peers.get(public_key)
        if known is None:
            known = self._peers[public_key] = identity.peer_id(public_key)
        return known


def version_of(stored: Stored) -> str:
    """What changes whenever the document does: its number in this node's change feed."""
    return f"{stored.feed:x}"


def _fields(stored: Stored) -> dict[str, Value]:
    """The client's fields only: what a newer record version may add is not RxDB's business."""
    defaults = COLLECTIONS[stored.collection].defaults
    shown = {**defaults, **stored.document.fields}
    if len(shown) == len(defaults):
        return shown
    return {name: shown[name] for name in defaults}


def _millis(stamp: Stamp | None) -> int:
    return 0 if stamp is None else clock.millis(stamp[0])
