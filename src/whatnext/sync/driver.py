"""Drives a session over a stream, in trio: one task reads, one writes; both sleep until there is something to do."""

from collections.abc import Callable
from typing import Protocol

import trio

from whatnext.errors import LocalError, NetworkError
from whatnext.sync import limits
from whatnext.sync.events import Event, LinkEnded
from whatnext.sync.session import Phase, Session

_READ_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024
"""The stall limit holds for each piece of this size, so that a slow but living path is not taken for a dead one."""
_PARTING_S = 2.0

BROKEN = (NetworkError, trio.BrokenResourceError, trio.ClosedResourceError)


class Stream(Protocol):
    """What the sync layer needs of a stream; `whatnext.net` gives one per pair of peers.

    Methods raise `whatnext.errors.ConnectionLost` (or trio's own errors) once the path is gone.
    """

    peer: str
    outbound: bool

    async def receive_some(self, max_bytes: int) -> bytes:
        """Wait for bytes; b"" when the peer closed its side."""

    async def send_all(self, data: bytes) -> None:
        """Send all of it; waits while the peer reads slowly."""

    async def close(self) -> None:
        """Close our side after what was sent."""

    async def reset(self) -> None:
        """Give up both sides at once; never raises."""


class _Signal:
    """A level-triggered wake-up: set any number of times, noticed once."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        if self._event.is_set():
            self._event = trio.Event()

    async def wait(self) -> None:
        await self._event.wait()


class Link:
    """A session on its stream. `on_events` is called with what happened, in the same loop pass."""

    def __init__(self, stream: Stream, session: Session, on_events: Callable[[list[Event]], None]) -> None:
        self.session = session
        self._stream = stream
        self._on_events = on_events
        self._wake = _Signal()
        self._drained = _Signal()
        self._scope = trio.CancelScope()
        self._ended: LinkEnded | None = None

    def wake(self) -> None:
        """Look whether there is something to send: the library or the session's state changed."""
        self._wake.set()

    def close(self, code: str, reason: str) -> None:
        """Say goodbye and end."""
        self.session.close(code, reason)
        self._wake.set()

    def abandon(self, code: str, reason: str) -> None:
        """End at once, without a word: the stream is known to be dead, or another one takes its place."""
        self._end(code, reason)
        self._scope.cancel()

    async def run(self) -> LinkEnded:
        """Run until either side ends it or the path breaks; says why.

        Cancelling resets the stream. Nothing is lost by that: what the peer had not confirmed is sent again over the
        next link, and what it sent counts here only once it was stored.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read)
                    await self._write()
                    nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            fault, rest = group.split((*BROKEN, LocalError))
            if fault is not None:
                first = _first(fault)
                self._end("local" if isinstance(first, LocalError) else "connection_lost", str(first))
            if rest is not None:
                raise rest from None  # a cancellation that met a breaking path goes on alone
        finally:
            await self._part()
            self._hand_over()
        ended = self.session.ended or self._ended
        assert ended is not None
        return ended

    async def _read(self) -> None:
        while True:
            data = await self._stream.receive_some(_READ_BYTES)
            now = trio.current_time()
            if not data:
                self._end("connection_lost", "the peer closed the link without a word")
                self._scope.cancel()
                return
            self.session.receive_data(data, now)
            self._hand_over()
            self._wake.set()
            await trio.sleep(self.session.pause(now))
            while self.session.backlogged:
                self._drained.clear()
                await self._drained.wait()

    async def _write(self) -> None:
        session = self.session
        while True:
            self._wake.clear()
            now = trio.current_time()
            data = session.data_to_send(now)
            self._drained.set()
            self._hand_over()
            if data:
                if not await self._send(data):
                    return
                session.sent(trio.current_time())
                continue
            if session.phase is Phase.CLOSED:
                return
            with trio.move_on_at(session.deadline(now)):
                await self._wake.wait()
            session.tick(trio.current_time())

    async def _send(self, data: bytes) -> bool:
        for start in range(0, len(data), _PIECE_BYTES):
            with trio.move_on_after(limits.STALL_TIMEOUT_S) as patience:
                await self._stream.send_all(data[start : start + _PIECE_BYTES])
            if patience.cancelled_caught:
                seconds = f"{limits.STALL_TIMEOUT_S:g} s"
                self._end(
                    "stalled", f"the peer has not read what we send for {seconds}: the path may be dead"
                )
                return False
        return True

    async def _part(self) -> None:
        """Close the stream after a goodbye, reset it otherwise."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _PARTING_S):
            if self.session.ended is not None and self._ended is None:
                try:
                    await self._stream.close()
                except BROKEN:
                    await self._stream.reset()
            else:
                await self._stream.reset()

    def _end(self, code: str, reason: str) -> None:
        if self._ended is None and self.session.ended is None:
            self._ended = LinkEnded(self.session.peer, code, reason)

    def _hand_over(self) -> None:
        events = self.session.events()
        if events:
            self._on_events(events)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


async def run_link(stream: Stream, session: Session, on_events: Callable[[list[Event]], None]) -> LinkEnded:
    """Run one session on one stream to its end; see `Link.run` for cancellation."""
    return await Link(stream, session, on_events).run()
