"""One life of the node as a child process: a pipe it reads as its lifeline, one line that says it is ready, its log."""

import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec
import trio

from whatnext.desktop.crash import MAX_LINES
from whatnext.errors import UNREADABLE, LocalError

START_S = 45.0
"""A node is ready within 2.5 s; on a slow disk with a large profile it may take much longer, for ever it may not."""
STOP_S = 10.0
_TAIL_S = 1.0
"""How long the log of a dead node is read on: a process it left behind may hold the pipe."""
_MAX_LINE = 4_000
_READ_BYTES = 16 * 1024


class Ready(msgspec.Struct, frozen=True):
    """The node's ready line, as far as the desktop needs it."""

    url: str
    token: str
    peer: str


class Life(msgspec.Struct, frozen=True):
    """How a life ended: `status` as in `Popen.returncode`, and the end of what the node wrote to stderr."""

    status: int
    lines: Sequence[str]


def command_for(directory: Path, port: int, options: Sequence[str] = ()) -> list[str]:
    """The words that start a node on a profile, of this very installation; its local API takes `port`, 0 for any."""
    program = [sys.executable, "-m", "whatnext", "--profile", str(directory)]
    return [*program, "node", "--lifeline", "--ready-line", "--api-port", str(port), *options]


async def live(
    command: Sequence[str], on_ready: Callable[[Ready], None], on_line: Callable[[str], None]
) -> Life:
    """Run a node to its end; it is killed when it is not ready within `START_S`.

    Cancelling closes the lifeline and waits for the node to close; after `STOP_S` it is killed. Either way no process
    is left. Raises `LocalError` when the program cannot be started.
    """
    tail: deque[str] = deque(maxlen=MAX_LINES)

    def keep(line: str) -> None:
        tail.append(line)
        on_line(line)

    process = await _start(command)
    try:
        starting = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_await_ready, process, on_ready, starting)
            nursery.start_soon(_follow, process, keep)
            await process.wait()
            starting.cancel()
            nursery.cancel_scope.deadline = trio.current_time() + _TAIL_S
    finally:
        with trio.CancelScope(shield=True):
            await _end(process, keep)
    assert process.returncode is not None
    return Life(process.returncode, tuple(tail))


async def _start(command: Sequence[str]) -> trio.Process:
    try:
        return await trio.lowlevel.open_process(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for the desktop, which then stops the node
        )
    except OSError as error:
        raise LocalError(
            f"{command[0]} cannot be started ({error.strerror or error}): reinstall WhatNext"
        ) from error


async def _await_ready(
    process: trio.Process, on_ready: Callable[[Ready], None], starting: trio.CancelScope
) -> None:
    assert process.stdout is not None
    with starting, trio.move_on_after(START_S) as patience:
        async for line in _lines(process.stdout):
            try:
                on_ready(msgspec.json.decode(line, type=Ready))
            except UNREADABLE:
                continue  # a library printed something
            return
        await trio.Event().wait()  # it is ending, or it will never be ready
    if patience.cancelled_caught and process.returncode is None:
        process.kill()


async def _follow(process: trio.Process, keep: Callable[[str], None]) -> None:
    assert process.stderr is not None
    async for line in _lines(process.stderr):
        keep(line)


async def _end(process: trio.Process, keep: Callable[[str], None]) -> None:
    """Let the process go and its pipes with it; the log is read on, as a full pipe would hold the node up."""
    assert process.stdin is not None
    await process.stdin.aclose()
    async with trio.open_nursery() as nursery:
        if process.returncode is None:
            nursery.start_soon(_follow, process, keep)
            with trio.move_on_after(STOP_S):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
        nursery.cancel_scope.cancel()
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        await pipe.aclose()


async def _lines(pipe: trio.abc.ReceiveStream) -> AsyncIterator[str]:
    """Lines of text, the last one also without its end; of one that is too long, the beginning."""
    rest = b""
    async for data in _chunks(pipe):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield _text(line)
        rest = rest[:_MAX_LINE]
    if rest:
        yield _text(rest)


async def _chunks(pipe: trio.abc.ReceiveStream) -> AsyncIterator[bytes]:
    while data := await pipe.receive_some(_READ_BYTES):
        yield data


def _text(line: bytes) -> str:
    return line[:_MAX_LINE].decode("utf-8", "replace").rstrip("\r")
