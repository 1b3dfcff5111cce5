"""One libp2p stream as the rest of WhatNext sees it: bytes in order, a peer, a protocol, and our own errors.

Reading and writing yamux streams goes around py-libp2p's own methods: in 0.8.1 they drop what was received but not
read yet when the connection ends, report a lost connection as a clean end, and break the stream when its reader
pauses for 5 seconds. `tests/net/test_canaries.py` shows each.
"""

import struct
from types import TracebackType
from typing import Protocol, Self

import trio
from libp2p.abc import INetStream
from libp2p.io.exceptions import IOException
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from libp2p.stream_muxer.yamux.yamux import (
    DEFAULT_WINDOW_SIZE,
    HEADER_SIZE,
    MAX_MESSAGE_SIZE,
    TYPE_DATA,
    YAMUX_HEADER_FORMAT,
    Yamux,
)

from whatnext.errors import ConnectionLost
from whatnext.net.inbox import InboxStream
from whatnext.net.muxing import SafeYamuxStream

_MAX_PAYLOAD = MAX_MESSAGE_SIZE - HEADER_SIZE

BROKEN = (
    IOException,
    MuxedStreamError,
    MuxedConnUnavailable,
    trio.ClosedResourceError,
    trio.BrokenResourceError,
    OSError,
)
"""What py-libp2p raises when a stream or its connection is gone."""


class Pipe(Protocol):
    """The muxer's half of a stream."""

    async def receive_some(self, max_bytes: int) -> bytes:
        """Read what is there, b"" at the end."""

    async def send_some(self, data: memoryview) -> int:
        """Write one part; return its length."""


class Stream:
    """A two-way byte stream to one peer. All methods raise `ConnectionLost` once either side reset it or went away."""

    def __init__(self, raw: INetStream, protocol: str, *, outbound: bool, stall_s: float) -> None:
        self.peer = str(raw.muxed_conn.peer_id)
        self.protocol = protocol
        self.outbound = outbound
        self._raw = raw
        self._pipe = _pipe(raw, stall_s)
        self._sending = trio.Lock()
        self._torn = False

    def __repr__(self) -> str:
        return f"<Stream {self.protocol} {'to' if self.outbound else 'from'} {self.peer}>"

    @property
    def address(self) -> str:
        """Multiaddr of the other end of the connection this stream is on; "" when it cannot be told."""
        known = self._raw.muxed_conn.get_transport_addresses()
        return str(known[0]) if known else ""

    def keep_window_small(self) -> None:
        """Let the peer send no more ahead than at the beginning (yamux: 256 KiB); before anything long is read.

        For those who hold many streams and need the speed of none: that is what an unread one costs. Other muxers
        have windows of their own.
        """
        if isinstance(self._pipe, YamuxPipe):
            self._pipe.keep_window_small()

    async def receive_some(self, max_bytes: int = 65536) -> bytes:
        """Up to `max_bytes`, at least one; b"" once the peer closed its side. Cancelling loses nothing.

        Only one task may read at a time.
        """
        try:
            return await self._pipe.receive_some(max_bytes)
        except BROKEN as error:
            # Or it counts as open until the connection ends, and the peer's pings are refused.
            await self.reset()
            raise self._lost(error) from error

    async def send_all(self, data: bytes) -> None:
        """Send all of it, in one piece between other senders' pieces; waits while the peer is slow to read.

        A peer that reads nothing for `stall_timeout_s` loses the stream. Cancelled after a first part left, the
        stream is reset: the peer must never take half a message for a whole one.
        """
        async with self._sending:
            if self._torn:
                raise ConnectionLost(
                    f"the stream {self.protocol} to {self.peer} was reset after a cancelled send"
                )
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[await self._pipe.send_some(rest) :]
            except BROKEN as error:
                await self.reset()
                raise self._lost(error) from error
            except BaseException:
                if 0 < len(rest) < len(data):
                    await self.reset()
                raise

    async def close(self) -> None:
        """Close our side: the peer reads b"" after what was sent. Reading goes on until the peer closes its side."""
        with trio.CancelScope(shield=True):
            try:
                await self._raw.close()
            except BROKEN as error:
                raise self._lost(error) from error

    async def reset(self) -> None:
        """Give the stream up in both directions, at once; never raises. What was not sent yet is dropped."""
        self._torn = True
        with trio.CancelScope(shield=True):
            await self._raw.reset()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            await self.reset()
            return
        await self.close()

    def _lost(self, error: BaseException) -> ConnectionLost:
        return ConnectionLost(
            f"the stream {self.protocol} with {self.peer} ended: {str(error) or type(error).__name__}"
        )


def _pipe(raw: INetStream, stall_s: float) -> Pipe:
    muxed = getattr(raw, "muxed_stream", None)
    if isinstance(muxed, InboxStream):
        muxed.stall_s = stall_s
        return muxed
    assert isinstance(muxed, SafeYamuxStream), "all our muxers make one of these two"
    return YamuxPipe(muxed, stall_s)


class YamuxPipe:
    """A yamux stream, read from its buffer and written frame by frame; see the module's text."""

    def __init__(self, stream: SafeYamuxStream, stall_s: float) -> None:
        self._stream = stream
        self._conn: Yamux = stream.conn
        self._id = stream.stream_id
        # Kept here, the buffer outlives the connection's tables: what arrived can still be read.
        self._buffer = self._conn.stream_buffers.get(self._id, bytearray())
        self._stall_s = stall_s

    def keep_window_small(self) -> None:
        """Grant the stream's first window and never more."""
        self._stream.window = DEFAULT_WINDOW_SIZE

    async def receive_some(self, max_bytes: int) -> bytes:
        """Read what is there, b"" at the end."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._buffer:
            if self._ended():
                return b""
            await self._wait()
        taken = bytes(self._buffer[:max_bytes])
        del self._buffer[:max_bytes]
        await self._acknowledge(len(taken))
        return taken

    def _ended(self) -> bool:
        """Whether the peer finished cleanly; raises when the stream or its connection is gone."""
        if self._stream.reset_received:
            raise MuxedStreamError("reset, or the connection was lost")
        if self._stream.recv_closed and not self._conn.event_shutting_down.is_set():
            return True
        if self._conn.event_shutting_down.is_set() or self._id not in self._conn.stream_events:
            raise MuxedStreamError("the connection was lost")
        return False

    async def _wait(self) -> None:
        event = self._stream.news = self._conn.stream_events[self._id]
        await event.wait()
        if self._conn.stream_events.get(self._id) is event:
            self._conn.stream_events[self._id] = trio.Event()

    async def _acknowledge(self, count: int) -> None:
        if self._stream.closed:
            await self._conn._finalize_stream(self._stream, fully_closed=True)  # noqa: SLF001 - frees its tables
            return
        try:
            await self._stream._auto_tune_and_send_window_update(bytes_read=count)  # noqa: SLF001 - ours, see muxing
        except BROKEN:
            return  # the next read reports it, after what is still in the buffer

    async def send_some(self, data: memoryview) -> int:
        """Write one frame as large as the window allows; return its payload's length."""
        room = await self._room()
        part = bytes(data[: min(room, _MAX_PAYLOAD)])
        self._stream.send_window -= len(part)
        header = struct.pack(YAMUX_HEADER_FORMAT, 0, TYPE_DATA, 0, self._id, len(part))
        await self._conn._write_frame(header + part)  # noqa: SLF001 - a shielded, whole frame
        return len(part)

    async def _room(self) -> int:
        await trio.lowlevel.checkpoint_if_cancelled()
        deadline = trio.current_time() + self._stall_s
        while True:
            if self._stream.send_closed or self._stream.closed or self._conn.event_shutting_down.is_set():
                raise MuxedStreamError("closed for sending")
            if self._stream.send_window > 0:
                return self._stream.send_window
            if trio.current_time() > deadline:
                raise MuxedStreamError(f"the peer has not read for {self._stall_s:g} s")
            await self._stream.wait_for_room()
