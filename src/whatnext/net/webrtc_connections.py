"""One WebRTC-direct connection: an aiortc peer connection on the asyncio thread, its streams in trio.

What is different from py-libp2p 0.8.1's own wiring: a finished stream gives its data channel back (stock keeps all,
and opens no more after 256, twenty minutes of heartbeats); sending waits while aiortc's queue is full; the end of the
peer connection ends this one; and an incoming connection knows its remote address.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any

import trio
from libp2p.abc import IMuxedStream
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from libp2p.transport.webrtc._aiortc_helpers import (
    _wait_channel_open,
    close_peer_connection,
)
from libp2p.transport.webrtc.connection import WebRTCConnection
from libp2p.transport.webrtc.exceptions import WebRTCError
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.net.addresses import without_peer
from whatnext.net.inbox import MAX_UNREAD
from whatnext.net.webrtc_streams import SafeWebRtcStream

_QUEUE_HIGH = 256 * 1024  # bytes in aiortc's queue of one channel above which senders wait
_QUEUE_LOW = 64 * 1024
_OPEN_S = 10.0


class SafeWebRtcConnection(WebRTCConnection):
    """A WebRTC connection as the rest of WhatNext uses it; made of py-libp2p's own by `adopt`."""

    def adopt(self, pc: Any) -> None:
        """Take over a connection that py-libp2p has just made, with its aiortc peer connection, in the trio thread."""
        self._pc = pc
        self._channels: dict[int, Any] = {}  # touched in the asyncio thread only, as is the next
        self._last_id = 0
        self._close_pc_cb = lambda: close_peer_connection(pc)
        self._address = without_peer(str(self._remote_addrs[0])) if self._remote_addrs else _remote_of(pc)
        pc.on("datachannel", self._incoming)
        pc.on("connectionstatechange", self._state_changed)

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Where the peer is, without its PeerID."""
        return [Multiaddr(self._address)] if self._address else []

    def can_hold(self, count: int) -> bool:
        """Whether `count` bytes more can wait for their readers."""
        return count + sum(len(stream.inbox) for stream in self._all()) <= MAX_UNREAD

    def _all(self) -> list[SafeWebRtcStream]:
        with self._streams_lock:
            return [stream for stream in self._streams.values() if isinstance(stream, SafeWebRtcStream)]

    async def open_stream(self) -> IMuxedStream:
        """Open a stream; `MuxedConnUnavailable` when the connection is gone, full or does not answer in 10 s."""
        if self._closed:
            raise MuxedConnUnavailable("the connection is closed")
        try:
            stream = self._made(self._allocate_outbound_id(), initiator=True)
            await self._bridge.run_coro(self._open(stream))
        except Exception as error:
            raise MuxedConnUnavailable(_words(error)) from error
        return stream

    def _made(self, channel_id: int, *, initiator: bool) -> SafeWebRtcStream:
        stream = SafeWebRtcStream(self, channel_id, initiator, self._trio_token)
        stream.adopt()
        with self._streams_lock:
            self._streams[channel_id] = stream
        return stream

    async def accept_stream(self) -> IMuxedStream:
        """Next stream the peer opens; `MuxedConnUnavailable` when the connection is gone."""
        try:
            return await self._accept_recv.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError) as error:
            raise MuxedConnUnavailable("the connection is closed") from error

    async def queue_has_room(self, channel_id: int) -> None:
        """Return when aiortc's queue for this channel is short. Raises `MuxedStreamError` when the channel is gone."""
        await self._asked(self._drained(channel_id))

    async def send(self, channel_id: int, frames: Sequence[bytes]) -> None:
        """Queue whole frames on a channel. Raises `MuxedStreamError` when it is gone."""
        await self._asked(self._queue(channel_id, frames))

    async def _asked(self, coro: Coroutine[Any, Any, None]) -> None:
        try:
            await self._bridge.run_coro(coro)
        except Exception as error:
            raise MuxedStreamError(_words(error)) from error

    def post(self, channel_id: int, frame: bytes) -> None:
        """Queue a small frame without waiting; lost when the channel is gone, and nobody misses it then."""
        self._bridge.schedule_fire_and_forget(self._queue(channel_id, [frame]))

    def let_go(self, channel_id: int) -> None:
        """Forget a stream that is over, and close its channel after what is still queued."""
        with self._streams_lock:
            self._streams.pop(channel_id, None)
        self._bridge.schedule_fire_and_forget(self._close_channel(channel_id))

    async def close(self) -> None:
        """Close at once: streams still open are lost on both sides, not ended as if they were complete."""
        self._end("the connection was closed")
        await super().close()

    def _end(self, why: str) -> None:
        for stream in self._all():
            stream.lose(why)
        self._accept_send.close()  # the swarm's task for incoming streams wakes up and closes the connection

    # What follows runs in the asyncio thread.

    def _state_changed(self) -> None:
        if self._pc.connectionState in ("failed", "closed"):
            self._run_on_trio_thread(lambda: self._end("the connection was lost"))

    def _incoming(self, channel: Any) -> None:
        try:
            channel_id = self._allocate_inbound_id()
        except WebRTCError:
            channel.close()  # too many: the peer sees its channel closed
            return
        stream = self._made(channel_id, initiator=False)
        self._bind(channel, channel_id)
        self.post(channel_id, stream.opening())
        self._run_on_trio_thread(lambda: self._offer(stream))

    def _offer(self, stream: SafeWebRtcStream) -> None:
        try:
            self._accept_send.send_nowait(stream)
        except (trio.WouldBlock, trio.ClosedResourceError, trio.BrokenResourceError):
            stream.lose("nobody takes new streams")

    async def _open(self, stream: SafeWebRtcStream) -> None:
        channel = self._pc.createDataChannel("", id=self._free_id())
        self._bind(channel, stream.channel_id)
        try:
            await _wait_channel_open(channel, _OPEN_S)
            channel.send(stream.opening())
        except BaseException:
            with self._streams_lock:
                self._streams.pop(stream.channel_id, None)
            await self._close_channel(stream.channel_id)
            raise

    def _free_id(self) -> int:
        """Number of the next channel: even for the DTLS client (RFC 8832), where aiortc goes by the ICE role.

        The lowest free one, as aiortc would take, is often one that has just been closed. Where its first message is
        quicker than the last word about its closing, the other side's association dies of an assertion.
        """
        sctp = self._pc.sctp
        first = 2 if sctp.transport._role == "client" else 1  # noqa: SLF001 - 0 is the Noise channel's
        for _ in range(sctp.maxChannels // 2):
            number = self._last_id + 2 if self._last_id else first
            self._last_id = number if number < sctp.maxChannels else first
            if self._last_id not in sctp._data_channels:  # noqa: SLF001 - aiortc has no other way to ask
                return self._last_id
        raise WebRTCError("every data channel of the connection is in use")

    def _bind(self, channel: Any, channel_id: int) -> None:
        self._channels[channel_id] = channel
        channel.bufferedAmountLowThreshold = _QUEUE_LOW

        def received(message: str | bytes) -> None:
            self.on_channel_message(channel_id, message.encode() if isinstance(message, str) else message)

        def closed() -> None:
            self._channels.pop(channel_id, None)
            self.on_channel_closed(channel_id)

        channel.on("message", received)
        channel.on("close", closed)

    async def _drained(self, channel_id: int) -> None:
        channel = self._open_channel(channel_id)
        if channel.bufferedAmount <= _QUEUE_HIGH:
            return
        changed = asyncio.Event()
        channel.on("bufferedamountlow", changed.set)
        channel.on("close", changed.set)
        try:
            await changed.wait()
        finally:
            channel.remove_listener("bufferedamountlow", changed.set)
            channel.remove_listener("close", changed.set)

    async def _queue(self, channel_id: int, frames: Sequence[bytes]) -> None:
        channel = self._open_channel(channel_id)
        for frame in frames:
            channel.send(frame)

    def _open_channel(self, channel_id: int) -> Any:
        channel = self._channels.get(channel_id)
        if channel is None or channel.readyState != "open":
            raise WebRTCError("the data channel is closed")
        return channel

    async def _close_channel(self, channel_id: int) -> None:
        channel = self._channels.pop(channel_id, None)
        if channel is not None:
            channel.close()


def _words(error: Exception) -> str:
    return str(error) or "the WebRTC connection is closed"


def _remote_of(pc: Any) -> str:
    """Multiaddr of the other side of a connected peer connection, or "" when aioice does not say."""
    with contextlib.suppress(AttributeError, KeyError):
        host, port = pc.sctp.transport.transport._connection._nominated[1].remote_addr[:2]  # noqa: SLF001
        return f"/{'ip6' if ':' in host else 'ip4'}/{host}/udp/{port}/webrtc-direct"
    return ""
