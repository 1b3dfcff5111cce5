"""The local API's socket on loopback, served in this process's loop."""

import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio

from whatnext.errors import LocalError, UserError
from whatnext.node.api.asgi import Asgi, of_other_user
from whatnext.node.api.connection import Connection
from whatnext.node.api.owner import whose
from whatnext.node.api.places import Places

MAX_CONNECTIONS = 256
MAX_OF_OTHER_USERS = 32
"""Places of their own for other users of this machine: they cannot take this user's."""
CLOSE_SECONDS = 1.0
_log = logging.getLogger(__name__)


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
    """Serve while the block lasts; then `before_close` ends the long answers, and others get a second to finish.

    A connection for which there is no place is closed at once: waiting ones would use up the file descriptors.
    """
    accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
    ours, others = Places(MAX_CONNECTIONS), Places(MAX_OF_OTHER_USERS)

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            is_other = whose(stream.socket) == "other"
            places = others if is_other else ours
            with places.taken() as has_place:
                if not has_place:
                    return
                try:
                    await Connection(of_other_user(app) if is_other else app, stream, places).run()
                except* Exception:  # noqa: BLE001 - one client's mistake, or Hypercorn's, must not stop the node
                    _log.exception("a connection to the local API failed")

    async with trio.open_nursery() as connections:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(trio.serve_listeners, serve, [accepting], handler_nursery=connections))
            try:
                yield
            finally:
                before_close()
                nursery.cancel_scope.cancel()
        connections.cancel_scope.deadline = trio.current_time() + CLOSE_SECONDS
