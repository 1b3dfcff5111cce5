"""WebSockets are Hypercorn's: a connection that asks for one is handed over, request and all."""

import h11
import trio

from whatnext.node.api.asgi import Asgi

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""One message from a client; Hypercorn closes the connection at a longer one."""
STALL_S = 30.0
"""Patience with a client that takes nothing of one message."""
# On loopback compression costs more time than it saves. Of several of the other two Hypercorn reads the last, we all.
_NOT_PASSED_ON = (b"sec-websocket-extensions", b"connection", b"upgrade")


def is_websocket(request: h11.Request) -> bool:
    """Whether the request wants to become a WebSocket, and nothing else that Hypercorn knows (HTTP/2)."""
    upgrades = [value.lower() for name, value in request.headers if name == b"upgrade"]
    tokens = [
        each.strip() for name, value in request.headers if name == b"connection" for each in value.split(b",")
    ]
    return request.method == b"GET" and upgrades == [b"websocket"] and b"upgrade" in map(bytes.lower, tokens)


async def serve_websocket(app: Asgi, stream: trio.SocketStream, request: h11.Request, behind: bytes) -> None:
    """Let Hypercorn serve the connection from this request on; `behind` is what was read after it."""
    from hypercorn.app_wrappers import ASGIWrapper
    from hypercorn.config import Config
    from hypercorn.trio.tcp_server import TCPServer
    from hypercorn.trio.worker_context import WorkerContext
    from hypercorn.typing import ConnectionState

    config = Config()
    config.errorlog = None
    config.websocket_max_message_size = MAX_MESSAGE_BYTES
    head = b"%s %s HTTP/1.1\r\n" % (request.method, request.target)
    headers = [(name, value) for name, value in request.headers if name not in _NOT_PASSED_ON]
    headers += [(b"connection", b"upgrade"), (b"upgrade", b"websocket")]
    head += b"".join(b"%s: %s\r\n" % header for header in headers) + b"\r\n"
    again = Replayed(stream, head, behind)
    server = TCPServer(ASGIWrapper(app), config, WorkerContext(None), ConnectionState({}), again)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cut_when_cancelled, stream)
        await server.run()
        nursery.cancel_scope.cancel()


async def _cut_when_cancelled(stream: trio.SocketStream) -> None:
    """Hypercorn shields its sending from cancellation: a page that reads nothing would keep the node from ending."""
    try:
        await trio.sleep_forever()
    finally:
        await trio.aclose_forcefully(stream)


class Replayed:
    """A stream whose first bytes were read already; no more are until the client was let in.

    What a refused client says at once after its request would end Hypercorn with an error of h11's.
    """

    def __init__(self, stream: trio.SocketStream, head: bytes, behind: bytes) -> None:
        self._stream = stream
        self._first = head
        self._behind = behind
        self._let_in = trio.Event()
        self.socket = stream.socket
        self.send_eof = stream.send_eof

    async def aclose(self) -> None:
        """Close it; who waits to read reads that."""
        self._let_in.set()
        await self._stream.aclose()

    async def send_all(self, data: bytes) -> None:
        """Send, and cut the connection when the client takes nothing for `STALL_S`: nobody can cancel Hypercorn."""
        if data.startswith(b"HTTP/1.1 101 "):
            self._let_in.set()
        with trio.move_on_after(STALL_S) as patience:
            await self._stream.send_all(data)
        if patience.cancelled_caught:
            await trio.aclose_forcefully(self._stream)
            raise trio.BrokenResourceError("the client reads nothing")

    async def receive_some(self, max_bytes: int) -> bytes:
        """The request, then what came behind it, then what comes."""
        if not self._first:
            await self._let_in.wait()
            self._first, self._behind = self._behind, b""
        if self._first:
            data, self._first = self._first[:max_bytes], self._first[max_bytes:]
            return data
        return bytes(await self._stream.receive_some(max_bytes))
