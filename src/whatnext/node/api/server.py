"""The local API's socket and server: Hypercorn's trio worker on loopback, in this process's loop."""

import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from whatnext.errors import LocalError
from whatnext.node.api.app import App

KEEP_ALIVE_SECONDS = 75.0
CLOSE_SECONDS = 1.0


def bind(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one. Raises `LocalError` when the port is taken."""
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
async def serving(app: App, listener: socket.socket, before_close: Callable[[], None]) -> AsyncIterator[None]:
    """Serve while the block lasts; then `before_close` ends the long answers, and others get a second to finish."""
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("whatnext.node.api.hypercorn")
    config.errorlog.setLevel(logging.ERROR)  # “Running on …” is not for people
    config.include_server_header = False
    config.include_date_header = False
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.graceful_timeout = CLOSE_SECONDS
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, cast("Any", app), config, shutdown_trigger=stop.wait, mode="asgi"))
        try:
            yield
        finally:
            before_close()
            stop.set()
