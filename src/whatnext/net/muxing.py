"""yamux whose frames are never torn, whose memory is bounded and whose closing always ends.

In 0.8.1 a cancelled write loses a frame *after* Noise has counted it: the other side fails to decrypt the next one
and the whole connection dies, with every stream on it. And a peer that ignores the receive window is only warned
about, while what it sends piles up in memory. `tests/net/test_canaries.py` shows both.
"""

from collections.abc import Callable, Iterable
from typing import NoReturn, SupportsIndex

import trio
from libp2p.abc import ISecureConn
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedStreamError
from libp2p.stream_muxer.yamux.yamux import (
    DEFAULT_WINDOW_SIZE,
    GO_AWAY_NORMAL,
    HEADER_SIZE,
    TYPE_GO_AWAY,
    Yamux,
    YamuxStream,
)

from whatnext.net.carrier import Carrier
from whatnext.net.inbox import MAX_UNREAD, WINDOW

_GO_AWAY = bytes((0, TYPE_GO_AWAY, 0, 0, 0, 0, 0, 0))  # a header up to the code: no flags, stream 0
_SLACK = 64 * 1024  # yamux as js and py speak it may overshoot by a frame
_LOOK_AGAIN = 0.25  # seconds
_GO_AWAY_PATIENCE = 0.5  # seconds for the goodbye; a peer that reads nothing does not hold us longer


class WindowBuffer(bytearray):
    """What a stream received and nobody read yet; cuts the connection when the peer overruns its window."""

    def __init__(self, conn: "SafeYamux") -> None:
        super().__init__()
        self._conn = conn
        self.limit = DEFAULT_WINDOW_SIZE + _SLACK

    def extend(self, data: Iterable[SupportsIndex]) -> None:
        """Add what a frame brought."""
        assert isinstance(data, bytes)
        if len(self) + len(data) > self.limit:
            self._conn.overrun("it sent past its window")
        if self and self._conn.unread() + len(data) > MAX_UNREAD:
            self._conn.overrun(f"{MAX_UNREAD // 1024} KiB of what it sent wait to be read")
        super().extend(data)


class SafeYamuxStream(YamuxStream):
    """A stream that lets its peer send on after half a window, not after every read, and never past `WINDOW`.

    Stock 0.8.1 answers each read with a window update, half of all frames, and doubles the window each time: the few
    reads that negotiate a protocol already allow several megabytes.
    """

    # Class attributes, because streams are made as YamuxStream and become ours afterwards.
    _unacknowledged = 0
    _granted = DEFAULT_WINDOW_SIZE
    _room: trio.Event | None = None
    news: trio.Event | None = None
    """What a reader waits for; set by yamux, which takes it out of its table without setting it when we reset."""
    window = WINDOW
    """What the peer may send ahead once we have begun to read; a reader that holds many streams takes less."""

    @property
    def send_window(self) -> int:
        """Bytes the peer still takes; yamux adds to it as window updates come in."""
        return int(vars(self)["send_window"])

    @send_window.setter
    def send_window(self, size: int) -> None:
        vars(self)["send_window"] = size
        if size > 0 and self._room is not None:
            self._room.set()
            self._room = None

    async def wait_for_room(self) -> None:
        """Return when the peer takes more, or has for a moment not: the caller looks again. For one task at a time."""
        room = self._room = trio.Event()
        with trio.move_on_after(_LOOK_AGAIN):  # a reset comes without an event
            await room.wait()

    async def reset(self) -> None:
        """End both directions; whoever reads here is woken and told."""
        try:
            await super().reset()
        finally:
            if self.news is not None:
                self.news.set()

    async def _auto_tune_and_send_window_update(self, *, bytes_read: int = 0) -> None:
        self._unacknowledged += bytes_read
        if self._unacknowledged < self._granted // 2 or self.recv_closed:
            return
        credit = self._unacknowledged + self.window - self._granted
        self._unacknowledged, self._granted = 0, self.window
        buffer = self.conn.stream_buffers.get(self.stream_id)
        if isinstance(buffer, WindowBuffer):
            buffer.limit = self.window + _SLACK
        self.recv_window += credit
        await self.send_window_update(credit)


class _Buffers(dict[int, bytearray]):
    """yamux's table of receive buffers, each bounded."""

    def __init__(self, conn: "SafeYamux") -> None:
        super().__init__()
        self._conn = conn

    def __setitem__(self, stream_id: int, buffer: bytearray) -> None:
        super().__setitem__(stream_id, WindowBuffer(self._conn))


class _Streams(dict[int, YamuxStream]):
    """yamux's table of streams; it makes them of its own class, so they change class as they enter."""

    def __setitem__(self, stream_id: int, stream: YamuxStream) -> None:
        stream.__class__ = SafeYamuxStream
        super().__setitem__(stream_id, stream)


class SafeYamux(Yamux):
    """yamux with whole frames or none, and a close that cuts the socket when the goodbye does not get through."""

    def __init__(self, secured_conn: ISecureConn, peer_id: ID, is_initiator: bool | None = None) -> None:
        super().__init__(secured_conn, peer_id, is_initiator)
        self.goodbye = GO_AWAY_NORMAL
        self.heard: int | None = None
        self.on_overrun: Callable[[str], None] | None = None
        self.stream_buffers = _Buffers(self)
        self.streams = _Streams()

    async def handle_incoming(self) -> None:
        """Serve the connection to its end, and note the peer's goodbye."""
        read = self.secured_conn.read

        async def read_and_note(n: int | None = None) -> bytes:
            data = await read(n)
            if data.startswith(_GO_AWAY) and len(data) == HEADER_SIZE:
                self.heard = int.from_bytes(data[len(_GO_AWAY) :], "big")
            return data

        self.secured_conn.read = read_and_note  # type: ignore[method-assign] # 0.8.1 reads the code and drops it
        await super().handle_incoming()

    def overrun(self, reason: str) -> NoReturn:
        """Cut a peer off that sends more than it may; its streams end with an error."""
        if self.on_overrun is not None:
            self.on_overrun(reason)
        self.cut()
        raise MuxedStreamError(f"{self.peer_id} is cut off: {reason}")

    def unread(self) -> int:
        """Bytes that arrived on all streams together and were not read yet."""
        return sum(map(len, self.stream_buffers.values()))

    async def _write_frame(self, data: bytes) -> None:
        # A shield cannot hang: the heartbeat or close() cuts the socket, and the write ends with an error.
        with trio.CancelScope(shield=True):
            async with self._write_lock:
                await self.secured_conn.write(data)

    async def close(self, error_code: int = GO_AWAY_NORMAL) -> None:
        """Say goodbye with `goodbye` as its code and close, in bounded time even when the peer reads nothing."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cut_later)
            await super().close(error_code or self.goodbye)
            nursery.cancel_scope.cancel()

    async def _cut_later(self) -> None:
        await trio.sleep(_GO_AWAY_PATIENCE)
        self.cut()

    def cut(self) -> None:
        """Close the socket at once, without a goodbye."""
        carrier = carrier_of(self.secured_conn)
        if carrier is not None:
            carrier.cut()


def carrier_of(secured: ISecureConn) -> Carrier | None:
    """Find our carrier beneath a Noise session, or None when something else carries it (a relayed connection)."""
    raw = getattr(getattr(secured, "conn", None), "conn", None)
    stream = getattr(raw, "stream", None)
    return stream if isinstance(stream, Carrier) else None
