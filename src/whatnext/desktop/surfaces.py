"""Where the pages are shown: a window of our own, the default browser, or nowhere but as a link on the terminal."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, Protocol

import trio

from whatnext.errors import LocalError, UserError

Where = Literal["window", "browser", "terminal"]

WINDOW_S = 30.0
"""A toolkit's first start on a slow machine reads some hundred megabytes from the disk."""
CLOSE_S = 5.0
BROWSER_S = 10.0
_NO_SANDBOX = "QTWEBENGINE_DISABLE_SANDBOX"


class Surface(Protocol):
    """Somewhere to show pages."""

    where: Where

    async def show(self, url: str) -> None:
        """Show a page; raises `LocalError` with the reason when this surface cannot."""

    async def wait_closed(self) -> None:
        """Return when the user has closed it; never, where nobody can tell. Raises `LocalError` when it failed."""

    async def close(self) -> None:
        """Take away what was opened and can be taken away."""


class Terminal:
    """Prints the link, for whoever has no display here: it works once, for a minute."""

    where: Where = "terminal"

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    async def show(self, url: str) -> None:
        """Print it."""
        self._write(url)
        await trio.lowlevel.checkpoint()

    async def wait_closed(self) -> None:
        """A terminal ends us by a signal."""
        await trio.sleep_forever()

    async def close(self) -> None:
        """Nothing was opened."""


class Browser:
    """The default browser; it is asked to open a page, and says nothing about it afterwards.

    The link stands on the browser's command line, where other users of the machine may read it: it works once, so
    whoever is second sees that it was used.
    """

    where: Where = "browser"

    async def show(self, url: str) -> None:
        """Open a tab; raises `LocalError` when there is no browser."""
        import webbrowser

        opened = True  # a program in $BROWSER that stays is one that shows something
        with trio.move_on_after(BROWSER_S):
            # libp2p brings trio-stubs, which describe an older trio
            opened = await trio.to_thread.run_sync(webbrowser.open, url, abandon_on_cancel=True)  # type: ignore[call-arg]
        if not opened:
            raise LocalError("no browser could be opened")

    async def wait_closed(self) -> None:
        """Nobody tells when a tab is closed."""
        await trio.sleep_forever()

    async def close(self) -> None:
        """A tab stays with the user."""


class Window:
    """A native window in a process of its own; it closes with us, as its stdin ends."""

    where: Where = "window"

    def __init__(self, command: tuple[str, ...] | None = None, keep: Path | None = None) -> None:
        """`keep` is a directory for what the pages store; None: it ends with the window."""
        kept = () if keep is None else (str(keep),)
        self._command = command or (sys.executable, "-m", "whatnext.desktop.window", *kept)
        self._process: trio.Process | None = None
        self._opened = trio.Event()
        self._writing = trio.Lock()

    async def show(self, url: str) -> None:
        """Load a page; the first opens the window. Raises `LocalError` when it does not open, or is closed."""
        line = json.dumps(url).encode() + b"\n"
        async with self._writing:
            if self._process is None:
                await self._open(line)
                return
            try:
                assert self._process.stdin is not None
                await self._process.stdin.send_all(line)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise LocalError("the window was closed just now: start WhatNext again") from error

    async def wait_closed(self) -> None:
        """Return when the user closed the window, once there was one; raises `LocalError` when it crashed."""
        await self._opened.wait()
        assert self._process is not None
        status = await self._process.wait()
        if status != 0:
            raise LocalError(f"the window ended by itself (status {status})")

    async def close(self) -> None:
        """Close the window; it is killed when it has not closed within `CLOSE_S`."""
        if self._process is not None:
            await _end(self._process)

    async def _open(self, line: bytes) -> None:
        process = await trio.lowlevel.open_process(
            list(self._command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a toolkit says about graphics drivers is of no use to anybody here
            start_new_session=True,
        )
        shown = b""
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with trio.move_on_after(WINDOW_S):
                await process.stdin.send_all(line)
                shown = await process.stdout.receive_some(64)
        except trio.BrokenResourceError:
            pass  # it ended before it read its first line
        finally:
            if not shown:
                with trio.CancelScope(shield=True):
                    await _end(process)
        if not shown:
            raise LocalError(
                f"no window could be opened (the toolkit ended with status {process.returncode})"
            )
        self._process = process
        self._opened.set()


async def _end(process: trio.Process) -> None:
    assert process.stdin is not None
    await process.stdin.aclose()
    with trio.move_on_after(CLOSE_S):
        await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


def candidates(
    asked: Where | None,
    write: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
    keep: Path | None = None,
) -> list[Surface]:
    """The surfaces to try, in this order; the last always works. Raises `UserError` when the one asked for cannot.

    `keep` is where a window keeps what its pages store.
    """
    why = why_no_display(environment)
    if asked == "terminal" or (asked is None and why is not None):
        return [Terminal(write)]
    if why is not None:
        raise UserError(f"{why}: there is nowhere to show a {asked}; leave --in away to get a link instead")
    no_window = why_no_window(environment)
    if asked == "window" and no_window is not None:
        raise UserError(no_window)
    found: list[Surface] = [] if asked == "browser" or no_window is not None else [Window(keep=keep)]
    return [*found, Browser(), Terminal(write)]


def why_no_display(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str | None:
    """Why nothing can be shown here, or None when it can."""
    if platform in ("win32", "darwin") or environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"):
        return None
    return "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)"


def why_no_window(environment: Mapping[str, str] = os.environ, uid: int | None = None) -> str | None:
    """Why there is no native window, or None: pywebview comes with the extra `desktop`."""
    if importlib.util.find_spec("webview") is None:
        return "the native window is not installed: pip install 'whatnext[desktop]'"
    getuid = getattr(os, "getuid", None)
    own = uid if uid is not None or getuid is None else getuid()
    if sys.platform == "linux" and own == 0 and not environment.get(_NO_SANDBOX):
        return f"root has no native window: its browser engine wants a sandbox ({_NO_SANDBOX}=1 does without)"
    return None
