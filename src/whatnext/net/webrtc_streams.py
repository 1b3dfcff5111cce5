"""One stream over a WebRTC data channel: bounded, whole, and with a window of its own.

SCTP holds back a whole association, never one channel, and aiortc hands on whatever arrives; py-libp2p 0.8.1 queues 64
messages and drops the rest without a word. So two WhatNext peers tell each other, in a field of the libp2p message
that others skip, how many bytes of the stream may be sent in all. A peer of another kind never tells, and is held back
by SCTP alone: if it runs more than `FOREIGN_AHEAD` ahead of our reader, the stream is reset, as js-libp2p would.

Frames: https://github.com/libp2p/specs/blob/master/webrtc/README.md#multiplexing. Each is a length and a `Message`.
"""

from typing import TYPE_CHECKING, Any, cast

import msgspec
import trio
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from libp2p.stream_muxer.exceptions import MuxedStreamError
from libp2p.transport.webrtc.constants import MAX_PAYLOAD_SIZE
from libp2p.transport.webrtc.pb.webrtc_pb2 import Message
from libp2p.transport.webrtc.stream import StreamState, WebRTCStream, _decode_frames
from libp2p.utils.varint import encode_uvarint

from whatnext.net.inbox import WINDOW, Inbox, InboxStream

if TYPE_CHECKING:
    from whatnext.net.webrtc_connections import SafeWebRtcConnection

FOREIGN_AHEAD = 4 * WINDOW
_PART = 4 * MAX_PAYLOAD_SIZE  # bytes handed to the asyncio thread at a time
_ALLOWED = 1015  # number of our field: up to which byte of the stream the peer may send, a varint
_ALLOWED_TAG = encode_uvarint(_ALLOWED << 3)


class Frame(msgspec.Struct, frozen=True):
    """What one message of the channel says; None where it says nothing."""

    payload: bytes = b""
    flag: int | None = None
    allowed: int | None = None


def encode(frame: Frame) -> bytes:
    """The frame as it goes over the channel, length first."""
    message = Message()
    if frame.payload:
        message.message = frame.payload
    if frame.flag is not None:
        message.flag = cast("Any", frame.flag)  # a number; the generated types know it by name only
    body = message.SerializeToString()
    if frame.allowed is not None:
        body += _ALLOWED_TAG + encode_uvarint(frame.allowed)
    return encode_uvarint(len(body)) + body


def decode(buffer: bytearray) -> list[Frame]:
    """Take every whole frame off the front of the buffer. Raises `ValueError` on bytes that are none."""
    try:
        return [_frame(message) for message in _decode_frames(buffer)]
    except DecodeError as error:
        raise ValueError(str(error)) from error


def _frame(message: Message) -> Frame:
    allowed = None
    unknown = UnknownFieldSet(message)
    for field in (unknown[index] for index in range(len(unknown))):
        if field.field_number == _ALLOWED and field.wire_type == 0:
            allowed = int(field.data)
    flag = int(message.flag) if message.HasField("flag") else None
    return Frame(bytes(message.message), flag, allowed)


class SafeWebRtcStream(InboxStream, WebRTCStream):
    """A data channel as the rest of WhatNext uses it. `on_data` comes from the asyncio thread, all else from trio."""

    muxed_conn: "SafeWebRtcConnection"

    def adopt(self) -> None:
        """Take over a stream that has just been made."""
        self.inbox = Inbox(FOREIGN_AHEAD, self._read_of)
        self._consumed = 0
        self._granted = WINDOW
        self._sent = 0
        self._allowed: int | None = None
        self._may_send = trio.Event()

    def opening(self) -> bytes:
        """First frame of our side: how much the peer may send before we have read anything."""
        return encode(Frame(allowed=self._granted))

    def _read_of(self, count: int) -> None:
        self._consumed += count
        if self._consumed + WINDOW - self._granted >= WINDOW // 2 and not self._read_closed:
            self._granted = self._consumed + WINDOW
            self._tell(Frame(allowed=self._granted))

    def _tell(self, frame: Frame) -> None:
        self.muxed_conn.post(self._channel_id, encode(frame))

    async def send_some(self, data: memoryview) -> int:
        """Hand one part to the channel when both the peer's window and SCTP's queue have room; return its length."""
        room = await self._room()
        part = bytes(data[: min(room, _PART)])
        pieces = [part[at : at + MAX_PAYLOAD_SIZE] for at in range(0, len(part), MAX_PAYLOAD_SIZE)]
        self._sent += len(part)
        with trio.CancelScope(shield=True):  # the part is on its way: the caller has to know
            await self.muxed_conn.send(self._channel_id, [encode(Frame(piece)) for piece in pieces])
        return len(part)

    async def _room(self) -> int:
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.move_on_after(self.stall_s):
            await self.muxed_conn.queue_has_room(self._channel_id)
            while self._open_for_sending() and self._allowed is not None and self._sent >= self._allowed:
                await self._may_send.wait()
            self._open_for_sending()
            return _PART if self._allowed is None else self._allowed - self._sent
        raise MuxedStreamError(f"the peer has not read for {self.stall_s:g} s")

    def _open_for_sending(self) -> bool:
        if self._write_closed or self._state is StreamState.RESET:
            raise MuxedStreamError(self.inbox.lost or "closed for sending")
        return True

    def on_data(self, raw: bytes) -> None:
        """Take in what the channel received (asyncio thread); bytes that are no frame lose the stream."""
        self._frame_buf.extend(raw)
        try:
            frames, broken = decode(self._frame_buf), False
        except ValueError:
            frames, broken = [], True
        self._run_on_trio_thread(lambda: self._take(frames, broken=broken))

    def _take(self, frames: list[Frame], *, broken: bool) -> None:
        for frame in frames:
            if self._state is StreamState.RESET:
                return
            if frame.allowed is not None:
                self._allowed = max(self._allowed or 0, frame.allowed)
                self._wake_writer()
            if frame.payload and not self._fits(frame.payload):
                self._give_up("the peer sent more than this node buffers")
                return
            if frame.flag is not None:
                self._obey(frame.flag)
        if broken:
            self._give_up("the peer sent what is no frame")

    def _fits(self, payload: bytes) -> bool:
        return self.muxed_conn.can_hold(len(payload)) and self.inbox.put(payload)

    def _obey(self, flag: int) -> None:
        if flag == Message.FIN:
            self._read_closed = True
            self.inbox.finish()
            self._tell(Frame(flag=Message.FIN_ACK))
        elif flag == Message.FIN_ACK:
            self._fin_ack_received.set()
        elif flag == Message.STOP_SENDING:
            self._write_closed = True
            self._fin_ack_received.set()
            self._wake_writer()
        elif flag == Message.RESET:
            self.lose("reset by the peer")
        self._forget_if_done()

    def _wake_writer(self) -> None:
        self._may_send.set()
        self._may_send = trio.Event()

    async def close(self) -> None:
        """End our side: the peer reads b"" after what was sent. Reading goes on until the peer ends its side."""
        if self._write_closed or self._state is StreamState.RESET:
            return
        self._write_closed = True
        self._tell(Frame(flag=Message.FIN))
        self._wake_writer()
        await trio.lowlevel.checkpoint()

    async def reset(self) -> None:
        """Give the stream up in both directions."""
        if self._state is not StreamState.RESET:
            self._give_up("reset by this node")
        await trio.lowlevel.checkpoint()

    def _give_up(self, why: str) -> None:
        self._tell(Frame(flag=Message.RESET))
        self.lose(why)

    def lose(self, why: str) -> None:
        """The stream is gone: wake whoever reads or writes, and let the channel go."""
        self.inbox.lose(why)
        self._state = StreamState.RESET
        self._wake_writer()
        self.muxed_conn.let_go(self._channel_id)

    def on_channel_close(self) -> None:
        """The channel went away under us (asyncio thread)."""
        self._run_on_trio_thread(lambda: self.lose("the data channel was closed"))

    def _forget_if_done(self) -> None:
        if self._write_closed and self._read_closed and self._fin_ack_received.is_set():
            self._state = StreamState.CLOSED
            self.muxed_conn.let_go(self._channel_id)
