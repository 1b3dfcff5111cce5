"""Making outcomes durable: records, heads, documents and members of one playlist, in one transaction.

`Keeper` holds the ledgers in memory and the tables they came from together: when a transaction fails, what memory
says of that playlist is read anew from the disk.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from whatnext.clock import HybridClock
from whatnext.records.codec import Record
from whatnext.records.governance import Governance, governs
from whatnext.records.ids import LogKey
from whatnext.records.judge import NO_HEAD, Head, Judgement, Refusal, judge
from whatnext.records.ledger import Ledger, Outcome
from whatnext.records.merge import Document, DocumentKey, fold, is_folded
from whatnext.store.database import Database, translated
from whatnext.store.document_table import DocumentTable
from whatnext.store.membership import PlaylistTable, member_documents
from whatnext.store.record_table import COUNTED, EVIDENCE, VOID, RecordTable


class Keeper:
    """The tables and the ledgers of one database."""

    def __init__(self, database: Database, clock: HybridClock) -> None:
        self.clock = clock
        self.database = database
        self.documents = DocumentTable(database.connection)
        self.playlists = PlaylistTable(database.connection)
        self.records = RecordTable(database.connection)
        self._ledgers: dict[bytes, Ledger] = {}
        self._entry_counts: dict[bytes, int] = {}

    def ledger(self, playlist: bytes) -> Ledger:
        """The playlist's ledger, read from the disk the first time."""
        ledger = self._ledgers.get(playlist)
        if ledger is None:
            records = self.records
            ledger = Ledger(
                playlist, lambda log, seq: records.hash_at(playlist, log, seq), self.clock.is_early
            )
            with translated(self.database.path):
                ledger.restore(records.heads(playlist), records.governing(playlist), records.void(playlist))
            self._ledgers[playlist] = ledger
        return ledger

    def open_ledgers(self) -> list[tuple[bytes, Ledger]]:
        """Ledgers in memory; only they can hold records that wait for their time."""
        return list(self._ledgers.items())

    def entry_count(self, playlist: bytes) -> int:
        """Entries ever added; counted once, since a count reads every row."""
        count = self._entry_counts.get(playlist)
        if count is None:
            count = self._entry_counts[playlist] = self.documents.count_entries(playlist)
        return count

    @contextmanager
    def commit(self, playlist: bytes) -> Iterator[None]:
        """A transaction; when it fails, what memory holds of the playlist is read anew from the disk."""
        try:
            with self.database.transaction():
                yield
        except BaseException:
            self.drop(playlist)
            raise

    def drop(self, playlist: bytes) -> None:
        """Forget what memory holds of a playlist."""
        self._ledgers.pop(playlist, None)
        self._entry_counts.pop(playlist, None)
        self.records.forget_ids()
        self.documents.forget_feed()
        self.playlists.forget()

    def keep(self, playlist: bytes, outcome: Outcome) -> bool:
        """Write an outcome, inside `commit`; return whether counted records were voided or heads set back."""
        if outcome.stale:
            self._rejudge(playlist, outcome)
        else:
            self._count(playlist, outcome.counted)
        if any(record.is_genesis for record in outcome.counted):
            self.playlists.arrived(playlist, self.clock.now_ms())
        return outcome.stale

    def rebuild(self, playlist: bytes, counted: Iterable[Record]) -> None:
        """Make the documents anew from the records; only those that differ get a number in the feed."""
        documents = fold(counted)
        known = self.documents.keys(playlist)
        changed = [(key, d) for key, d in documents.items() if self.documents.get(playlist, key) != d]
        self.documents.put(playlist, changed)
        self._void(playlist, known - documents.keys())
        self._show_members(playlist, self._ledgers[playlist].governance)

    def _count(self, playlist: bytes, counted: list[Record]) -> None:
        ledger = self._ledgers[playlist]
        self.records.put(playlist, counted, COUNTED)
        for log in {record.log for record in counted}:
            self.records.set_head(playlist, log, ledger.heads[log])
        self._merge(playlist, counted)
        if any(governs(record) for record in counted):
            self._show_members(playlist, ledger.governance)

    def _rejudge(self, playlist: bytes, outcome: Outcome) -> None:
        """Judge everything anew: a fork was proven, or the owner's word may void what counted."""
        ledger = self._ledgers[playlist]
        kept = dict(self.records.kept(playlist))
        old_heads = self.records.heads(playlist)
        everything = {*kept, *ledger.waiting(), *outcome.counted, *outcome.contested}
        judgement = judge(playlist, everything, self.clock.is_early)
        ledger.adopt(judgement)
        counted = _in_order(judgement)
        fresh = [record for record in counted if kept.get(record) != COUNTED]
        voided = [r for r, kind in kept.items() if kind == COUNTED and r in judgement.refused]
        self.records.put(playlist, fresh, COUNTED)
        self.records.put(playlist, voided, VOID)
        self.records.put(playlist, _evidence(judgement.refused, judgement.heads), EVIDENCE)
        for log in {*judgement.heads, *old_heads}:
            self.records.set_head(playlist, log, judgement.heads.get(log, NO_HEAD))
        if voided:
            self.rebuild(playlist, counted)
        else:
            self._merge(playlist, fresh)
            self._show_members(playlist, judgement.governance)
        named = (*outcome.refused, *outcome.contested)
        outcome.refused = {r: judgement.refused[r] for r in named if r in judgement.refused}

    def _merge(self, playlist: bytes, records: Iterable[Record]) -> None:
        touched: dict[DocumentKey, Document] = {}
        fresh = 0
        for record in records:
            for write in record.body.writes:
                if is_folded(write):
                    key = (write.collection, write.id)
                    document = touched.get(key)
                    if document is None:
                        document = self.documents.get(playlist, key)
                        if document is None:
                            document = Document()
                            fresh += key[0] == "entries"
                        touched[key] = document
                    document.merge(write.fields, record.stamp, record.body.meta.by)
        self.documents.put(playlist, touched.items())
        if playlist in self._entry_counts:
            self._entry_counts[playlist] += fresh

    def _show_members(self, playlist: bytes, governance: Governance) -> None:
        shown = dict(member_documents(governance))
        changed = [(key, d) for key, d in shown.items() if self.documents.get(playlist, key) != d]
        self.documents.put(playlist, changed)
        known = {
            ("members", stored.id) for stored in self.documents.in_playlist(playlist, "members", gone=True)
        }
        self._void(playlist, known - shown.keys())

    def _void(self, playlist: bytes, keys: Iterable[DocumentKey]) -> None:
        lost = [(key, self.documents.get(playlist, key) or Document()) for key in sorted(keys)]
        self.documents.put(playlist, lost, void=True)


def _in_order(judgement: Judgement) -> list[Record]:
    """Counted records in an order that counts wherever they are sent: the owner's logs first."""
    chains = sorted(judgement.counted.items(), key=lambda each: each[0].author != judgement.governance.owner)
    return [record for _, chain in chains for record in chain]


def _evidence(refused: Mapping[Record, Refusal], heads: Mapping[LogKey, Head]) -> list[Record]:
    """Two records per proven fork: those with the smallest hashes, so that all peers show the same pair."""
    at_fork: dict[LogKey, list[Record]] = {}
    for record, why in refused.items():
        head = heads.get(record.log)
        if why is Refusal.FORKED and head is not None and record.seq == head.fork_at:
            at_fork.setdefault(record.log, []).append(record)
    return [record for pair in at_fork.values() for record in sorted(pair, key=lambda r: r.hash)[:2]]
