"""The port that the local API had last time, taken again.

A browser keeps the session's cookie, and changes that the node has not taken yet, for this address and port alone
(docs/decisions/adr-261122-where-the-database-lives.md).
"""

import logging
import socket
from pathlib import Path

from whatnext.config import write_private
from whatnext.errors import LocalError, StoreUnwritable
from whatnext.node.api.server import bind

FILE = "api-port"

_log = logging.getLogger(__name__)


def bind_again(port: int, directory: Path) -> socket.socket:
    """A listening socket on 127.0.0.1, and its port kept; for port 0 the one of last time, or any when that is taken.

    Raises as `bind` does.
    """
    listener = bind(port) if port else _bind_last(directory)
    try:
        _keep(directory, listener.getsockname()[1])
    except StoreUnwritable as error:
        _log.warning("the port of the local API is not kept for the next start: %s", error)
    return listener


def _bind_last(directory: Path) -> socket.socket:
    last = _kept(directory)
    if last:
        try:
            return bind(last)
        except LocalError as error:
            _log.info("another program has the port of last time: %s", error)
    return bind(0)


def _kept(directory: Path) -> int:
    try:
        port = int((directory / FILE).read_bytes())
    except (OSError, ValueError):
        return 0
    return port if 1024 <= port < 65536 else 0


def _keep(directory: Path, port: int) -> None:
    if _kept(directory) != port:
        write_private(directory / FILE, b"%d\n" % port)
