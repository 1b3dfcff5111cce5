"""Runs a session over a channel, in trio: one task reads, one writes; both sleep until there is something to do."""

import logging
import math
from collections.abc import Callable, Iterator
from typing import Protocol

import trio

from whatnext.errors import LocalError, NetworkError, ProtocolViolation
from whatnext.rxdb import limits
from whatnext.rxdb.framing import Unframer, frame
from whatnext.rxdb.session import Session, Trouble

_log = logging.getLogger(__name__)

_PASSES = 3
"""Passes of the loop until the sessions of other clients have sent what a push changed: they hear of it in three
quarters of the time."""


class Channel(Protocol):
    """Whole messages both ways; methods raise `ConnectionLost` once the path is gone."""

    async def receive(self) -> bytes | str | None:
        """Wait for a message; None when the client is done."""
        ...

    async def send(self, message: bytes) -> None:
        """Send a message; waits while the client reads slowly."""
        ...


class Stream(Protocol):
    """What a channel over libp2p needs of a stream; `whatnext.net` gives it."""

    async def receive_some(self, max_bytes: int) -> bytes:
        """Wait for bytes; b"" at the end."""
        ...

    async def send_all(self, data: bytes) -> None:
        """Send all of it."""
        ...


class StreamChannel:
    """A channel on a byte stream; `packs` says whether long messages are compressed (version 1.1)."""

    def __init__(self, stream: Stream, *, packs: bool) -> None:
        self._stream = stream
        self._packs = packs
        self._unframer = Unframer()
        self._whole: Iterator[bytes] = iter(())

    async def receive(self) -> bytes | None:
        """Wait for a message; None at the end. Raises `ProtocolViolation` for what is none."""
        while True:
            for message in self._whole:  # unpacked one at a time: many small ones may each become a large one
                return message
            data = await self._stream.receive_some(64 * 1024)
            if not data:
                return None
            self._whole = self._unframer.feed(data)

    async def send(self, message: bytes) -> None:
        """Send a message."""
        await self._stream.send_all(frame(message, packs=self._packs))


class Ended(Exception):
    """The conversation ended for a reason worth telling; `code` is for the channel's own goodbye."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


async def serve(
    session: Session, channel: Channel, subscribe: Callable[[Callable[[], None]], Callable[[], None]]
) -> None:
    """Serve one client until it goes; raises `Ended` when it broke the protocol, stalls, or the disk fails us.

    `subscribe` registers a callback for changes and returns the way to stop it. Cancelling ends it at once; nothing
    is lost by that, as a client repeats what it got no answer for.
    """
    wake = _Wake()
    ended: Ended | None = None  # raised below: Python before 3.11.4 wraps in a group what `except*` raises
    unsubscribe = subscribe(wake.set)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write, session, channel, wake)
            await _read(session, channel, wake)
            nursery.cancel_scope.cancel()
    except* ProtocolViolation as group:
        ended = Ended("protocol_violation", str(group.exceptions[0]))
    except* (Ended, LocalError) as group:  # LocalError is the disk's; the client comes back and asks again
        reason = group.exceptions[0]
        ended = Ended(getattr(reason, "code", "local"), str(reason))
    except* NetworkError as group:
        _log.debug("an RxDB client went away: %s", group.exceptions[0])
    finally:
        unsubscribe()
    if ended is not None:
        raise ended


async def _read(session: Session, channel: Channel, wake: "_Wake") -> None:
    while True:
        while session.is_full:
            await wake.drained()
        message = await channel.receive()
        if message is None:
            return
        session.receive(message)
        wake.set()


async def _write(session: Session, channel: Channel, wake: "_Wake") -> None:
    while True:
        wake.clear()
        try:
            message = session.next_message()
        except Trouble as trouble:  # version 1.0 has no word for it
            raise Ended(trouble.code, str(trouble)) from trouble
        wake.set_drained()
        if wake.is_set:  # this message answers a change: the others hear of it before its author
            for _ in range(_PASSES):
                await trio.lowlevel.checkpoint()
        if message is None:
            with trio.move_on_after(limits.RESYNC_AGAIN_S if session.owes_pull else math.inf) as patience:
                await wake.wait()
            if patience.cancelled_caught:
                session.remind()
            continue
        with trio.move_on_after(limits.STALL_TIMEOUT_S) as patience:
            await channel.send(message)
        if patience.cancelled_caught:
            raise Ended("stalled", f"it has read nothing for {limits.STALL_TIMEOUT_S:g} s")


class _Wake:
    """Level-triggered signals between the two tasks: set any number of times, noticed once."""

    def __init__(self) -> None:
        self._event = trio.Event()
        self._drained = trio.Event()

    def set(self) -> None:
        self._event.set()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def clear(self) -> None:
        if self._event.is_set():
            self._event = trio.Event()

    async def wait(self) -> None:
        await self._event.wait()

    def set_drained(self) -> None:
        self._drained.set()

    async def drained(self) -> None:
        self._drained = trio.Event()
        await self._drained.wait()
