"""What a stream received and nobody read yet, bounded, with one clear end: finished by the peer, or lost.

py-libp2p 0.8.1's own streams over QUIC, WebRTC and mplex drop what does not fit their buffer, and go on as if nothing
were missing. With an `Inbox` a stream has all bytes in order, or it is lost and says so: there is no third way.
"""

from collections.abc import Callable

import trio
from libp2p.stream_muxer.exceptions import MuxedStreamEOF, MuxedStreamError

WINDOW = 1024 * 1024
"""Bytes a peer may send ahead of a reader that reads: 10 MB/s at 100 ms of distance, and our memory for one stream."""
MAX_UNREAD = 16 * 1024 * 1024
"""Bytes on all streams of a connection that nobody read yet: sixteen full windows, where ours need two or three."""

_READ_SIZE = 64 * 1024


class Inbox:
    """A bounded byte queue with one reader. Everything is called in the trio thread.

    `read_of(count)` is told how much room a read made, to let the peer send on.
    """

    def __init__(self, limit: int, read_of: Callable[[int], None] | None = None) -> None:
        self._bytes = bytearray()
        self._limit = limit
        self._read_of = read_of
        self._finished = False
        self._lost: str | None = None
        self._news = trio.Event()

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def finished(self) -> bool:
        """Whether all the peer will ever send has arrived."""
        return self._finished

    @property
    def lost(self) -> str | None:
        """Why the stream is gone, or None."""
        return self._lost

    def put(self, data: bytes) -> bool:
        """Add what arrived; False when it does not fit, and then the caller has to give the stream up."""
        if self._finished or self._lost is not None:
            return True  # whoever reads has been told how it ended
        if len(self._bytes) + len(data) > self._limit:
            return False
        self._bytes += data
        self._wake()
        return True

    def finish(self) -> None:
        """The peer sends no more: the reader gets what is here, then b""."""
        self._finished = self._lost is None
        self._wake()

    def lose(self, why: str) -> None:
        """The stream is gone: the reader gets what is here, then an error. No effect once it has finished."""
        if not self._finished and self._lost is None:
            self._lost = why
            self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def receive_some(self, max_bytes: int) -> bytes:
        """Up to `max_bytes`; b"" at the end. Raises `MuxedStreamError` when it was lost. Cancelling loses nothing."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._bytes:
            if self._finished:
                return b""
            if self._lost is not None:
                raise MuxedStreamError(self._lost)
            await self._news.wait()
        taken = bytes(self._bytes[:max_bytes])
        del self._bytes[:max_bytes]
        if self._read_of is not None:
            self._read_of(len(taken))
        return taken


class InboxStream:
    """Mixin for a muxer's stream that reads from an `Inbox`: the rest of WhatNext reads and writes it directly."""

    inbox: Inbox
    stall_s = 30.0
    """How long the peer may refuse to read before a send gives up."""

    async def receive_some(self, max_bytes: int) -> bytes:
        """Read what is there, b"" at the end."""
        return await self.inbox.receive_some(max_bytes)

    async def send_some(self, data: memoryview) -> int:
        """Write one part; return its length. Raises `MuxedStreamError`."""
        raise NotImplementedError

    async def read(self, n: int | None = None) -> bytes:
        """Read as py-libp2p's own protocols do: at most n bytes, `MuxedStreamEOF` at the end."""
        if n == 0:
            return b""
        data = await self.receive_some(_READ_SIZE if n is None or n < 0 else n)
        if not data:
            raise MuxedStreamEOF("the peer has finished")
        return data

    async def write(self, data: bytes) -> None:
        """Write all of it, as py-libp2p's own protocols do."""
        rest = memoryview(data)
        while rest:
            rest = rest[await self.send_some(rest) :]
