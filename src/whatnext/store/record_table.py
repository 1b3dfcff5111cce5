"""Records and heads in SQLite: what counts, what is void, what proves a fork."""

import heapq
import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping

from whatnext.records import codec
from whatnext.records.codec import Record, SignedRecord
from whatnext.records.governance import governs
from whatnext.records.ids import LogKey
from whatnext.records.judge import NO_HEAD, Head

COUNTED, VOID, EVIDENCE = 0, 1, 2

FORK_WINDOW = 64
"""Records sent backwards when a peer's hash differs from ours: the fork lies further down, step by step."""


class RecordTable:
    """The tables `logs` and `records`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._log_ids: dict[tuple[bytes, LogKey], int] = {}

    def forget_ids(self) -> None:
        """Drop what is remembered of rows: a transaction was rolled back."""
        self._log_ids.clear()

    def heads(self, playlist: bytes) -> dict[LogKey, Head]:
        """Head of every log of a playlist that counts or is proven forked."""
        rows = self._db.execute(
            "SELECT id, author, epoch, seq, hash, fork_at FROM logs WHERE playlist = ?", (playlist,)
        )
        heads = {}
        for row_id, author, epoch, seq, digest, fork_at in rows:
            key = LogKey(author, epoch)
            self._log_ids[playlist, key] = row_id
            if seq or fork_at is not None:
                heads[key] = Head(seq, digest, fork_at)
        return heads

    def set_head(self, playlist: bytes, log: LogKey, head: Head) -> None:
        """Store how far a log counts."""
        self._db.execute(
            "UPDATE logs SET seq = ?, hash = ?, fork_at = ? WHERE id = ?",
            (*head, self._log_id(playlist, log)),
        )

    def put(self, playlist: bytes, records: Iterable[Record], kind: int) -> None:
        """Insert records, or change the kind of those that are here."""
        self._db.executemany(
            "INSERT INTO records (log, seq, hash, kind, governs, body, signature) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (log, seq, hash) DO UPDATE SET kind = excluded.kind",
            [
                (
                    self._log_id(playlist, r.log),
                    r.seq,
                    r.hash,
                    kind,
                    governs(r),
                    r.signed.body,
                    r.signed.signature,
                )
                for r in records
            ],
        )

    def hash_at(self, playlist: bytes, log: LogKey, seq: int) -> bytes | None:
        """Hash of the counted record with that number."""
        row = self._db.execute(
            "SELECT hash FROM records WHERE log = ? AND seq = ? AND kind = 0",
            (self._log_id(playlist, log), seq),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def governing(self, playlist: bytes) -> list[Record]:
        """Counted records that speak of members and invites, in order of arrival."""
        return self._select(playlist, "governs AND kind = 0")

    def void(self, playlist: bytes) -> list[Record]:
        """Kept records that do not count."""
        return self._select(playlist, f"kind = {VOID}")

    def counted(self, playlist: bytes) -> list[Record]:
        """Counted records, in order of arrival."""
        return self._select(playlist, f"kind = {COUNTED}")

    def newest(self, count: int) -> list[Record]:
        """The records that arrived last, in any playlist."""
        rows = self._db.execute("SELECT body, signature FROM records ORDER BY n DESC LIMIT ?", (count,))
        return [codec.recall(SignedRecord(*row)) for row in rows.fetchall()]

    def kept(self, playlist: bytes) -> list[tuple[Record, int]]:
        """Everything kept of a playlist, with its kind."""
        rows = self._rows(playlist, "1")
        return [(codec.recall(SignedRecord(body, signature)), kind) for body, signature, kind in rows]

    def missing(
        self,
        playlist: bytes,
        ours: Mapping[LogKey, Head],
        theirs: Mapping[LogKey, Head],
        logs: Callable[[LogKey], bool],
    ) -> Iterator[SignedRecord]:
        """What we count and the other side lacks, in order of arrival, then the evidence of forks it does not know."""
        ranges = []
        evidence = []
        for log, head in ours.items():
            their_head = theirs.get(log, NO_HEAD)
            if not logs(log):
                continue
            if _owes_evidence(head, their_head):
                evidence.append(log)
            span = self._span(playlist, log, head, their_head)
            if span is not None:
                ranges.append(self._range(playlist, log, *span))
        for _, body, signature in heapq.merge(*ranges):
            yield SignedRecord(body, signature)
        for log in evidence:
            yield from self._evidence(playlist, log)

    def pending(self, playlist: bytes, ours: Mapping[LogKey, Head], theirs: Mapping[LogKey, Head]) -> int:
        """How many records `missing` would give."""
        count = 0
        for log, head in ours.items():
            their_head = theirs.get(log, NO_HEAD)
            span = self._span(playlist, log, head, their_head)
            count += 0 if span is None else span[1] - span[0] + 1
            count += 2 if _owes_evidence(head, their_head) else 0
        return count

    def _span(self, playlist: bytes, log: LogKey, ours: Head, theirs: Head) -> tuple[int, int] | None:
        """First and last number to send of one log, or None."""
        first, last = theirs.seq + 1, ours.seq
        if theirs.fork_at is not None:
            last = min(last, theirs.fork_at - 1)
        if theirs.seq == ours.seq and theirs.hash == ours.hash:
            return None
        if 0 < theirs.seq <= ours.seq and self.hash_at(playlist, log, theirs.seq) != theirs.hash:
            first = max(1, theirs.seq - FORK_WINDOW)
        return (first, last) if first <= last else None

    def _range(
        self, playlist: bytes, log: LogKey, first: int, last: int
    ) -> Iterator[tuple[int, bytes, bytes]]:
        log_id = self._log_id(playlist, log)
        # A page at a time: a reader that stops early must not have cost the whole log.
        for low in itertools.count(first, 512):
            if low > last:
                return
            yield from self._db.execute(
                "SELECT n, body, signature FROM records WHERE log = ? AND seq BETWEEN ? AND ?"
                " AND kind = 0 ORDER BY seq",
                (log_id, low, min(low + 511, last)),
            ).fetchall()

    def _evidence(self, playlist: bytes, log: LogKey) -> Iterator[SignedRecord]:
        rows = self._db.execute(
            "SELECT body, signature FROM records WHERE log = ? AND kind = ? ORDER BY hash",
            (self._log_id(playlist, log), EVIDENCE),
        )
        for body, signature in rows.fetchall():
            yield SignedRecord(body, signature)

    def _log_id(self, playlist: bytes, log: LogKey) -> int:
        known = self._log_ids.get((playlist, log))
        if known is None:
            row = self._db.execute(
                "SELECT id FROM logs WHERE playlist = ? AND author = ? AND epoch = ?", (playlist, *log)
            ).fetchone()
            if row is None and not self._db.in_transaction:
                return -1  # a log nobody wrote yet: no row has this id
            known = row[0] if row else self._new_log(playlist, log)
            self._log_ids[playlist, log] = known
        return known

    def _new_log(self, playlist: bytes, log: LogKey) -> int:
        cursor = self._db.execute(
            "INSERT INTO logs (playlist, author, epoch, seq, hash) VALUES (?, ?, ?, 0, x'')", (playlist, *log)
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _select(self, playlist: bytes, where: str) -> list[Record]:
        return [
            codec.recall(SignedRecord(body, signature)) for body, signature, _ in self._rows(playlist, where)
        ]

    def _rows(self, playlist: bytes, where: str) -> Iterable[tuple[bytes, bytes, int]]:
        query = (  # `where` is one of our constants
            "SELECT body, signature, kind FROM records JOIN logs ON logs.id = records.log"
            f" WHERE playlist = ? AND {where} ORDER BY n"
        )
        return self._db.execute(query, (playlist,)).fetchall()


def _owes_evidence(ours: Head, theirs: Head) -> bool:
    return ours.fork_at is not None and (theirs.fork_at is None or theirs.fork_at > ours.fork_at)
