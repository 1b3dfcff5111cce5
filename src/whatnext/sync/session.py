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

from enum import StrEnum

import msgspec

from whatnext.errors import ProtocolViolation
from whatnext.rates import TokenBucket
from whatnext.store import Change, Library
from whatnext.sync import frames, limits
from whatnext.sync.batches import InFlight
from whatnext.sync.conversation import Conversation
from whatnext.sync.discipline import Discipline, OffenceKind
from whatnext.sync.events import Event, LinkEnded, Offence, PeerHandshaken
from whatnext.sync.frames import Bye, Have, Heads, Hello, Interest, Join, Message, Presence
from whatnext.sync.metrics import Traffic
from whatnext.sync.share import PlaylistStatus

PRESENCE = "presence"
FEATURES: tuple[str, ...] = (PRESENCE,)
"""Told in our hello: what beside version 1.0 we understand. Messages of a feature go only to who told it."""


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
        self.skew_ms: int | None = None
        """How far the peer's clock was ahead of ours when its hello came."""
        self.ended: LinkEnded | None = None
        self.traffic = Traffic()
        self._library = library
        self._greeting = greeting
        self._started = now
        self._discipline = discipline
        self._reader = frames.FrameReader()
        self._outbox: list[bytes] = []
        self._outbox_bytes = 0
        self._events: list[Event] = []
        self._load = TokenBucket(limits.COST_PER_S, limits.COST_BURST, now)
        self._conversation: Conversation | None = None
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
            self._report(Offence(self.peer, OffenceKind.VIOLATION, str(fault)))
            self.close(ProtocolViolation.code, str(fault))

    def data_to_send(self, now: float) -> bytes:
        """Next bytes for the stream, b"" when there is nothing to say; call again once they are sent."""
        parts, self._outbox, self._outbox_bytes = self._outbox, [], 0
        if self.phase is Phase.ACTIVE and self._conversation is not None:
            parts += self._conversation.frames(now)
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
        if self._conversation is not None:
            self._conversation.rota.notify(change)

    def present(self, playlist: bytes, entry: str | None) -> None:
        """Tell the peer what is played here (None: nothing any more), if it may know and understands it."""
        if self._conversation is not None and self.hello is not None and PRESENCE in self.hello.features:
            self._conversation.presence.owe(playlist, entry)

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
        if self.phase is Phase.GREETING:
            return self._started + limits.HELLO_TIMEOUT_S
        if self.phase is Phase.ACTIVE and self._conversation is not None:
            return self._conversation.deadline(now)
        return float("inf")

    def tick(self, now: float) -> None:
        """Time passed: send what was held back; end the link if the peer owes an answer for too long."""
        if self.phase is Phase.GREETING and now >= self._started + limits.HELLO_TIMEOUT_S:
            self.close("timeout", f"the peer connected but said no hello within {limits.HELLO_TIMEOUT_S:g} s")
        if self._conversation is not None:
            self._conversation.rota.tick(now)
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
        return [] if self._conversation is None else self._conversation.rota.statuses()

    @property
    def _in_flight(self) -> InFlight | None:
        return None if self._conversation is None else self._conversation.rota.in_flight

    # In

    def _dispatch(self, message: Message, now: float) -> None:
        self._load.spend(_COSTS.get(type(message), limits.FRAME_COST), now)
        if isinstance(message, Bye):
            self.phase = Phase.CLOSED
            self.ended = LinkEnded(self.peer, message.code, f"the peer ended the link: {message.reason}")
            return
        if isinstance(message, Hello) != (self.phase is Phase.GREETING):
            raise ProtocolViolation(f"{type(message).__name__.lower()} while {self.phase}")
        if isinstance(message, Hello):
            self._take_hello(message, now)
        else:
            assert self._conversation is not None
            self._conversation.take(message, now)

    def _take_hello(self, hello: Hello, now: float) -> None:
        if hello.nonce == self._greeting.nonce:
            raise ProtocolViolation("our own nonce came back")
        self.hello = hello
        self.traffic.hellos.note(now - self._started)
        self.phase = Phase.ACTIVE
        self._conversation = Conversation(
            self._library,
            self.peer,
            (self._greeting.nonce, hello.nonce),
            self._discipline,
            self.traffic,
            self._say,
            self._report,
            now,
        )
        self.skew_ms = hello.wall_ms - self._library.clock.now_ms()
        self._report(PeerHandshaken(self.peer, hello.name, hello.agent, tuple(hello.features), self.skew_ms))

    def _report(self, event: Event) -> None:
        self._events.append(event)

    def _say(self, message: Message) -> None:
        frame = frames.encode(message)
        self._outbox.append(frame)
        self._outbox_bytes += len(frame)


_COSTS: dict[type, float] = {
    Heads: limits.HEADS_COST,
    Have: limits.HAVE_COST,
    Interest: limits.INTEREST_COST,
    Join: limits.JOIN_COST,
    Presence: limits.PRESENCE_COST,
}
