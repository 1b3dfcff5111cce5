"""The byte stream beneath Noise: one TCP socket or WebSocket, made safe for py-libp2p's habits.

Three defects of 0.8.1 are met here, each with a canary in `tests/net/test_canaries.py`:

- `read_exactly` gives up after 100 short reads, so one 64 KiB Noise message over a link that delivers in small
  pieces kills the connection: `read(n)` here returns n bytes or the end.
- every Noise message costs two `recv` calls: reads are buffered.
- a WebSocket or IPv6 remote address is reported as None: it is taken from the socket.
"""

import trio
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.io.trio import TrioTCPStream
from libp2p.transport.websocket.connection import P2PWebSocketConnection

_READ_SIZE = 64 * 1024


class Carrier(ReadWriteCloser):
    """Buffered reader and plain writer around one of py-libp2p's raw streams; `socket` can be cut at any time."""

    def __init__(self, inner: ReadWriteCloser, socket: trio.SocketStream | None) -> None:
        self._inner = inner
        self._socket = socket
        self._buffer = bytearray()
        self._remote = _remote_address(socket)

    async def read(self, n: int | None = None) -> bytes:
        """Return exactly n bytes, fewer only at the end; without n, what is there. Cancelling loses nothing."""
        if n is None:
            return self._take(len(self._buffer)) if self._buffer else await self._inner.read(_READ_SIZE)
        while len(self._buffer) < n:
            piece = await self._inner.read(_READ_SIZE)
            if not piece:
                break
            self._buffer += piece
        return self._take(n)

    def _take(self, n: int) -> bytes:
        taken = bytes(self._buffer[:n])
        del self._buffer[:n]
        return taken

    async def write(self, data: bytes) -> None:
        """Send all of it. Cancelling midway leaves a torn message: `SafeYamux` never lets that happen."""
        if self._socket is not None and self._socket.socket.fileno() < 0:
            raise ConnectionClosedError("this end is closed")  # TrioTCPStream would drop the data silently
        await self._inner.write(data)

    async def close(self) -> None:
        """Close; a WebSocket gets a second for its closing handshake, then the socket goes."""
        try:
            with trio.move_on_after(1):
                await self._inner.close()
        finally:
            self.cut()

    def cut(self) -> None:
        """Close the socket at once: whoever reads or writes wakes up with an error."""
        if self._socket is not None:
            self._socket.socket.close()

    def get_remote_address(self) -> tuple[str, int] | None:
        """(host, port) of the other side as it was when the connection began."""
        return self._remote

    def local_port(self) -> int | None:
        """Our port on this connection, None when there is no socket or it is closed."""
        if self._socket is None or self._socket.socket.fileno() < 0:
            return None
        return int(self._socket.socket.getsockname()[1])


def over_tcp(stream: ReadWriteCloser) -> Carrier:
    """Carrier over the raw stream of py-libp2p's TCP transport."""
    return Carrier(stream, stream.stream if isinstance(stream, TrioTCPStream) else None)


def over_websocket(stream: ReadWriteCloser) -> Carrier:
    """Carrier over the raw stream of py-libp2p's WebSocket transport (plain or TLS)."""
    inner = getattr(stream, "_ws_connection", None) if isinstance(stream, P2PWebSocketConnection) else None
    below = getattr(inner, "_stream", None)
    if isinstance(below, trio.SSLStream):
        below = below.transport_stream
    return Carrier(stream, below if isinstance(below, trio.SocketStream) else None)


def _remote_address(socket: trio.SocketStream | None) -> tuple[str, int] | None:
    if socket is None:
        return None
    try:
        host, port, *_ = socket.socket.getpeername()
    except OSError:
        return None  # it was gone before we looked
    return str(host), int(port)
