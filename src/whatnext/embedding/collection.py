"""One collection of documents: find, insert, patch, remove, watch. A change is signed and durable when it returns."""

import random
from collections.abc import Mapping
from typing import Any

from whatnext.embedding.selecting import Selector, Sort, check, fits, ordered
from whatnext.embedding.watching import Live
from whatnext.errors import LimitExceeded, NotFound, NotPermitted, UserError
from whatnext.playlists.service import Playlists
from whatnext.records import ids, positions
from whatnext.rxdb.collections import COLLECTIONS
from whatnext.rxdb.documents import RxDocument
from whatnext.rxdb.master import Master
from whatnext.rxdb.readers import Profile
from whatnext.rxdb.rows import Row
from whatnext.store.listing import end_entry

_ERRORS: Mapping[str, type[UserError]] = {
    error.code: error for error in (NotPermitted, NotFound, LimitExceeded)
}


class Collection:
    """Documents of one kind over all playlists of this device, as RxDB clients see them too.

    Nothing here waits, and everything belongs into the trio thread that opened the node.
    """

    def __init__(self, playlists: Playlists, master: Master, name: str) -> None:
        self.name = name
        self._shape = COLLECTIONS[name]
        self._playlists = playlists
        self._master = master
        self._reader = Profile(playlists.library)

    def find(
        self, selector: Selector | None = None, *, sort: Sort = (), limit: int | None = None
    ) -> list[RxDocument]:
        """Documents that fit, entries in their order unless `sort` says otherwise; raises `UserError`."""
        selector = selector or {}
        check(self._shape, selector, sort)
        documents = self._master.standing(self._reader, self._shape, selector.get("playlistId"))
        fitting = [document for document in documents if fits(document, selector)]
        return ordered(fitting, sort)[:limit]

    def find_one(self, wanted: str | Selector) -> RxDocument | None:
        """The document with this id, or the first that fits; None when there is none."""
        if not isinstance(wanted, str):
            return next(iter(self.find(wanted, limit=1)), None)
        found = self._master.by_id(self._reader, self._shape, wanted)
        return None if found is None or found["_deleted"] else found

    def insert(self, fields: Mapping[str, Any]) -> RxDocument:
        """Make a document; what it needs beside `fields` (its id, an entry's place at the end) is filled in.

        One that was removed comes back. Raises `NotPermitted`, `UserError` for a value that does not fit or a
        document that is there already, or what the disk says.
        """
        made = {**self._shape.defaults, **fields, "_deleted": False}
        made.setdefault("id", self._new_id(made))
        if self.name == "entries" and not made["position"]:
            made["position"] = self._last_position(made)
        known = self._master.by_id(self._reader, self._shape, str(made["id"]))
        if known is not None and not known["_deleted"]:
            raise UserError(f"{self.name} have “{known['id']}” already: use patch()")
        return self._push(made, known)

    def patch(self, key: str, fields: Mapping[str, Any]) -> RxDocument:
        """Change fields of a document; others' edits of other fields stay. Raises as `insert`, and `NotFound`."""
        for name in fields.keys() - self._shape.defaults.keys():
            able = ", ".join(self._shape.defaults) or "none is"
            raise UserError(f"the field “{name}” of {self.name} cannot be changed, these can: {able}")
        current = self._get(key)
        return self._push({**current, **fields}, current)

    def remove(self, key: str) -> None:
        """Remove a document. Raises as `patch`."""
        current = self._get(key)
        if not self._shape.can_delete:
            raise UserError(f"{self.name} cannot be removed")
        self._push({**current, "_deleted": True}, current)

    def watch(self, selector: Selector | None = None) -> Live:
        """A live query: `with entries.watch({…}) as live: async for changes in live: …`; raises `UserError`."""
        selector = selector or {}
        check(self._shape, selector)
        return Live(self._master, self._reader, self._shape, selector)

    def _get(self, key: str) -> RxDocument:
        found = self.find_one(key)
        if found is None:
            raise NotFound(f"{self.name} have no document “{key[:120]}”")
        return found

    def _push(self, new: dict[str, Any], assumed: RxDocument | None) -> RxDocument:
        pushed = self._master.push(self._reader, None, self._shape, [Row(new=new, assumed=assumed)])
        for code, reason in pushed.reasons:
            raise _ERRORS.get(code, UserError)(reason)
        found = self._master.by_id(self._reader, self._shape, new["id"])
        assert found is not None
        return found

    def _new_id(self, fields: Mapping[str, Any]) -> str:
        playlist, me = fields.get("playlistId"), self._playlists.me
        if not isinstance(playlist, str):
            raise UserError(f"a new document in {self.name} needs its playlistId")
        match self.name:
            case "entries":
                return f"{playlist}:{self._playlists.new_id()}"
            case "comments":
                return f"{playlist}:{ids.comment_id(me, self._playlists.new_id())}"
            case "votes":
                return f"{fields.get('entryId')}:{me}"
            case "profiles":
                return f"{playlist}:{me}"
        raise UserError(f"{self.name} are not made here: use node.do()")

    def _last_position(self, fields: Mapping[str, Any]) -> str:
        playlist = ids.playlist_from_text(str(fields.get("playlistId"))) or b""
        last = end_entry(self._playlists.library.database.connection, playlist, first=False)
        return positions.between(last[0][1] if last else None, None, random.SystemRandom())
