"""mplex for peers that have no yamux: whole frames, bounded buffers, and a real end.

mplex has no windows: a reader that pauses can only be answered by not reading the connection, which holds up its other
streams, or by giving the stream up. This one waits `PATIENCE` for room, as go-libp2p does, and then resets the stream.
Stock 0.8.1 does the same with a buffer of 8 KiB, so that any reader a moment behind stops all the others, and a write
that is cancelled leaves half a frame behind (`tests/net/test_canaries_transports.py`).

Frames: https://github.com/libp2p/specs/blob/master/mplex/README.md.
"""

import trio
from libp2p.abc import IMuxedStream, ISecureConn
from libp2p.io.exceptions import IOException
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from libp2p.stream_muxer.mplex.constants import HeaderTags
from libp2p.stream_muxer.mplex.datastructures import StreamID
from libp2p.stream_muxer.mplex.exceptions import MplexUnavailable
from libp2p.stream_muxer.mplex.mplex import Mplex
from libp2p.stream_muxer.mplex.mplex_stream import MplexStream

from whatnext.net.inbox import MAX_UNREAD, WINDOW, Inbox, InboxStream
from whatnext.net.muxing import carrier_of

PATIENCE = 5.0
"""Seconds a full stream may hold up its connection: less than the heartbeat waits for an answer."""
_FRAME = 32 * 1024  # bytes of payload; the spec allows 1 MiB
_NAME_BYTES = 256  # a stream's name is for people; nobody reads it here


class SafeMplexStream(InboxStream, MplexStream):
    """An mplex stream as the rest of WhatNext uses it."""

    muxed_conn: "SafeMplex"

    def __init__(self, name: str, stream_id: StreamID, conn: "SafeMplex") -> None:
        _, never_used = trio.open_memory_channel[bytes](0)
        super().__init__(name, stream_id, conn, never_used)
        self.inbox = Inbox(WINDOW, self._read_of)
        self._room = trio.Event()
        self._done = False  # our side

    def _read_of(self, count: int) -> None:
        self._room.set()
        self._room = trio.Event()

    async def take(self, data: bytes) -> None:
        """Keep what arrived; waits for room, at most `PATIENCE`, and then gives the stream up."""
        if len(self.inbox) and self.muxed_conn.unread() + len(data) > MAX_UNREAD:
            await self.reset()
            return
        deadline = trio.current_time() + PATIENCE
        while data and self.inbox.lost is None:
            fitting = data[: WINDOW - len(self.inbox)]
            data = data[len(fitting) :]
            if fitting:
                self.inbox.put(fitting)
                continue
            with trio.move_on_at(deadline):
                await self._room.wait()
            if trio.current_time() >= deadline:
                await self.reset()

    async def send_some(self, data: memoryview) -> int:
        """Write one frame; return its payload's length."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._done or self.inbox.lost is not None:
            raise MuxedStreamError(self.inbox.lost or "closed for sending")
        part = bytes(data[:_FRAME])
        try:
            await self.muxed_conn.send_message(self._get_header_flag("message"), part, self.stream_id)
        except MuxedConnUnavailable as error:
            raise MuxedStreamError("the connection was lost") from error
        return len(part)

    async def close(self) -> None:
        """End our side: the peer reads b"" after what was sent. Reading goes on until the peer ends its side."""
        if self._done or self.inbox.lost is not None:
            return
        self._done = True
        await self._tell("close")
        if self.inbox.finished:
            self.muxed_conn.forget(self.stream_id)

    async def reset(self) -> None:
        """Give the stream up in both directions."""
        if self.inbox.lost is not None or (self._done and self.inbox.finished):
            return
        self.lose("reset by this node")
        await self._tell("reset")

    async def _tell(self, what: str) -> None:
        try:
            await self.muxed_conn.send_message(self._get_header_flag(what), None, self.stream_id)
        except MuxedConnUnavailable:
            self.lose("the connection was lost")

    def finish(self) -> None:
        """The peer ended its side."""
        self.inbox.finish()
        self._read_of(0)
        if self._done:
            self.muxed_conn.forget(self.stream_id)

    def lose(self, why: str) -> None:
        """The stream is gone: wake whoever reads."""
        self._done = True
        self.inbox.lose(why)
        self._read_of(0)
        self.muxed_conn.forget(self.stream_id)


class SafeMplex(Mplex):
    """mplex as the swarm runs it beside `SafeYamux`."""

    def __init__(self, secured_conn: ISecureConn, peer_id: ID) -> None:
        super().__init__(secured_conn, peer_id)
        self._write_lock = trio.Lock()
        self._table: dict[StreamID, SafeMplexStream] = {}

    async def open_stream(self) -> IMuxedStream:
        """Open a stream; `MuxedConnUnavailable` when the connection is gone."""
        if self.event_shutting_down.is_set():
            raise MuxedConnUnavailable("the connection is closed")
        stream_id = StreamID(self._get_next_channel_id(), is_initiator=True)
        stream = self._table[stream_id] = SafeMplexStream(str(stream_id.channel_id), stream_id, self)
        await self.send_message(HeaderTags.NewStream, stream.name.encode(), stream_id)
        return stream

    def unread(self) -> int:
        """Bytes that arrived on all streams together and were not read yet."""
        return sum(len(stream.inbox) for stream in self._table.values())

    def forget(self, stream_id: StreamID) -> None:
        """Drop a stream that is over from the table."""
        self._table.pop(stream_id, None)

    async def write_to_stream(self, _bytes: bytes) -> None:
        """Write one frame, whole: a shield cannot hang, because the heartbeat or `close` cuts the socket."""
        with trio.CancelScope(shield=True):
            async with self._write_lock:
                try:
                    await self.secured_conn.write(_bytes)
                except (IOException, OSError, trio.ClosedResourceError, trio.BrokenResourceError) as error:
                    raise MplexUnavailable("the connection was lost") from error

    async def _handle_incoming_message(self) -> None:
        channel_id, flag, message = await self.read_message()
        stream_id = StreamID(channel_id, is_initiator=bool(flag & 1))
        if flag == HeaderTags.NewStream.value:
            await self._new_stream(stream_id, message)
            return
        stream = self._table.get(stream_id)
        if stream is None:
            return  # a late frame of a stream that we gave up
        if flag in (HeaderTags.MessageInitiator.value, HeaderTags.MessageReceiver.value):
            await stream.take(message)
        elif flag in (HeaderTags.CloseInitiator.value, HeaderTags.CloseReceiver.value):
            stream.finish()
        elif flag in (HeaderTags.ResetInitiator.value, HeaderTags.ResetReceiver.value):
            stream.lose("reset by the peer")
        else:
            raise MplexUnavailable(f"a frame of the unknown kind {flag}")

    async def _new_stream(self, stream_id: StreamID, name: bytes) -> None:
        if stream_id in self._table:
            raise MplexUnavailable(f"stream {stream_id} opened twice")
        shown = name[:_NAME_BYTES].decode(errors="replace")
        stream = self._table[stream_id] = SafeMplexStream(shown, stream_id, self)
        try:
            await self.new_stream_send_channel.send(stream)
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            raise MplexUnavailable("the connection is closing") from error

    async def _cleanup(self) -> None:
        self.event_shutting_down.set()
        for stream in list(self._table.values()):
            stream.lose("the connection was lost")
        await super()._cleanup()

    def cut(self) -> None:
        """Close the socket at once."""
        carrier = carrier_of(self.secured_conn)
        if carrier is not None:
            carrier.cut()
