"""One desktop per profile: a lock decides who is first, a socket on loopback takes what later starts hand over.

A socket on 127.0.0.1 with a secret in a file of the profile (`desktop.json`, 0600), not a Unix socket: Windows' Python
has none, and a profile's path may be longer than the 107 bytes a Unix socket's may have.
"""

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from whatnext.config import ProfileLock, write_private
from whatnext.desktop import handover
from whatnext.desktop.handover import Answer, Request
from whatnext.errors import UNREADABLE, NetworkError, ProfileBusy, ProtocolViolation

if TYPE_CHECKING:
    import trio  # a second start, which only hands over, does without

LOCK_FILE, SOCKET_FILE = "desktop.lock", "desktop.json"
TAKE_S = 5.0
"""How long a start waits for a first one that is just beginning or just ending."""
ANSWER_S = 60.0
"""The first answers once its page is shown, so it may have to wait for its node to start."""
_READ_S = 5.0
_LOOK_S = 0.05
_MAX_AT_ONCE = 8


class _Socket(msgspec.Struct, frozen=True, kw_only=True):
    """What `desktop.json` holds."""

    port: int
    secret: str
    pid: int


Handle = Callable[[Request], Awaitable[Answer]]


@contextmanager
def first_or_handed_over(directory: Path, link: str | None) -> Iterator[Answer | None]:
    """Be the first on this profile while the block lasts (None), or hand over to who is: then its answer.

    Raises `ProfileBusy` when there is a first that takes nothing, `NetworkError` when it gave no answer.
    """
    lock = ProfileLock(directory, file=LOCK_FILE)
    deadline = time.monotonic() + TAKE_S
    while True:
        try:
            lock.acquire()
        except ProfileBusy:
            answer = hand_over(directory, link)
            if answer is not None:
                yield answer
                return
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_S)
        else:
            break
    try:
        yield None
    finally:
        lock.release()


def hand_over(directory: Path, link: str | None) -> Answer | None:
    """Hand a link, or only the wish to see the page, to the first; None when nobody listens there.

    Raises `NetworkError` when it took the connection and then gave no answer.
    """
    found = _socket_of(directory)
    if found is None:
        return None
    try:
        connection = socket.create_connection(("127.0.0.1", found.port), timeout=_READ_S)
    except OSError:
        return None
    try:
        with connection:
            connection.settimeout(ANSWER_S)
            connection.sendall(handover.encode(Request(secret=found.secret, link=link)))
            with connection.makefile("rb") as answers:
                line = answers.readline(handover.MAX_LINE)
            return handover.read_answer(line)
    except (OSError, ProtocolViolation) as error:
        if _socket_of(directory) != found:
            return None  # it was just ending
        raise NetworkError(
            f"WhatNext runs already (process {found.pid}) but gave no answer ({error}): try again"
        ) from error


def _socket_of(directory: Path) -> _Socket | None:
    try:
        return msgspec.json.decode((directory / SOCKET_FILE).read_bytes(), type=_Socket)
    except (OSError, *UNREADABLE):
        return None


async def serve(directory: Path, handle: Handle, task_status: Any = None) -> None:
    """Take what later starts hand over, until cancelled; then the file is gone. Raises `StoreUnwritable`.

    Started once others can find it. `handle` runs for each request that knows the secret; the rest is hung up on.
    """
    import trio

    secret = secrets.token_urlsafe(32)
    limit = trio.CapacityLimiter(_MAX_AT_ONCE)

    async def take(stream: trio.SocketStream) -> None:
        async with limit, stream:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await _take(stream, secret, handle)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        content = _Socket(port=port, secret=secret, pid=os.getpid())
        write_private(directory / SOCKET_FILE, msgspec.json.encode(content) + b"\n")
        if task_status is not None:
            task_status.started()
        try:
            await trio.serve_listeners(take, listeners, handler_nursery=nursery)
        finally:
            (directory / SOCKET_FILE).unlink(missing_ok=True)


async def _take(stream: "trio.SocketStream", secret: str, handle: Handle) -> None:
    import trio

    line = b""
    with trio.move_on_after(_READ_S):
        while not line.endswith(b"\n") and len(line) < handover.MAX_LINE:
            part = await stream.receive_some(handover.MAX_LINE)
            if not part:
                return
            line += part
    try:
        request = handover.read_request(line, secret)
    except ProtocolViolation:
        return  # a web page, a port scanner: it learns nothing, not even who is here
    await stream.send_all(handover.encode(await handle(request)))
