"""The local API's socket on loopback, served in this process's loop."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio

from whatnext.errors import LocalError, UserError
from whatnext.node.api.asgi import Asgi
from whatnext.node.api.connection import Connection

MAX_CONNECTIONS = 256
"""More wait for their turn."""
CLOSE_SECONDS = 1.0


def bind(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one.

    Raises `LocalError` when the port is taken, `UserError` when it is no port.
    """
    if not 0 <= port < 65536:
        raise UserError(f"{port} is no port for the local API: choose 1 to 65535, or 0 for any that is free")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise LocalError(
            f"the local API cannot listen on 127.0.0.1:{port} ({error.strerror}): choose another port, or 0 for any"
        ) from error
    return listener


@asynccontextmanager
async def serving(
    app: Asgi, listener: socket.socket, before_close: Callable[[], None]
) -> AsyncIterator[None]:
    """Serve while the block lasts; then `before_close` ends the long answers, and others get a second to finish."""
    accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
    limit = trio.CapacityLimiter(MAX_CONNECTIONS)

    async def serve(stream: trio.SocketStream) -> None:
        async with limit, stream:
            await Connection(app, stream).run()

    async with trio.open_nursery() as connections:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(trio.serve_listeners, serve, [accepting], handler_nursery=connections))
            try:
                yield
            finally:
                before_close()
                nursery.cancel_scope.cancel()
        connections.cancel_scope.deadline = trio.current_time() + CLOSE_SECONDS
