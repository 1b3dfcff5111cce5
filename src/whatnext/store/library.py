"""The library: every playlist on this device, kept as records and shown as documents.

A change is durable before anybody hears of it: `write` and `receive` commit, then the subscribers are called.
All of it runs in one thread and never awaits; a batch is bounded by its sender (docs/decisions, storage).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from whatnext.clock import HybridClock
from whatnext.errors import InvalidRecord, LimitExceeded, NotFound, NotPermitted
from whatnext.identity import Identity, public_key_of
from whatnext.records import codec, schema
from whatnext.records.codec import Body, Meta, Record, SignedRecord, Write
from whatnext.records.governance import Governance
from whatnext.records.ids import LogKey
from whatnext.records.judge import NO_HEAD, Head, Refusal, refusal_by_right
from whatnext.records.ledger import Ledger, Outcome
from whatnext.records.permissions import Standing
from whatnext.store.database import MEMORY, Database, translated
from whatnext.store.joining import JoinRefusal, join_refusal
from whatnext.store.keeper import Keeper
from whatnext.store.record_table import VOID

REMOTE_ENTRIES = 2 * schema.MAX_ENTRIES
"""Twice the local limit: devices that each stay within it while apart can always merge."""


class Receipt(msgspec.Struct):
    """What came of a received batch."""

    counted: int = 0
    duplicates: int = 0
    refused: list[tuple[LogKey, int, Refusal]] = []
    heads: dict[LogKey, Head] = {}
    """Heads now, of every log named in the batch."""
    reset: bool = False
    """Counted records became void or heads shrank: peers must be told all heads anew."""
    stamps: list[int] = []
    """Stamps (hlc) of the records that counted."""


class Change(msgspec.Struct, frozen=True):
    """A commit happened: heads moved, or were set back (`reset`)."""

    playlist: bytes
    local: bool
    reset: bool


class Library:
    """Records, documents and heads of all playlists, over one database."""

    def __init__(self, identity: Identity, clock: HybridClock, path: Path | str = MEMORY) -> None:
        self.identity = identity
        self.clock = clock
        self.database = Database(path)
        self._keeper = Keeper(self.database, clock)
        self.documents = self._keeper.documents
        self._playlists = self._keeper.playlists
        self._records = self._keeper.records
        self._subscribers: list[Callable[[Change], None]] = []
        for record in self._records.newest(64):
            clock.see(record.body.hlc)

    def close(self) -> None:
        """Close cleanly; the next start goes on with the same logs."""
        self.database.close()

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back after every commit, in the same loop pass; returns the way to stop it."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    # What is here

    def playlists(self) -> list[bytes]:
        """Ids of the playlists we are in or joining."""
        return self._playlists.ids("here", "joining")

    def shared(self) -> list[bytes]:
        """Ids of the playlists to sync: also those we are leaving, until a member has heard of it."""
        return self._playlists.ids("here", "joining", "leaving")

    def joining(self) -> list[tuple[bytes, SignedRecord]]:
        """Playlists that nobody has let us into yet, with our own admission."""
        waiting = []
        for playlist in self._playlists.ids("joining"):
            own = [
                r
                for r in self._keeper.ledger(playlist).waiting()
                if r.body.author == self.identity.public_key
            ]
            newest = max(
                own, key=lambda record: record.stamp, default=None
            )  # a later link may be the one that stands
            waiting += [] if newest is None else [(playlist, newest.signed)]
        return waiting

    def owner(self, playlist: bytes) -> bytes | None:
        """Public key of the owner; None while joining."""
        return self.governance(playlist).owner

    def governance(self, playlist: bytes) -> Governance:
        """Members, invites and roles."""
        return self._keeper.ledger(playlist).governance

    def standing(self, playlist: bytes, peer: str) -> Standing | None:
        """A peer's place in a playlist; None for one nobody admitted."""
        return self.governance(playlist).standing(public_key_of(peer))

    def heads(self, playlist: bytes) -> Mapping[LogKey, Head]:
        """How far each log counts here; equal heads are equal playlists."""
        return self._keeper.ledger(playlist).heads

    def records(self, playlist: bytes) -> list[Record]:
        """Counted records in order of arrival, for history and undo."""
        return self._records.counted(playlist)

    def missing(
        self,
        playlist: bytes,
        remote: Mapping[LogKey, Head],
        *,
        max_records: int,
        max_bytes: int,
        logs: Callable[[LogKey], bool] = lambda _: True,
    ) -> list[SignedRecord]:
        """What we count and a peer with these heads lacks, in an order that counts; at least one if there is any."""
        batch: list[SignedRecord] = []
        size = 0
        with translated(self.database.path):
            for record in self._records.missing(playlist, self.heads(playlist), remote, logs):
                size += len(record.body) + len(record.signature)
                if batch and (size > max_bytes or len(batch) >= max_records):
                    break
                batch.append(record)
        return batch

    def pending(self, playlist: bytes, remote: Mapping[LogKey, Head]) -> int:
        """Exact number of counted records that a peer with these heads lacks."""
        with translated(self.database.path):
            return self._records.pending(playlist, self.heads(playlist), remote)

    # Own changes

    def create(self, writes: Sequence[Write], *following: Sequence[Write]) -> bytes:
        """Begin a playlist that this device owns, with the changes that follow, all or nothing; return its id."""
        genesis = self._sign(b"", NO_HEAD, writes, Meta())
        playlist = genesis.playlist
        self._commit_own(
            playlist, [genesis, *self._sign_run(playlist, genesis, following, Meta())], state="here"
        )
        return playlist

    def write(self, playlist: bytes, writes: Sequence[Write], meta: Meta | None = None) -> Record:
        """Sign one change and keep it; raises `NotPermitted`, `LimitExceeded`, or what the disk says."""
        return self.write_all(playlist, [writes], meta)[0]

    def write_all(
        self,
        playlist: bytes,
        changes: Sequence[Sequence[Write]],
        meta: Meta | None = None,
        also: Callable[[], None] | None = None,
    ) -> list[Record]:
        """Sign several changes and keep them, all or nothing; raises as `write` does.

        `also` is called inside the same transaction, to write what belongs to the changes.
        """
        ledger = self._keeper.ledger(playlist)
        if ledger.governance.owner is None:
            raise NotFound(
                "this playlist has not arrived yet: it needs a member online to let this device in"
            )
        standing = ledger.governance.standing(self.identity.public_key)
        last = ledger.heads.get(self._own_log(ledger), NO_HEAD)
        records = self._sign_run(playlist, last, changes, meta or Meta())
        for record in records:
            refusal = refusal_by_right(record, standing)
            if refusal is not None:
                raise NotPermitted(_not_permitted(refusal, standing))
        self._check_room(playlist, (write for writes in changes for write in writes))
        self._commit_own(playlist, records, also=also)
        return records

    def aside(self, playlist: bytes, also: Callable[[], None]) -> None:
        """Write what belongs to a playlist but is no change of it, in one transaction; raises as `write` does."""
        with self._keeper.commit(playlist):
            also()

    def admit_self(self, playlist: bytes, write: Write, link: str) -> None:
        """Keep our own admission (a write to `members`), to be shown to a member; survives a restart."""
        ledger = self._keeper.ledger(playlist)
        log = self._own_log(ledger)
        record = self._sign(playlist, ledger.heads.get(log, NO_HEAD), [write], Meta())
        arrived = ledger.governance.owner is not None
        self._commit_own(playlist, [record], state="here" if arrived else "joining", link=link)
        if arrived and not self.documents.keys(
            playlist
        ):  # we had left: the records stayed, the documents did not
            with self._keeper.commit(playlist):
                self._keeper.rebuild(playlist, self._records.counted(playlist))

    def check_join(self, playlist: bytes, signed: SignedRecord, now_ms: int) -> JoinRefusal | None:
        """Why the author of an admission is not let in, or None; raises `InvalidRecord` when it is none."""
        if playlist not in self._playlists.ids("here"):
            return "not_here"
        return join_refusal(self.governance(playlist), codec.decode_and_verify(signed), now_ms)

    def links_to_join(self) -> list[tuple[bytes, str]]:
        """Playlists that are still being joined, with the link each came by."""
        return self._playlists.links()

    def leave(self, playlist: bytes) -> None:
        """Stop showing a playlist; it is still synced until `departed`, so that a member hears of it."""
        standing = self.standing(playlist, self.identity.peer_id)
        told = standing not in ("editor", "viewer")  # nobody waits for a word from those who are not members
        with self._keeper.commit(playlist):
            self._playlists.set_state(playlist, "left" if told else "leaving")
            if told:
                self.documents.delete_playlist(playlist)
        self._keeper.drop(playlist)
        self._announce(Change(playlist, local=True, reset=True))

    def departed(self, playlist: bytes) -> None:
        """A member has everything we wrote: a playlist we are leaving is left. Its records stay, in case of return."""
        if playlist not in self._playlists.ids("leaving"):
            return
        with self._keeper.commit(playlist):
            self._playlists.set_state(playlist, "left")
            self.documents.delete_playlist(playlist)
        self._keeper.drop(playlist)
        self._announce(Change(playlist, local=True, reset=True))

    # Changes from elsewhere

    def receive(self, playlist: bytes, signed: Sequence[SignedRecord]) -> Receipt:
        """Check, judge and keep a batch; durable on return.

        Raises `InvalidRecord` at the first record that is malformed or not signed by its author: those before it
        are kept, it and those behind it are not.
        """
        records, fault = _verified(signed)
        receipt = self._receive(playlist, records)
        if fault is not None:
            raise fault
        return receipt

    def receive_due(self) -> None:
        """Count the records that were stamped ahead of our clock and have come due."""
        for playlist, ledger in self._keeper.open_ledgers():
            due = ledger.next_due()
            if due is not None and not self.clock.is_early(due):
                self._apply(playlist, ledger.receive_due())

    def next_due(self) -> int | None:
        """Smallest stamp of a record that waits until due, or None."""
        stamps = [ledger.next_due() for _, ledger in self._keeper.open_ledgers()]
        return min((stamp for stamp in stamps if stamp is not None), default=None)

    def _receive(self, playlist: bytes, records: list[Record]) -> Receipt:
        room = self._keeper.entry_count(playlist) < REMOTE_ENTRIES
        fitting = [r for r in records if room or not _adds_entries(r.body.writes)]
        outcome = self._keeper.ledger(playlist).receive(fitting)
        reset = self._apply(playlist, outcome)
        ledger = self._keeper.ledger(playlist)
        refused = [(r.log, r.seq, why) for r, why in outcome.refused.items()]
        if not room:
            refused += [(r.log, r.seq, Refusal.FULL) for r in records if _adds_entries(r.body.writes)]
        return Receipt(
            counted=len(outcome.counted),
            duplicates=outcome.duplicates,
            refused=refused,
            heads={r.log: ledger.heads.get(r.log, NO_HEAD) for r in records},
            reset=reset,
            stamps=[record.body.hlc for record in outcome.counted],
        )

    # Commits

    def _apply(self, playlist: bytes, outcome: Outcome) -> bool:
        """Make an outcome from elsewhere durable; return whether heads were set back."""
        if not outcome.counted and not outcome.stale:
            return False
        with self._keeper.commit(playlist):
            reset = self._keeper.keep(playlist, outcome)
        for record in outcome.counted:
            self.clock.see(record.body.hlc)
        self._announce(Change(playlist, local=False, reset=reset))
        return reset

    def _commit_own(
        self,
        playlist: bytes,
        records: Sequence[Record],
        *,
        state: str | None = None,
        link: str | None = None,
        also: Callable[[], None] | None = None,
    ) -> None:
        outcome = self._keeper.ledger(playlist).receive(records)
        unready = [record for record in records if record in outcome.refused]
        outcome.refused.clear()
        with self._keeper.commit(playlist):
            if state is not None:
                self._playlists.put(playlist, state, link, self.clock.now_ms())
            # Our admission: it counts once the owner's log is here.
            self._records.put(playlist, unready, VOID)
            self.database.mark_writing()
            reset = self._keeper.keep(playlist, outcome)
            if also is not None:
                also()
        self._announce(Change(playlist, local=True, reset=reset))

    def _sign_run(
        self, playlist: bytes, last: Head | Record, changes: Sequence[Sequence[Write]], meta: Meta
    ) -> list[Record]:
        records: list[Record] = []
        head = Head(last.seq, last.hash)
        for writes in changes:
            records.append(self._sign(playlist, head, writes, meta))
            head = Head(records[-1].seq, records[-1].hash)
        return records

    def _sign(self, playlist: bytes, head: Head, writes: Sequence[Write], meta: Meta) -> Record:
        body = Body(
            version=codec.VERSION,
            playlist=playlist,
            author=self.identity.public_key,
            epoch=self.database.epoch,
            seq=head.seq + 1,
            prev=head.hash,
            hlc=self.clock.tick(),
            writes=list(writes),
            meta=meta,
        )
        return codec.sign(body, self.identity)

    def _own_log(self, ledger: Ledger) -> LogKey:
        """Our log in this playlist; a new one where the old one was proven forked or its end was voided."""
        log = LogKey(self.identity.public_key, self.database.epoch)
        head = ledger.heads.get(log, NO_HEAD)
        if head.fork_at is not None or any(r.log == log and r.seq > head.seq for r in ledger.waiting()):
            self.database.renew_epoch()
            return LogKey(self.identity.public_key, self.database.epoch)
        return log

    def _check_room(self, playlist: bytes, writes: Iterable[Write]) -> None:
        named = [w for w in writes if w.collection == "entries" and "title" in w.fields]
        if not named or self._keeper.entry_count(playlist) + len(named) <= schema.MAX_ENTRIES:
            return
        new = sum(
            self.documents.get(playlist, (w.collection, w.id)) is None for w in named
        )  # not renamed ones
        if new and self._keeper.entry_count(playlist) + new > schema.MAX_ENTRIES:
            raise LimitExceeded(f"a playlist holds at most {schema.MAX_ENTRIES:,} entries: begin another one")

    def _announce(self, change: Change) -> None:
        for callback in list(self._subscribers):
            callback(change)


def _verified(signed: Sequence[SignedRecord]) -> tuple[list[Record], InvalidRecord | None]:
    records = []
    for each in signed:
        try:
            records.append(codec.decode_and_verify(each))
        except InvalidRecord as fault:
            return records, fault
    return records, None


def _adds_entries(writes: Iterable[Write]) -> bool:
    return any(w.collection == "entries" and "title" in w.fields for w in writes)


def _not_permitted(refusal: Refusal, standing: Standing | None) -> str:
    if refusal is Refusal.REMOVED:
        return (
            "the owner removed this device from the playlist: your copy stays, changes are no longer shared"
        )
    if refusal is Refusal.NOT_ADMITTED:
        return "this device is not a member of the playlist: ask for an invite link"
    return f"as {standing} of this playlist you cannot do that: ask the owner for another role"
