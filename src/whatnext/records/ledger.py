"""One playlist's logs, step by step: feed records as they come, learn which count.

The fast road for what `judge` defines over a whole set. Where a record contradicts what was counted before (a fork,
a word of the owner that voids), the ledger says so in `Outcome.contested` and the caller judges the whole set anew.
Records that cannot count yet wait here, bounded; which of them do not survive a restart is sent again by sync.
"""

from collections.abc import Callable, Iterable

import msgspec

from whatnext.records.codec import Record
from whatnext.records.governance import Governance, governs
from whatnext.records.ids import LogKey
from whatnext.records.judge import (
    FINAL,
    NO_HEAD,
    Head,
    Judgement,
    Refusal,
    refusal_by_right,
    refusal_in_chain,
)
from whatnext.records.permissions import OWNER

MAX_WAITING = 4096
"""Records that wait in one playlist; a peer that floods us with records of strangers costs no more."""
MAX_WAITING_BYTES = 16 * 1024 * 1024
MAX_LOGS_PER_AUTHOR = 4096
"""Logs of one author: an honest device begins a new one per unclean start, a hostile one costs no more."""


_LOOSE = frozenset({Refusal.EARLY, Refusal.NO_GENESIS})


class Outcome(msgspec.Struct):
    """What came of a batch: records that now count (in an order that counts), refusals, and what is contested."""

    counted: list[Record] = []
    refused: dict[Record, Refusal] = {}
    duplicates: int = 0
    contested: list[Record] = []
    stale: bool = False
    """Counted records may no longer count: judge everything kept, waiting and contested."""


class Ledger:
    """Heads, governance and waiting records of one playlist."""

    def __init__(
        self,
        playlist: bytes,
        hash_at: Callable[[LogKey, int], bytes | None],
        is_early: Callable[[int], bool],
    ) -> None:
        self.playlist = playlist
        self.heads: dict[LogKey, Head] = {}
        self.governance = Governance(playlist)
        self._hash_at = hash_at
        self._is_early = is_early
        self._waiting: dict[LogKey, dict[int, Record]] = {}
        # Early, or before the genesis: kept by hash, since they contest nothing yet.
        self._loose: dict[bytes, tuple[Record, Refusal]] = {}
        self._genesis_log: LogKey | None = None
        self._recent: dict[tuple[LogKey, int], bytes] = {}
        self._waiting_bytes = 0
        self._waiting_count = 0

    def restore(self, heads: dict[LogKey, Head], governing: Iterable[Record], void: Iterable[Record]) -> None:
        """Take up what a store kept: heads, the counted governing records, the void ones."""
        self.heads = heads
        for record in sorted(
            governing, key=lambda record: not record.is_genesis
        ):  # the rest needs the owner known
            if record.is_genesis:
                self._genesis_log = record.log
            self.governance.add(record)
        for record in void:
            if self.governance.owner is None:
                self._set_aside(record, Refusal.NO_GENESIS)
            else:
                self._wait(record)

    def adopt(self, judgement: Judgement) -> None:
        """Take up a judgement over everything kept, waiting and contested."""
        self.heads = dict(judgement.heads)
        self.governance = judgement.governance
        self._waiting, self._waiting_bytes, self._waiting_count = {}, 0, 0
        self._loose = {r.hash: (r, why) for r, why in judgement.refused.items() if why in _LOOSE}
        for chain in judgement.counted.values():
            if chain and chain[0].is_genesis:
                self._genesis_log = chain[0].log
        for record, why in judgement.refused.items():
            if why not in FINAL and why not in _LOOSE:
                self._wait(record)

    def receive(self, records: Iterable[Record]) -> Outcome:
        """Feed authentic records in any order; a refusal holds for now unless it is in `FINAL`."""
        outcome = Outcome()
        self._recent = {}
        was_owned = self.governance.owner is not None
        for record in records:
            self._offer(record, outcome)
        if not was_owned and self.governance.owner is not None:
            loose, self._loose = self._loose, {}
            for record, _ in loose.values():
                self._offer(record, outcome)
        return outcome

    def receive_due(self) -> Outcome:
        """Feed those records whose stamp has come due."""
        early = [record for record, why in self._loose.values() if why is Refusal.EARLY]
        due = [record for record in early if not self._is_early(record.body.hlc)]
        for record in due:
            del self._loose[record.hash]
        return self.receive(due)

    def waiting(self) -> list[Record]:
        """Records that cannot count yet, early ones included."""
        in_logs = [record for log in self._waiting.values() for record in log.values()]
        return in_logs + [record for record, _ in self._loose.values()]

    def next_due(self) -> int | None:
        """Smallest stamp among the early records, or None."""
        early = (record.body.hlc for record, why in self._loose.values() if why is Refusal.EARLY)
        return min(early, default=None)

    def _offer(self, record: Record, outcome: Outcome) -> None:
        head = self.heads.get(record.log, NO_HEAD)
        if record.playlist != self.playlist or self._rivals_genesis(record):
            outcome.refused[record] = Refusal.WRONG_PLAYLIST
        elif self._is_early(record.body.hlc):
            outcome.refused[record] = self._set_aside(record, Refusal.EARLY)
        elif self.governance.owner is None and not record.is_genesis:
            outcome.refused[record] = self._set_aside(record, Refusal.NO_GENESIS)
        elif head.fork_at is not None and record.seq >= head.fork_at:
            outcome.refused[record] = Refusal.FORKED
        elif self._seen(record, head, outcome):
            return
        else:
            refusal = self._refusal(record, head)
            if refusal is None:
                self._count(record, outcome)
            else:
                outcome.refused[record] = refusal if self._wait(record) else Refusal.FULL

    def _rivals_genesis(self, record: Record) -> bool:
        return record.seq == 1 and record.log == self._genesis_log and not record.is_genesis

    def _seen(self, record: Record, head: Head, outcome: Outcome) -> bool:
        if record.seq <= head.seq:
            known = self._known_hash(record.log, record.seq)
        else:
            other = self._waiting.get(record.log, {}).get(record.seq)
            if other is None or other is record:
                return False
            known = other.hash
        if known == record.hash:
            outcome.duplicates += 1
            if record.seq > head.seq:
                outcome.refused[record] = self._refusal(record, head) or Refusal.GAP
        else:
            outcome.contested.append(record)
            outcome.stale = True
        return True

    def _refusal(self, record: Record, head: Head) -> Refusal | None:
        if record.is_genesis:
            return refusal_by_right(record, OWNER)
        if head.seq == 0 and self._log_count(record.log.author) >= MAX_LOGS_PER_AUTHOR:
            return Refusal.FULL
        if record.seq != head.seq + 1 or record.body.prev != head.hash:
            return Refusal.GAP
        return refusal_in_chain(record, self.governance)

    def _log_count(self, author: bytes) -> int:
        return sum(1 for log in self.heads if log.author == author)

    def _count(self, record: Record, outcome: Outcome) -> None:
        """Count a record, then every waiting one that it makes way for."""
        logs = self._take(record, outcome)
        while logs:
            log = logs.pop()
            head = self.heads.get(log, NO_HEAD)
            following = self._waiting.get(log, {}).get(head.seq + 1)
            if following is not None and self._refusal(following, head) is None:
                self._forget(following)
                logs += self._take(following, outcome)

    def _take(self, record: Record, outcome: Outcome) -> list[LogKey]:
        """Count one record; return the logs whose waiting records may count now."""
        outcome.counted.append(record)
        outcome.refused.pop(record, None)
        fork_at = self.heads.get(record.log, NO_HEAD).fork_at
        self.heads[record.log] = Head(record.seq, record.hash, fork_at)
        self._recent[record.log, record.seq] = record.hash
        if not governs(record):
            return [record.log]
        if record.is_genesis:
            self._genesis_log = record.log
        self._govern(record, outcome)
        return list(self._waiting)

    def _govern(self, record: Record, outcome: Outcome) -> None:
        others = [log for log in self.heads if log.author != record.body.author]
        before = {log: self.governance.right_behind(log, self.heads[log].seq) for log in others}
        self.governance.add(record)
        for log in others:
            if before[log] != self.governance.right_behind(log, self.heads[log].seq) or self._is_disowned(
                log
            ):
                outcome.stale = True

    def _is_disowned(self, log: LogKey) -> bool:
        last = self.heads[log].seq
        return any(
            mark.seq <= last and self._known_hash(log, mark.seq) != mark.hash
            for mark in self.governance.marks(log)
        )

    def _known_hash(self, log: LogKey, seq: int) -> bytes | None:
        recent = self._recent.get((log, seq))
        return recent if recent is not None else self._hash_at(log, seq)

    def _wait(self, record: Record) -> bool:
        known = self._waiting.get(record.log, {}).get(record.seq)
        if known is not None:
            return True
        if self._waiting_count >= MAX_WAITING or self._waiting_bytes + record.size > MAX_WAITING_BYTES:
            return False
        self._waiting.setdefault(record.log, {})[record.seq] = record
        self._waiting_count += 1
        self._waiting_bytes += record.size
        return True

    def _set_aside(self, record: Record, why: Refusal) -> Refusal:
        known = record.hash in self._loose
        if not known and (
            len(self._loose) >= MAX_WAITING or self._loose_bytes() + record.size > MAX_WAITING_BYTES
        ):
            return Refusal.FULL
        self._loose[record.hash] = (record, why)
        return why

    def _loose_bytes(self) -> int:
        return sum(record.size for record, _ in self._loose.values())

    def _forget(self, record: Record) -> None:
        log = self._waiting[record.log]
        del log[record.seq]
        if not log:
            del self._waiting[record.log]
        self._waiting_count -= 1
        self._waiting_bytes -= record.size
