"""Live queries: what fits now, then what changes, as often as the reader can take it."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec
import trio

from whatnext.embedding.selecting import Selector, fits
from whatnext.rxdb.collections import Collection
from whatnext.rxdb.documents import RxDocument
from whatnext.rxdb.master import Master
from whatnext.rxdb.readers import Reader

MAX_STEP = 1000
"""Documents read for one step; when more have changed, everything is looked at anew."""


class Changes(msgspec.Struct, frozen=True):
    """What happened since the last step: documents that fit and are new or changed, ids of those that fit no more."""

    changed: list[RxDocument]
    gone: list[str]


class Live:
    """Async iterator over a query's changes; the first step is all that fits, even when that is nothing.

    Level-triggered: what changes while nobody reads is told as it is in the end, in one step. It keeps the ids of the
    documents that fit, and nothing else. Use it in a `with` block, from one task.
    """

    def __init__(self, master: Master, reader: Reader, collection: Collection, selector: Selector) -> None:
        self._master = master
        self._reader = reader
        self._collection = collection
        self._selector = selector
        self._seq: int | None = None
        self._ids: set[str] = set()
        self._changed = trio.Event()
        self._stop: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        self._stop = self._master.subscribe(lambda _: self._changed.set())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stop is not None:
            self._stop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Changes:
        """The next step; cancelling loses nothing."""
        if self._stop is None:
            raise RuntimeError("a live query is used in a with block")
        await trio.lowlevel.checkpoint()
        while True:
            self._changed = trio.Event()
            found = self._step()
            if found is not None:
                return found
            await self._changed.wait()

    def _step(self) -> Changes | None:
        now = self._master.now()
        if self._seq is None:
            self._seq = now
            return self._everything()
        if now == self._seq:
            return None
        event = self._master.event(self._reader, self._collection, self._seq, MAX_STEP)
        self._seq = now
        if event is None:
            return self._everything()
        found = Changes([], [])
        for document in event.documents:
            self._take(document, found)
        return found if found.changed or found.gone else None

    def _everything(self) -> Changes:
        documents = self._master.standing(self._reader, self._collection, self._selector.get("playlistId"))
        fitting = [document for document in documents if fits(document, self._selector)]
        before, self._ids = self._ids, {document["id"] for document in fitting}
        return Changes(fitting, sorted(before - self._ids))

    def _take(self, document: RxDocument, found: Changes) -> None:
        key = document["id"]
        if not document["_deleted"] and fits(document, self._selector):
            self._ids.add(key)
            found.changed.append(document)
        elif key in self._ids:
            self._ids.remove(key)
            found.gone.append(key)
