"""One QUIC connection, on either side, with the streams of `quic_streams`."""

from typing import Any

from aioquic.quic.events import ConnectionTerminated, StreamDataReceived
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable
from libp2p.transport.quic.connection import QUICConnection
from libp2p.transport.quic.exceptions import QUICError
from libp2p.transport.quic.stream import QUICStream, StreamDirection
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.net.addresses import without_peer
from whatnext.net.quic_streams import SafeQuicStream
from whatnext.net.quic_windows import window_by_reading

_PRUNE_AT = 256  # finished streams remembered before those that QUIC has forgotten are dropped


class _Streams(dict[int, QUICStream]):
    """py-libp2p's table of streams; it makes them of its own class, so they change class as they enter."""

    def __setitem__(self, stream_id: int, stream: QUICStream) -> None:
        stream.__class__ = SafeQuicStream
        assert isinstance(stream, SafeQuicStream)
        stream.adopt()
        super().__setitem__(stream_id, stream)


class SafeQuicConnection(QUICConnection):
    """A QUIC connection that tells its streams when it ends, and knows which streams are over."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        window_by_reading(self._quic)
        self._streams = _Streams()
        self._over: set[int] = set()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Where the peer is, without its PeerID."""
        return [Multiaddr(without_peer(str(self._maddr)))]

    def unread(self) -> int:
        """Bytes that arrived on all streams together and were not read yet."""
        streams = self._streams.values()
        return sum(len(stream.inbox) for stream in streams if isinstance(stream, SafeQuicStream))

    async def open_stream(self, timeout: float | None = None) -> QUICStream:  # noqa: ASYNC109 - as the library calls it
        """Open a stream; `MuxedConnUnavailable` when the connection is gone or full."""
        try:
            return await super().open_stream(timeout)
        except QUICError as error:
            raise MuxedConnUnavailable(str(error)) from error

    async def _handle_stream_data(self, event: StreamDataReceived) -> None:
        # A late part of a stream we gave up would make py-libp2p open it anew, as if the peer had.
        if event.stream_id not in self._over:
            await super()._handle_stream_data(event)

    def _remove_stream(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id, None)
        self._stream_cache.pop(stream_id, None)
        if stream is None:
            return
        if stream.direction == StreamDirection.OUTBOUND:
            self._outbound_stream_count -= 1
        else:
            self._inbound_stream_count -= 1
        if len(self._over) >= _PRUNE_AT:
            self._over &= self._quic._streams.keys()  # noqa: SLF001 - QUIC itself ignores what it has forgotten
        self._over.add(stream_id)

    async def _handle_timer_events(self) -> None:
        # Stock sleeps up to 2 s more before it looks at what the timer brought, the peer's goodbye among it.
        await super()._handle_timer_events()
        if self._quic._events:  # noqa: SLF001 - aioquic has no other way to ask
            self._signal_activity()

    async def _handle_connection_terminated(self, event: ConnectionTerminated) -> None:
        self._lose_streams("the connection was lost")
        await super()._handle_connection_terminated(event)

    async def close(self) -> None:
        """Close at once: streams still open are lost on both sides, not ended as if they were complete."""
        self._lose_streams("the connection was closed")
        await super().close()

    def _lose_streams(self, why: str) -> None:
        for stream in list(self._streams.values()):
            if isinstance(stream, SafeQuicStream):
                stream.lose(why)
