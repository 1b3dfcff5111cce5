"""One stream of a QUIC connection: bounded, whole, and with a real end.

What is different from py-libp2p 0.8.1's own: nothing is dropped (`inbox`, `quic_windows`); a read may wait for longer
than 30 s; `close` ends our side only; a lost connection is not reported as the peer's clean end; and a stream that both
sides have finished leaves the table, which otherwise keeps it until 1,000 have been opened and no more are let in.
"""

import contextlib
from typing import TYPE_CHECKING

import trio
from libp2p.stream_muxer.exceptions import MuxedStreamError
from libp2p.transport.quic.stream import QUICStream, StreamState

from whatnext.net import quic_windows
from whatnext.net.inbox import MAX_UNREAD, WINDOW, Inbox, InboxStream

if TYPE_CHECKING:
    from whatnext.net.quic_connections import SafeQuicConnection

_PART = 64 * 1024  # bytes handed to aioquic at a time
_RESET = 0  # no application error code means anything in libp2p


class SafeQuicStream(InboxStream, QUICStream):
    """A QUIC stream as the rest of WhatNext uses it."""

    _connection: "SafeQuicConnection"

    def adopt(self) -> None:
        """Take over a stream that py-libp2p has just made."""
        self.inbox = Inbox(WINDOW, self._read_of)

    def _read_of(self, count: int) -> None:
        quic_windows.read_of(self._connection._quic, self._stream_id, count)  # noqa: SLF001 - its sans-IO half
        self._connection._signal_activity()  # noqa: SLF001 - sends the wider window

    async def send_some(self, data: memoryview) -> int:
        """Hand one part to QUIC, when less than 1 MiB of what went before is unacknowledged; return its length."""
        await self._room()
        part = bytes(data[:_PART])
        try:
            self._connection._quic.send_stream_data(self._stream_id, part)  # noqa: SLF001 - its sans-IO half
        except (ValueError, RuntimeError) as error:  # aioquic's word for a write after FIN or reset
            raise MuxedStreamError("closed for sending") from error
        self._update_send_backpressure()
        with trio.CancelScope(shield=True):  # the part is on its way: the caller has to know
            await self._connection._transmit()  # noqa: SLF001 - to the socket
        return len(part)

    async def _room(self) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            if not self.can_write() or self._connection.is_closed:
                raise MuxedStreamError(self.inbox.lost or "closed for sending")
            if self._backpressure_event.is_set():
                return
            waiting = self.send_buffer_size()
            with trio.move_on_after(self.stall_s) as patience:
                await self._backpressure_event.wait()
            if patience.cancelled_caught and self.send_buffer_size() >= waiting:
                raise MuxedStreamError(f"the peer has not read for {self.stall_s:g} s")

    async def handle_data_received(self, data: bytes, end_stream: bool) -> None:
        """Take in what the connection received; a peer beyond its window loses the stream."""
        if self._state is StreamState.RESET:
            return
        if data and not (self._can_hold(len(data)) and self.inbox.put(data)):
            await self.reset()
            return
        if end_stream:
            self._read_closed = True
            self.inbox.finish()
            self._step(StreamState.READ_CLOSED)
            await self._forget_if_done()

    def _can_hold(self, count: int) -> bool:
        return len(self.inbox) == 0 or self._connection.unread() + count <= MAX_UNREAD

    async def close(self) -> None:
        """End our side: the peer reads b"" after what was sent. Reading goes on until the peer ends its side."""
        if self._write_closed or self._state is StreamState.RESET:
            return
        await self.close_write()
        await self._forget_if_done()

    async def reset(self, error_code: int = _RESET) -> None:
        """Give the stream up in both directions; what the peer still sends is thrown away."""
        if self._state in (StreamState.RESET, StreamState.CLOSED):
            return
        self.inbox.lose("reset by this node")
        self._backpressure_event.set()
        with contextlib.suppress(ValueError):  # QUIC has seen its end already
            # py-libp2p resets our direction only: the peer would send on, into a stream that looks new to us.
            self._connection._quic.stop_stream(self._stream_id, error_code)  # noqa: SLF001 - its sans-IO half
        await super().reset(error_code)

    async def handle_reset(self, error_code: int) -> None:
        """The peer gave the stream up: what arrived can still be read."""
        self.inbox.lose("reset by the peer")
        # Our direction ends as well, or QUIC keeps the stream open, one of the few that a peer may have.
        self._connection._quic.reset_stream(self._stream_id, _RESET)  # noqa: SLF001 - its sans-IO half
        await super().handle_reset(error_code)

    def lose(self, why: str) -> None:
        """The connection is gone: wake whoever reads or writes."""
        self.inbox.lose(why)
        self._state = StreamState.RESET
        self._backpressure_event.set()

    def _step(self, half: StreamState) -> None:
        done = self._write_closed and self._read_closed
        self._state = StreamState.CLOSED if done else half

    async def _forget_if_done(self) -> None:
        if self._write_closed and self._read_closed:
            self._state = StreamState.CLOSED
            await self._cleanup_resources()
            self._close_event.set()
