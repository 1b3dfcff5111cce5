"""The master of RxDB's replication: pulls read the change feed, pushes become signed records, field by field.

The answer policy (docs/decisions/adr-261122-rxdb-replication-protocol.md): a push is merged and answered with `[]`,
and the merged document is told to everybody, its author included; only what is refused comes back as a conflict.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from whatnext.errors import UserError
from whatnext.playlists.service import Playlists
from whatnext.records.codec import Meta, Write
from whatnext.records.ids import playlist_from_text
from whatnext.rxdb.collections import Collection, local_id
from whatnext.rxdb.documents import RxDocument, View
from whatnext.rxdb.messages import Checkpoint, Pulled
from whatnext.rxdb.readers import Reader
from whatnext.rxdb.rows import Place, Row, RowRefused, check_form, place_of, write_of
from whatnext.store import Change
from whatnext.store.database import translated
from whatnext.store.document_table import Stored
from whatnext.store.pushes import Pusher, PushTable

_MANY = 100
"""Changes that a client may be behind for a look at what collections they are in; who is further has much to read."""


class Pushed(msgspec.Struct):
    """What came of a push."""

    conflicts: list[RxDocument] = []
    """The master's state of each refused document; of one it does not have, the client's own, deleted."""
    refused: dict[str, str] = {}
    """Why, by the document's id."""
    reasons: list[tuple[str, str]] = []
    """Code and sentence of each refusal, in order."""


class _Ready(msgspec.Struct):
    row: Row
    place: Place
    write: Write | None


class Master:
    """The documents of one library, for any number of clients; all calls from the thread that owns the library."""

    def __init__(self, playlists: Playlists) -> None:
        self._playlists = playlists
        self._library = playlists.library
        self._view = View(self._library.owner)
        self._pushes = PushTable(self._library.database)
        self._changed: tuple[int, int, frozenset[str]] = (0, 0, frozenset())

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back after every change; returns the way to stop it."""
        return self._library.subscribe(callback)

    def now(self) -> int:
        """Number of the newest change: a pull from now on sees everything up to it."""
        return self._library.documents.last_feed()

    def epoch(self, reader: Reader) -> str:
        """What a checkpoint belongs to: this feed, and what the client sees of it.

        A member that is let into another playlist has to be told all of it, however old: its checkpoint ends.
        """
        playlists = reader.playlists()
        if playlists is None:
            return self._library.database.feed_id
        return f"{self._library.database.feed_id}.{sha256(b''.join(sorted(playlists))).hexdigest()[:16]}"

    def pull(
        self, reader: Reader, collection: Collection, checkpoint: Checkpoint | None, limit: int
    ) -> Pulled:
        """At most `limit` documents changed after the checkpoint, oldest first; one of another epoch is the start."""
        epoch = self.epoch(reader)
        after = _seq_of(checkpoint, epoch, self.now())
        stored = self._changes(reader, collection.name, after, limit)
        seq = stored[-1].feed if stored else after
        return Pulled(self._shown(stored), {"epoch": epoch, "seq": seq})

    def event(self, reader: Reader, collection: Collection, after: int, limit: int) -> Pulled | None:
        """What has changed after a number of the feed, for the stream; None when it is more than `limit`."""
        stored = self._changes(reader, collection.name, after, limit + 1)
        if len(stored) > limit:
            return None
        return Pulled(self._shown(stored), {"epoch": self.epoch(reader), "seq": self.now()})

    def may_have_changed(self, collection: str, after: int) -> bool:
        """Whether to look for an event; one look at the disk answers it for all collections and all clients."""
        now = self.now()
        if now - after > _MANY:
            return True
        if self._changed[:2] != (after, now):
            with translated(self._library.database.path):
                self._changed = (after, now, self._library.documents.collections_changed(after))
        return collection in self._changed[2]

    def _shown(self, stored: Sequence[Stored]) -> list[RxDocument]:
        """Documents as clients see them: those that still come in for a playlist we are leaving are deleted."""
        here = set(self._library.playlists())
        documents = [self._view.document(each) for each in stored]
        for document, each in zip(documents, stored, strict=True):
            document["_deleted"] |= each.playlist not in here
        return documents

    def standing(self, reader: Reader, collection: Collection, playlist: object = None) -> list[RxDocument]:
        """Every document that is not deleted, of one playlist (by its text) or of all; entries in their order."""
        visible = reader.playlists()
        wanted = self._library.playlists() if visible is None else visible
        if isinstance(playlist, str):
            wanted = [each for each in wanted if each == playlist_from_text(playlist)]
        stored = (s for each in wanted for s in self._library.documents.in_playlist(each, collection.name))
        return [d for s in stored if not (d := self._view.document(s))["_deleted"]]

    def by_id(self, reader: Reader, collection: Collection, key: str) -> RxDocument | None:
        """One document by its id, deleted or not; None when there never was one."""
        found = local_id(collection.name, key)
        return None if found is None else self._current(reader, Place(found[0], collection.name, found[1]))

    def push(
        self, reader: Reader, pusher: Pusher | None, collection: Collection, rows: Sequence[Row]
    ) -> Pushed:
        """Write what a client changed; raises `LocalError` when the disk takes nothing (the client repeats it).

        `pusher` is None for one that never repeats a push.
        """
        pushed = Pushed([], {}, [])
        ready: dict[bytes, list[_Ready]] = {}
        seen: set[str] = set()
        for row in rows:
            try:
                each = self._ready(reader, pusher, collection, row, seen)
            except RowRefused as refusal:
                self._refuse(pushed, reader, collection, row, refusal)
            else:
                ready.setdefault(each.place.playlist, []).append(each)
        for playlist, group in ready.items():
            self._write(pushed, reader, pusher, collection, playlist, group)
        return pushed

    def _ready(
        self, reader: Reader, pusher: Pusher | None, collection: Collection, row: Row, seen: set[str]
    ) -> _Ready:
        check_form(collection, row)
        place = place_of(collection, row)
        if row.new["id"] in seen:
            raise RowRefused("invalid", "the same document twice in one push")
        seen.add(row.new["id"])
        if not reader.sees(place.playlist):
            raise RowRefused("not_found", "no playlist of yours by that id")
        base = (
            row.assumed if pusher is None else self._pushes.base(pusher, row.new["id"], row.assumed, row.new)
        )
        current = self._library.documents.get(place.playlist, (place.collection, place.id))
        write = write_of(collection, place, Row(new=row.new, assumed=base), current)
        if write is not None and (why := reader.refusal(place.playlist, write)) is not None:
            raise RowRefused("not_permitted", why)
        return _Ready(row, place, write)

    def _write(
        self,
        pushed: Pushed,
        reader: Reader,
        pusher: Pusher | None,
        collection: Collection,
        playlist: bytes,
        group: Sequence[_Ready],
    ) -> None:
        def remember() -> None:
            if pusher is None:
                return
            fields = (*collection.defaults, "_deleted")
            for each in group:
                state = {name: each.row.new[name] for name in fields if name in each.row.new}
                self._pushes.keep(pusher, each.row.new["id"], each.row.assumed, state)
            # What changes nothing here is another state than the client's all the same. It is told as a change, since
            # a client may drop an event, but never what it pulls.
            unchanged = [(collection.name, each.place.id) for each in group if each.write is None]
            self._library.documents.touch(playlist, unchanged)

        writes = [each.write for each in group if each.write is not None]
        try:
            if writes:
                self._playlists.write(playlist, writes, [], meta=Meta(by=reader.by), also=remember)
            else:
                self._library.aside(playlist, remember)
        except UserError as error:  # no right, or over a limit: nothing of the group was kept
            if len(group) == 1:
                self._refuse(pushed, reader, collection, group[0].row, RowRefused(error.code, str(error)))
                return
            middle = len(group) // 2  # one row too many must not cost the others
            self._write(pushed, reader, pusher, collection, playlist, group[:middle])
            self._write(pushed, reader, pusher, collection, playlist, group[middle:])

    def _refuse(
        self, pushed: Pushed, reader: Reader, collection: Collection, row: Row, refusal: RowRefused
    ) -> None:
        pushed.reasons.append((refusal.code, str(refusal)))
        key = row.new.get("id")
        if not isinstance(key, str):
            return  # nothing the client could put in its place: only the reason is told
        pushed.refused[key] = str(refusal)
        try:
            current = self._current(reader, place_of(collection, row))
        except RowRefused:
            current = None
        pushed.conflicts.append(current or {**row.new, "_deleted": True})

    def _current(self, reader: Reader, place: Place) -> RxDocument | None:
        if not reader.sees(place.playlist):
            return None
        with translated(self._library.database.path):
            stored = self._library.documents.stored(place.playlist, (place.collection, place.id))
        return None if stored is None else self._view.document(stored)

    def _changes(self, reader: Reader, collection: str, after: int, limit: int) -> list[Stored]:
        playlists = reader.playlists()
        if playlists == []:
            return []
        with translated(self._library.database.path):
            return self._library.documents.changes_of(collection, playlists, after, limit)


def _seq_of(checkpoint: Checkpoint | None, epoch: str, newest: int) -> int:
    if checkpoint is None or checkpoint.get("epoch") != epoch:
        return 0
    seq = checkpoint.get("seq")
    return seq if isinstance(seq, int) and 0 <= seq <= newest else 0
