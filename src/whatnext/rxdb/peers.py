"""The collection `peers`: who is around, local to this device and read-only. Kept in memory, with a feed of its own."""

from collections.abc import Callable, Iterable
from typing import Any

from whatnext.rxdb import limits
from whatnext.rxdb.documents import RxDocument
from whatnext.rxdb.messages import Checkpoint, Pulled


class Peers:
    """Documents of the peers as they were last told, each with the number of its newest change."""

    def __init__(self, epoch: str, source: Callable[[], Iterable[dict[str, Any]]]) -> None:
        """`epoch` is new with each start; `source` gives the peers as they are now, with every field but `version`."""
        self._epoch = epoch
        self._source = source
        self._documents: dict[str, RxDocument] = {}
        self._numbers: dict[str, int] = {}
        self._newest = 0

    def look(self) -> bool:
        """Compare with the source; whether anything changed."""
        before = self._newest
        found = {peer["id"]: peer for peer in self._source()}
        for key in self._documents.keys() - found.keys():
            if not self._documents[key]["_deleted"]:
                self._put({**self._documents[key], "_deleted": True})
        for key, peer in found.items():
            known = self._documents.get(key)
            if known is None or {**known, "version": ""} != {**peer, "version": "", "_deleted": False}:
                self._put({**peer, "_deleted": False})
        self._forget_gone()
        return self._newest != before

    def now(self) -> int:
        """Number of the newest change."""
        return self._newest

    def checkpoint(self, seq: int) -> Checkpoint:
        """The checkpoint of a change's number."""
        return {"epoch": self._epoch, "seq": seq}

    def pull(self, checkpoint: Checkpoint | None, limit: int) -> Pulled:
        """At most `limit` documents changed after the checkpoint, oldest first."""
        after = 0
        if checkpoint is not None and checkpoint.get("epoch") == self._epoch:
            seq = checkpoint.get("seq")
            after = seq if isinstance(seq, int) else 0
        keys = sorted((n, key) for key, n in self._numbers.items() if n > after)[:limit]
        seq = keys[-1][0] if keys else after
        return Pulled([self._documents[key] for _, key in keys], self.checkpoint(seq))

    def get(self, key: str) -> RxDocument | None:
        """One peer."""
        return self._documents.get(key)

    def _forget_gone(self) -> None:
        """Strangers come and go for ever; who was told of the last thousand that went has not missed much."""
        gone = [key for key, document in self._documents.items() if document["_deleted"]]
        for key in sorted(gone, key=self._numbers.__getitem__)[: -limits.MAX_GONE_PEERS]:
            del self._documents[key], self._numbers[key]

    def _put(self, document: RxDocument) -> None:
        self._newest += 1
        self._numbers[document["id"]] = self._newest
        self._documents[document["id"]] = {**document, "version": f"{self._newest:x}"}
