"""Taking the profile for a node: a short command that has it is waited for, another node is not."""

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import trio

from whatnext.config import ProfileLock
from whatnext.errors import ProfileBusy
from whatnext.node import state_file

WAIT_S = 3.0
"""How long a command or a stopping node may take to let go; commands wait as long for a starting node."""
_LOOK_S = 0.05


async def claimed(directory: Path) -> ExitStack:
    """Take the profile; it is held until the stack is closed. Raises `ProfileBusy`, at once when a node answers there.

    Cancelling leaves it free.
    """
    lock = ProfileLock(directory)
    deadline = trio.current_time() + WAIT_S
    while True:
        try:
            lock.acquire()
            break
        except ProfileBusy:
            if trio.current_time() >= deadline or _node_answers(directory):
                raise
        await trio.sleep(_LOOK_S)
    held = ExitStack()
    held.callback(lock.release)
    return held


def _node_answers(directory: Path) -> bool:
    """Whether a node listens where the profile says: one that is stopping does not any more."""
    found = state_file.read(directory)
    if found is None or not state_file.is_alive(found.pid):
        return False
    at = urlsplit(found.url)
    try:
        socket.create_connection((at.hostname or "", at.port or 0), timeout=1.0).close()  # loopback: at once
    except OSError:
        return False
    return True
