"""One walk towards a key: whom to ask next, and when to stop. Sans-IO: answers in, questions out."""

from collections.abc import Iterable, Sequence

import msgspec

from whatnext.net.dht.table import key_of
from whatnext.net.peer_records import PeerRecord

PARALLEL = 4
"""Questions under way at one time (α of the paper)."""
REPLICAS = 8
"""The walk ends when so many of the nearest servers have answered; as many keep a node's record."""
CONFIRMED = 3
"""Servers that must know a record before the newest of theirs is believed to be the newest of all."""
MAX_QUESTIONS = 64
"""A net of liars that names ever nearer servers costs no more."""


class Server(msgspec.Struct, frozen=True):
    """Somebody who may be asked, and where it is; no addresses for one that is connected."""

    peer: str
    addresses: tuple[str, ...] = ()


class Lookup:
    """A walk towards `target`; with `is_wanted` it also looks for that peer's own record."""

    def __init__(self, own_peer: str, target: str, start: Iterable[Server], *, is_wanted: bool) -> None:
        self._own = own_peer
        self._target = target
        self._key = key_of(target)
        self._is_wanted = is_wanted
        self._known = {server.peer: server for server in start if server.peer != own_peer}
        self._asked: set[str] = set()
        self._running: set[str] = set()
        self._dead: set[str] = set()
        self._told = 0
        self.found: PeerRecord | None = None
        self.answers = 0
        """Servers that answered."""

    def next(self) -> list[Server]:
        """Servers to ask now; each must end in `answered` or `failed`."""
        if self._is_over():
            return []
        ranked = sorted(self._known.keys() - self._dead, key=lambda peer: key_of(peer) ^ self._key)
        free = min(PARALLEL - len(self._running), MAX_QUESTIONS - len(self._asked))
        chosen = [peer for peer in ranked[:REPLICAS] if peer not in self._asked][: max(0, free)]
        self._asked.update(chosen)
        self._running.update(chosen)
        return [self._known[peer] for peer in chosen]

    def answered(self, peer: str, records: Sequence[PeerRecord]) -> None:
        """A server told what it knows."""
        self._running.discard(peer)
        self.answers += 1
        for record in records:
            if record.peer == self._target and self._is_wanted:
                self._told += 1
                if self.found is None or record.seq > self.found.seq:
                    self.found = record
            elif record.peer != self._own:
                self._known.setdefault(record.peer, Server(record.peer, record.addresses))

    def failed(self, peer: str) -> None:
        """A server did not answer."""
        self._running.discard(peer)
        self._dead.add(peer)

    @property
    def is_done(self) -> bool:
        """Nothing more is to be asked or awaited."""
        return self._is_over() or (not self._running and not self._has_more())

    def _is_over(self) -> bool:
        return self._told >= CONFIRMED

    def _has_more(self) -> bool:
        ranked = sorted(self._known.keys() - self._dead, key=lambda peer: key_of(peer) ^ self._key)
        return len(self._asked) < MAX_QUESTIONS and any(peer not in self._asked for peer in ranked[:REPLICAS])
