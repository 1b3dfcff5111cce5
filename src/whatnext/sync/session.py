"""`/whatnext/sync/1.0.0` between two peers, sans-IO: bytes, notifications and time in; bytes and events out.

Each side is in one phase; both sides go through the same ones, whoever opened the stream:

| phase | in words | takes | leads to |
|---|---|---|---|
| GREETING | our hello is on its way, the peer's is awaited (10 s) | `hello` | ACTIVE |
| ACTIVE | both said hello; interest, heads, records, acks, joins as they come | all but `hello` | CLOSING |
| CLOSING | our `bye` is owed, nothing is read any more | – | CLOSED |
| CLOSED | over; the stream may be closed | – | – |

Output is pulled: `data_to_send` makes the next bytes from what the library holds at that moment, so nothing piles up
while a peer reads slowly. At most one batch is unanswered at any time.
"""

from collections import Counter
from enum import StrEnum

import msgspec

from whatnext.errors import InvalidRecord, ProtocolViolation
from whatnext.identity import public_key_of
from whatnext.records.schema import REMOVED
from whatnext.store import Change, Library
from whatnext.sync import admission, batches, frames, intake, limits
from whatnext.sync.batches import InFlight
from whatnext.sync.discipline import Discipline, OffenceKind, TokenBucket
from whatnext.sync.events import (
    Event,
    JoinAccepted,
    JoinRefused,
    LinkEnded,
    Offence,
    PeerHandshaken,
    PlaylistInSync,
    PlaylistRefused,
    PlaylistState,
    RecordsRefused,
)
from whatnext.sync.frames import Ack, Bye, Have, Heads, Hello, Interest, Join, Message, Records, Refuse
from whatnext.sync.interest import InterestKey
from whatnext.sync.metrics import Traffic
from whatnext.sync.rota import Rota
from whatnext.sync.share import Mode, PlaylistStatus, Share

FEATURES: tuple[str, ...] = ()


class Phase(StrEnum):
    """Where a session is; see the module's table."""

    GREETING = "connected"
    ACTIVE = "handshaken"
    CLOSING = "closing"
    CLOSED = "closed"


class Greeting(msgspec.Struct, frozen=True):
    """What we say of ourselves, and the nonce (16 random bytes, new for every link)."""

    name: str
    agent: str
    nonce: bytes


class Session:
    """One link to `peer`. Times (`now`) are seconds of one monotonic clock; the peer's identity is already proven."""

    def __init__(
        self,
        library: Library,
        peer: str,
        greeting: Greeting,
        now: float,
        discipline: Discipline,
    ) -> None:
        self.peer = peer
        self.phase = Phase.GREETING
        self.hello: Hello | None = None
        self.ended: LinkEnded | None = None
        self.traffic = Traffic()
        self._library = library
        self._greeting = greeting
        self._started = now
        self._discipline = discipline
        self._told_too_many = False
        self._reader = frames.FrameReader()
        self._outbox: list[bytes] = []
        self._outbox_bytes = 0
        self._events: list[Event] = []
        self._load = TokenBucket(limits.COST_PER_S, limits.COST_BURST, now)
        self._interest_out = TokenBucket(limits.INTEREST_PER_S, limits.INTEREST_BURST, now)
        self._interest_in = TokenBucket(2 * limits.INTEREST_PER_S, 2 * limits.INTEREST_BURST, now)
        self._rota: Rota | None = None
        self._say(
            Hello(
                greeting.agent[:500],
                greeting.name[:500],
                list(FEATURES),
                greeting.nonce,
                library.clock.now_ms(),
            )
        )

    # What the driver asks

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes from the peer, in any pieces; what they lead to shows in `events` and `data_to_send`."""
        self.traffic.bytes_in += len(data)
        try:
            for payload in self._reader.feed(data):
                if self.phase in (Phase.CLOSING, Phase.CLOSED):
                    return
                self.traffic.frames_in += 1
                self._dispatch(frames.decode(payload), now)
        except ProtocolViolation as fault:
            self._offend(OffenceKind.VIOLATION, str(fault))
            self.close(ProtocolViolation.code, str(fault))

    def data_to_send(self, now: float) -> bytes:
        """Next bytes for the stream, b"" when there is nothing to say; call again once they are sent."""
        parts, self._outbox, self._outbox_bytes = self._outbox, [], 0
        if self.phase is Phase.ACTIVE:
            parts += self._rota_frames(self._active, now)
        elif self.phase is Phase.CLOSING:
            self.phase = Phase.CLOSED
        data = b"".join(parts)
        self.traffic.bytes_out += len(data)
        self.traffic.frames_out += len(parts)
        return data

    def sent(self, now: float) -> None:
        """The stream has taken what `data_to_send` gave: from now on an answer is awaited."""
        flight = self._in_flight
        if flight is not None and flight.deadline is None:
            flight.deadline = now + limits.ANSWER_TIMEOUT_S

    def notify(self, change: Change) -> None:
        """The library committed; what that means for this link shows in `data_to_send`."""
        if self._rota is not None:
            self._rota.notify(change)

    def events(self) -> list[Event]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def close(self, code: str, reason: str) -> None:
        """End the link with a `bye`; the first reason stands."""
        if self.phase in (Phase.CLOSING, Phase.CLOSED):
            return
        self.phase = Phase.CLOSING
        self.ended = LinkEnded(self.peer, code, reason)
        self._say(Bye(code[:40], reason[:500]))

    def deadline(self, now: float) -> float:
        """When `tick` is due; infinite when only the peer or the library can move things."""
        due = [float("inf")]
        if self.phase is Phase.GREETING:
            due.append(self._started + limits.HELLO_TIMEOUT_S)
        flight = self._in_flight
        if flight is not None and flight.deadline is not None:
            due.append(flight.deadline)
        if self._rota is not None:
            due.append(self._rota.wakes_at())
        if self._rota is not None and self._rota.owes_interest:
            due.append(now + self._interest_out.wait(1, now) + 0.001)
        return min(due)

    def tick(self, now: float) -> None:
        """Time passed: send what was held back; end the link if the peer owes an answer for too long."""
        if self.phase is Phase.GREETING and now >= self._started + limits.HELLO_TIMEOUT_S:
            self.close("timeout", f"the peer connected but said no hello within {limits.HELLO_TIMEOUT_S:g} s")
        if self._rota is not None:
            self._rota.tick(now)
        flight = self._in_flight
        if flight is not None and flight.deadline is not None and now >= flight.deadline:
            self.close("timeout", f"the peer did not confirm a batch within {limits.ANSWER_TIMEOUT_S:g} s")

    def pause(self, now: float) -> float:
        """Seconds to wait before reading on, because the peer sends faster than it may."""
        return self._load.wait(0, now)

    @property
    def backlogged(self) -> bool:
        """Whether answers pile up because the peer does not read: stop reading from it."""
        return self._outbox_bytes > limits.OUTBOX_BYTES

    @property
    def buffered(self) -> int:
        """Bytes held for this link: answers not sent and a frame not whole."""
        return self._outbox_bytes + self._reader.buffered

    def playlists(self) -> list[PlaylistStatus]:
        """Every playlist shared over this link, with exact pending counts."""
        return [] if self._rota is None else self._rota.statuses()

    @property
    def _in_flight(self) -> InFlight | None:
        return None if self._rota is None else self._rota.in_flight

    @property
    def _active(self) -> Rota:
        assert self._rota is not None, "the rota begins with the peer's hello"
        return self._rota

    def _rota_frames(self, rota: Rota, now: float) -> list[bytes]:
        parts = []
        if rota.owes_interest and self._interest_out.take(1, now):
            parts.append(rota.interest())
        parts += rota.control_frames(now)
        batch = rota.next_batch(now)
        if batch is not None:
            assert rota.in_flight is not None
            self.traffic.records_out += rota.in_flight.count
            parts.append(batch)
        return parts

    # In

    def _dispatch(self, message: Message, now: float) -> None:
        self._load.spend(_COSTS.get(type(message), limits.FRAME_COST), now)
        if isinstance(message, Bye):
            self.phase = Phase.CLOSED
            self.ended = LinkEnded(self.peer, message.code, f"the peer ended the link: {message.reason}")
            return
        if isinstance(message, Hello) != (self.phase is Phase.GREETING):
            raise ProtocolViolation(f"{type(message).__name__.lower()} while {self.phase}")
        match message:
            case Hello():
                self._take_hello(message)
            case Interest():
                self._take_interest(message, now)
            case Heads():
                self._take_heads(message)
            case Records():
                self._take_records(message)
            case Have():
                self._take_have(message)
            case Ack():
                self._take_ack(message, now)
            case Join():
                self._take_join(message, now)
            case Refuse():
                self._take_refuse(message, now)

    def _take_hello(self, hello: Hello) -> None:
        if hello.nonce == self._greeting.nonce:
            raise ProtocolViolation("our own nonce came back")
        own = self._library.identity.peer_id
        self.hello = hello
        self.phase = Phase.ACTIVE
        keys = (
            InterestKey(self._greeting.nonce, hello.nonce, own),
            InterestKey(hello.nonce, self._greeting.nonce, self.peer),
        )
        jitter = self._greeting.nonce[0] / 255
        self._rota = Rota(self._library, self.peer, keys, jitter, self._note)
        skew = hello.wall_ms - self._library.clock.now_ms()
        self._events.append(PeerHandshaken(self.peer, hello.name, hello.agent, tuple(hello.features), skew))

    def _take_interest(self, message: Interest, now: float) -> None:
        if not self._interest_in.take(1, now):
            self._offend(OffenceKind.FLOOD, "its list of playlists changes faster than any user's")
        self._active.take_interest(message)

    def _take_heads(self, message: Heads) -> None:
        share = self._active.share(message.playlist)
        if share is None:
            return  # we left it, or never had it: the peer hears of that by our interest, a stranger hears nothing
        share.look()
        if share.mode is Mode.REMOVED:
            return
        if share.coming > limits.MAX_HEADS:
            raise ProtocolViolation(f"more than {limits.MAX_HEADS} heads of one playlist")
        if share.take_heads(message):
            self._offend(OffenceKind.REWIND, "it took back heads it had told")
        if share.mode is Mode.JOINING and not share.accepted and share.theirs and not share.partial:
            share.accepted = True
            self._events.append(JoinAccepted(self.peer, message.playlist))
        self._active.mark(message.playlist)
        self._note(share)

    def _take_have(self, message: Have) -> None:
        share = self._active.share(message.playlist)
        if share is None:
            return
        share.look()
        if share.mode is not Mode.REMOVED:
            share.take_have(message)
            self._active.mark(message.playlist)
            self._note(share)

    def _take_records(self, message: Records) -> None:
        try:
            playlist, ends = batches.ends(message.records)
        except InvalidRecord as fault:
            raise ProtocolViolation(str(fault)) from fault
        share = self._active.share(playlist)
        if share is None:
            sentence = admission.SENTENCES[admission.NOT_HERE]
            self._say(Refuse(playlist[:20].ljust(20, b"\0"), admission.NOT_HERE, sentence, message.serial))
            return
        share.look()
        share.was_in_sync = False
        answer = intake.take_records(self._library, share, message, ends)
        self._finish(share, answer)

    def _take_join(self, message: Join, now: float) -> None:
        share = self._active.share(message.playlist)
        if share is None:
            self._say(Refuse(message.playlist, admission.NOT_HERE, admission.SENTENCES[admission.NOT_HERE]))
            return
        share.look()
        if not self._discipline.may_join(self.peer, now):
            if self._told_too_many:
                self._offend(OffenceKind.FLOOD, "it tries to join again and again")
            self._told_too_many = True
            share.watch([public_key_of(self.peer)])
            self._say(share.refusal(admission.TOO_MANY))
            return
        answer = intake.take_join(self._library, share, message)
        if answer.reply is not None:
            self._discipline.join_failed(self.peer, now)
        self._finish(share, answer)

    def _finish(self, share: Share, answer: intake.Answer) -> None:
        if answer.receipt is not None:
            self.traffic.records_in += answer.receipt.counted
            self.traffic.duplicates_in += answer.receipt.duplicates
            self.traffic.refused_in += len(answer.receipt.refused)
        if answer.reply is not None:
            self._say(answer.reply)
        self._active.mark(share.playlist)
        self._note(share)
        for event in answer.events:
            if isinstance(event, Offence):
                self._offend(event.kind, event.detail)
            else:
                self._events.append(event)

    def _take_ack(self, message: Ack, now: float) -> None:
        flight = self._active.answered(message.serial, now)
        share, turned_away = flight.share, flight.share.turned_away
        share.take_ack(flight.ends, flight.before, message)
        if share.turned_away is not None and share.turned_away != turned_away:
            text = admission.sentence(share.turned_away, "")
            self._events.append(PlaylistRefused(self.peer, share.playlist, share.turned_away, text))
        if message.refused:
            codes = dict(Counter(row.code for row in message.refused))
            self.traffic.refused_out += len(message.refused)
            self._events.append(RecordsRefused(self.peer, flight.share.playlist, by_peer=True, codes=codes))
        self._note(flight.share)

    def _take_refuse(self, message: Refuse, now: float) -> None:
        if message.serial is None:
            share = self._active.share(message.playlist)
        else:
            share = self._active.answered(message.serial, now).share
        if share is None or share.refused == message.code:
            return
        share.look()
        answers_join = message.serial is None and message.code != REMOVED
        if answers_join and share.mode is not Mode.JOINING:
            return  # somebody else let us in meanwhile
        share.take_refusal(message.code)
        text = admission.sentence(message.code, message.detail)
        if share.mode is Mode.JOINING:
            retryable = message.code in admission.RETRYABLE
            self._events.append(JoinRefused(self.peer, share.playlist, message.code, text, retryable))
        else:
            self._events.append(PlaylistRefused(self.peer, share.playlist, message.code, text))

    def _offend(self, kind: OffenceKind, detail: str) -> None:
        self._events.append(Offence(self.peer, kind, detail))

    def _note(self, share: Share) -> None:
        """Say once that a playlist came in sync."""
        if self._active.share(share.playlist) is not share:
            return
        in_sync = share.state() is PlaylistState.IN_SYNC
        if in_sync and not share.was_in_sync:
            self._events.append(PlaylistInSync(self.peer, share.playlist))
        share.was_in_sync = in_sync

    def _say(self, message: Message) -> None:
        frame = frames.encode(message)
        self._outbox.append(frame)
        self._outbox_bytes += len(frame)


_COSTS: dict[type, float] = {
    Heads: limits.HEADS_COST,
    Have: limits.HAVE_COST,
    Interest: limits.INTEREST_COST,
    Join: limits.JOIN_COST,
}
