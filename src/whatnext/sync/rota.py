"""Which playlists both sides of a link share, and whose turn it is: interest, owed frames, one batch at a time."""

from collections.abc import Callable

from whatnext.errors import ProtocolViolation
from whatnext.records.codec import SignedRecord
from whatnext.records.judge import NO_HEAD
from whatnext.store import Change, Library
from whatnext.sync import batches, frames, limits
from whatnext.sync.batches import InFlight
from whatnext.sync.frames import Interest, Records
from whatnext.sync.interest import InterestKey
from whatnext.sync.share import PlaylistStatus, Share


class Rota:
    """Shares of one link, in turn. `keys` make our interest hashes and the peer's; `note` hears of looked-at shares.

    `jitter` (0 to 1) is this link's own, see `whatnext.sync.forwarding`.
    """

    def __init__(
        self,
        library: Library,
        peer: str,
        keys: tuple[InterestKey, InterestKey],
        jitter: float,
        note: Callable[[Share], None],
    ) -> None:
        self.owes_interest = True
        self.in_flight: InFlight | None = None
        self._library = library
        self._peer = peer
        self._own_key, self._peer_key = keys
        self._jitter = jitter
        self._note = note
        self._their_tags: frozenset[bytes] = frozenset()
        self._listed = self._list()
        self._announced: frozenset[bytes] = frozenset()
        self._shares: dict[bytes, Share] = {}
        self._to_look: dict[bytes, None] = {}
        self._to_send: dict[bytes, None] = {}
        self._news: dict[bytes, float] = {}
        self._held: dict[bytes, float] = {}
        self._serial = 0
        self._batch_bytes = limits.FIRST_BATCH_BYTES

    def share(self, playlist: bytes) -> Share | None:
        """The share of a playlist that both sides have."""
        return self._shares.get(playlist)

    def statuses(self) -> list[PlaylistStatus]:
        """How every shared playlist stands."""
        for playlist in self._to_look:
            self._shares[playlist].look()
        return [share.status() for share in self._shares.values()]

    # The list of playlists

    def take_interest(self, message: Interest) -> None:
        """The peer says which playlists it has; it replaces what it said before."""
        self._their_tags = frozenset(message.tags)
        self._match()

    def notify(self, change: Change) -> None:
        """The library committed: look again at that playlist, and at the list when it may have changed."""
        share = self._shares.get(change.playlist)
        if share is not None:
            share.changed(reset=change.reset)
            self.mark(change.playlist)
        if change.reset or change.playlist not in self._announced:
            listed = self._list()
            if listed != self._listed:
                self._listed = listed
                self.owes_interest = True
                self._match()

    def _list(self) -> list[bytes]:
        return self._library.shared()[: limits.MAX_INTEREST]

    def _match(self) -> None:
        """Begin shares of playlists that both sides have now, end those that either side left."""
        common = {playlist for playlist in self._listed if self._peer_key.tag(playlist) in self._their_tags}
        for playlist in self._shares.keys() - common:
            del self._shares[playlist]
            self._to_look.pop(playlist, None)
            self._to_send.pop(playlist, None)
            self._news.pop(playlist, None)
            self._held.pop(playlist, None)
        for playlist in self._listed:
            if playlist in common and playlist not in self._shares:
                self._shares[playlist] = Share(self._library, playlist, self._peer, self._jitter)
                self.mark(playlist)

    def mark(self, playlist: bytes) -> None:
        """Something changed for a playlist: it is looked at, and gets its turn."""
        if playlist in self._shares:
            self._to_look[playlist] = None
            self._to_send[playlist] = None

    # Out

    def interest(self) -> bytes:
        """Our list of playlists, as a frame."""
        self.owes_interest = False
        self._announced = frozenset(self._listed)
        return frames.encode(Interest(self._own_key.tags(self._listed)))

    def control_frames(self, now: float) -> list[bytes]:
        """Heads, refusals and joins that shares owe; the peer must have heard our interest in them first."""
        owed: list[bytes] = []
        size = 0
        for playlist in [each for each in self._to_look if each in self._announced]:
            del self._to_look[playlist]
            share = self._shares[playlist]
            share.look()
            share_owes = share.control_frames(now)
            _note_time(self._news, playlist, share.forwarding.news_at)
            self._note(share)
            owed += share_owes
            size += sum(map(len, share_owes))
            if size > limits.PASS_BYTES:
                break
        return owed

    def next_batch(self, now: float) -> bytes | None:
        """Frame of the next playlist's batch; None while one is unanswered or no playlist has any for this peer."""
        if self.in_flight is not None:
            return None
        for playlist in [each for each in self._to_send if each not in self._to_look]:
            del self._to_send[playlist]
            share = self._shares[playlist]
            records = share.next_batch(limits.MAX_BATCH_RECORDS, self._batch_bytes, now)
            _note_time(self._held, playlist, share.forwarding.held_until)
            if records:
                self._to_send[playlist] = None  # behind the others
                return self._launch(share, records, now)
        return None

    def _launch(self, share: Share, records: list[SignedRecord], now: float) -> bytes:
        _, ends = batches.ends(records)
        before = {log: (share.theirs or {}).get(log, NO_HEAD) for log in ends}
        self._serial = (self._serial + 1) % frames.SERIALS
        self.in_flight = InFlight(self._serial, share, len(records), ends, before, started=now)
        share.was_in_sync = False
        share.sent(ends)
        return frames.encode(Records(self._serial, records))

    def wakes_at(self) -> float:
        """When a share wants its next turn; infinite when none does."""
        return min((*self._news.values(), *self._held.values()), default=float("inf"))

    def tick(self, now: float) -> None:
        """Give their turn to shares that waited long enough."""
        for waiting in (self._news, self._held):
            for playlist in [each for each, due in waiting.items() if due <= now]:
                del waiting[playlist]
                self.mark(playlist)

    def answered(self, serial: int, now: float) -> InFlight:
        """The batch that the peer answers; raises `ProtocolViolation` when it has none with this serial."""
        flight = self.in_flight
        if flight is None or flight.serial != serial:
            raise ProtocolViolation(f"an answer to batch {serial}, which waits for none")
        self.in_flight = None
        self._adapt(now - flight.started)
        return flight

    def _adapt(self, seconds: float) -> None:
        """Larger batches while answers come fast, smaller ones on a slow path, so that each fits its time limit."""
        if seconds < limits.FAST_ANSWER_S:
            self._batch_bytes = min(limits.MAX_BATCH_BYTES, self._batch_bytes * 2)
        elif seconds > limits.SLOW_ANSWER_S:
            self._batch_bytes = max(limits.LEAST_BATCH_BYTES, self._batch_bytes // 2)


def _note_time(times: dict[bytes, float], playlist: bytes, at: float | None) -> None:
    if at is None:
        times.pop(playlist, None)
    else:
        times[playlist] = at
