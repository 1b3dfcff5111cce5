"""What happens on this node, handed to everyone who listens at `/events`; a slow listener costs no memory."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import trio

from whatnext.node.api.problems import ApiError
from whatnext.node.timeline_views import StepEvent
from whatnext.records.ids import to_text
from whatnext.store import Change, Library
from whatnext.store.feed import latest_changes

CAPACITY = 1024
"""Events kept for one listener; past that it is told to read everything anew (`resync`)."""
MAX_LISTENERS = 64

_encode = msgspec.json.Encoder().encode


class ChangeEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`change`: a playlist's documents changed; `feed` is the number of the newest change.

    `local` is whether this device made it, `reset` whether changes that counted were taken back.
    """

    playlist: str
    feed: int
    local: bool
    reset: bool


class PeerEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What happened to `peer`, with the `reason` where there is one.

    On this network, by mDNS: `discovered`, `quiet` (not heard lately), `gone`. Of connections: `connected`, `path` (it
    is reached another way now), `left`. Of sync: `handshaken`, `in sync` and `refused` (of one `playlist`), `unlinked`.
    `problem`: a member could not be reached, for a reason that is new. By this device's user: `blocked`, `unblocked`,
    `forgotten`. With `connected` and `path`, `path` says how: `lan`, `direct` or `relay`.
    """

    peer: str
    state: str
    playlist: str | None = None
    reason: str | None = None
    path: str | None = None


class ReadyEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`ready`: everything up to change `feed` was told, the next events come as they happen."""

    feed: int


class JoinEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`join`: this device was let into a playlist (`accepted`) or not (`refused`, with the code and a sentence)."""

    playlist: str
    state: str
    peer: str
    code: str | None = None
    reason: str | None = None


class PresenceEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`presence`: a member listens to an `entry` of a `playlist`, or (None) to nothing there any more."""

    peer: str
    playlist: str
    entry: str | None


class MusicEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`music`: the music folder was looked at, or changed; what can be played may have."""

    files: int


def frame(kind: str, data: msgspec.Struct, feed: int | None = None) -> bytes:
    """One server-sent event; `feed` becomes its id, so that a browser resumes by itself."""
    head = f"id: {feed}\nevent: {kind}\ndata: " if feed is not None else f"event: {kind}\ndata: "
    return head.encode() + _encode(data) + b"\n\n"


def _change(change: Change, feed: int) -> bytes:
    playlist = to_text(change.playlist)
    event = ChangeEvent(playlist=playlist, feed=feed, local=change.local, reset=change.reset)
    return frame("change", event, feed)


RESYNC = b"event: resync\ndata: {}\n\n"


class Listener:
    """Frames waiting for one client; bounded."""

    def __init__(self, write_now: Callable[[bytes], bool] | None) -> None:
        self._write_now = write_now
        self._frames: deque[bytes] = deque()
        self._filled = trio.Event()
        self.closed = False

    def push(self, data: bytes, *, now: bool = False) -> None:
        """Add a frame; never waits. When it is one too many, `resync` stands for all of them.

        With `now` it is written before this returns, where the server can: a change costs no turn of the loop.
        """
        if now and self._write_now is not None and not self._frames and self._write_now(data):
            return
        if len(self._frames) >= CAPACITY:
            self._frames.clear()
            data = RESYNC
        self._frames.append(data)
        self._filled.set()

    def close(self) -> None:
        """Let the client's stream end."""
        self.closed = True
        self._filled.set()

    async def wait(self) -> bytes:
        """All frames that wait, at least one; b"" after `close`. Cancelling loses none."""
        while not self._frames and not self.closed:
            self._filled = trio.Event()
            await self._filled.wait()
        data = b"".join(self._frames)
        self._frames.clear()
        return data


class Feed:
    """Hands events to every listener, in the loop pass in which they happen."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._listeners: set[Listener] = set()

    def number(self) -> int:
        """Number of the newest change."""
        return self._library.documents.last_feed()

    def on_change(self, change: Change) -> None:
        """For `Library.subscribe`."""
        if self._listeners:
            # A change made here has yet to reach the peers: that goes first.
            self._push(_change(change, self.number()), now=not change.local)

    def on_peer(self, event: PeerEvent) -> None:
        """A peer came, greeted, is in sync, or left."""
        self._push(frame("peer", event))

    def on_step(self, make: Callable[[], StepEvent]) -> None:
        """A peer's timeline went on; the event is made only for somebody who listens."""
        if self._listeners:
            self._push(frame("step", make()))

    def listener_count(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def on_join(self, event: JoinEvent) -> None:
        """A join was decided."""
        self._push(frame("join", event))

    def on_presence(self, event: PresenceEvent) -> None:
        """A member began or ended to listen to something."""
        self._push(frame("presence", event))

    def on_music(self, event: MusicEvent) -> None:
        """The music folder was looked at."""
        self._push(frame("music", event))

    def on_missed(self) -> None:
        """Somebody upstream dropped events: listeners must read anew."""
        self._push(RESYNC)

    @contextmanager
    def listen(self, write_now: Callable[[bytes], bool] | None = None) -> Iterator[Listener]:
        """Listen until the block ends; raises `ApiError` when too many do already."""
        if len(self._listeners) >= MAX_LISTENERS:
            raise ApiError(503, "too_many_listeners", f"{MAX_LISTENERS} clients listen already: close one")
        listener = Listener(write_now)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def changed_since(self, feed: int) -> bytes:
        """A `change` frame for each playlist with a change later than `feed`, oldest first (`local` is not known).

        A `feed` we have not reached yet is of another database (a backup was restored): `resync`.
        """
        if feed > self.number():
            return RESYNC
        return b"".join(
            _change(Change(playlist, local=False, reset=False), number)
            for playlist, number in latest_changes(self._library, feed)
        )

    def close(self) -> None:
        """End every client's stream."""
        for listener in self._listeners:
            listener.close()

    def _push(self, data: bytes, *, now: bool = False) -> None:
        for listener in self._listeners:
            listener.push(data, now=now)
