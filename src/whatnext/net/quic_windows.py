"""Flow control for QUIC: a peer may send on after our reader has read, not after our socket has.

aioquic 1.7 doubles a stream's window whenever half of it has *arrived*, read or not. The peer of a reader that pauses
is thus never held back, and py-libp2p 0.8.1, which buffers at most 2 MiB, drops the rest without a word
(`tests/net/test_canaries_transports.py`). Here a stream's window grows only by what was read (RFC 9000, section 4.1).
The window of the whole connection is left to aioquic: the streams' windows times their number bound our memory, and
one stream nobody reads must not stop the others, least of all the heartbeat.
"""

from aioquic.quic.connection import QuicConnection
from aioquic.quic.stream import QuicStream

from whatnext.net.inbox import WINDOW


class ReadStream(QuicStream):
    """aioquic's stream, whose receive window is what was read plus `WINDOW`."""

    consumed = 0

    @property
    def max_stream_data_local(self) -> int:
        """Offset up to which the peer may send; aioquic announces it when it changes."""
        return int(vars(self)["max_stream_data_local"])

    @max_stream_data_local.setter
    def max_stream_data_local(self, value: int) -> None:
        """Nothing: aioquic would double it for what arrived."""

    def read_of(self, count: int) -> None:
        """Let the peer send `count` bytes more, told to it once half a window has come together."""
        self.consumed += count
        if self.consumed + WINDOW - self.max_stream_data_local >= WINDOW // 2:
            vars(self)["max_stream_data_local"] = self.consumed + WINDOW


class _Streams(dict[int, QuicStream]):
    """aioquic's table of streams; it makes them of its own class, so they change class as they enter."""

    def __setitem__(self, stream_id: int, stream: QuicStream) -> None:
        stream.__class__ = ReadStream
        super().__setitem__(stream_id, stream)


def window_by_reading(quic: QuicConnection) -> None:
    """Make every stream of this connection, also those open already, grow its window by what is read."""
    streams = _Streams()
    for stream_id, stream in quic._streams.items():  # noqa: SLF001 - aioquic has no other way in
        streams[stream_id] = stream
    quic._streams = streams  # noqa: SLF001 - likewise


def read_of(quic: QuicConnection, stream_id: int, count: int) -> None:
    """Tell the connection that `count` bytes of a stream were read."""
    stream = quic._streams.get(stream_id)  # noqa: SLF001 - aioquic has no other way in
    if isinstance(stream, ReadStream):
        stream.read_of(count)
