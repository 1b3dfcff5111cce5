"""The music folder of this device: looked at when somebody asks, in a thread, and again when it may have changed."""

import logging
from collections.abc import Callable
from pathlib import Path

import trio

from whatnext.errors import LocalError, UserError
from whatnext.playback.folder import look
from whatnext.playback.matching import AudioFile, Index

FRESH_S = 15.0
"""So long what was found is taken for what is there."""

SETTLE_S = 3.0
"""A node that starts has better things to do first; a page that asks does not wait for this."""

_log = logging.getLogger(__name__)


class Music:
    """The files, as an index that is replaced whole. `on_change` is called when it, or what is wrong, changed."""

    def __init__(self, folder: Path | None, on_change: Callable[[], None]) -> None:
        self.folder = folder
        self.index = Index()
        self.problem: str | None = None
        self.looking = False
        self._on_change = on_change
        self._looked_at = -float("inf")
        self._wanted = trio.Event()

    def take(self, folder: Path | None) -> None:
        """Another folder, or none; what was found in the one before is forgotten at once."""
        self.folder = folder
        self.index = Index()
        self.problem = None
        self.looking = folder is not None
        if self.looking:
            self._wanted.set()
        self._on_change()

    def refresh(self) -> None:
        """Look soon, unless that is being done, or was a moment ago."""
        if self.folder is None or self.looking or trio.current_time() - self._looked_at < FRESH_S:
            return
        self.looking = True
        self._wanted.set()

    async def run(self) -> None:
        """Look soon after the start and whenever that is wanted, until cancelled; the thread ends at the next name."""
        with trio.move_on_after(SETTLE_S):
            await self._wanted.wait()
        self.refresh()  # a page that was open while the node restarted plays on what it knew
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            folder = self.folder
            if folder is not None:
                await self._look(folder)
            # From the end: a page asks anew when it hears of that, and must not set off the next look for ever.
            self._looked_at = trio.current_time()
            self.looking = self._wanted.is_set()
            self._on_change()

    async def _look(self, folder: Path) -> None:
        known = dict(self.index.files)
        try:
            index = await trio.to_thread.run_sync(_indexed, folder, known)
            problem = None
        except LocalError as error:
            _log.warning("%s", error)
            index, problem = Index(), str(error)
        if self.folder == folder:
            self.index, self.problem = index, problem


def _indexed(folder: Path, known: dict[str, AudioFile]) -> Index:
    return Index(look(folder, known, trio.from_thread.check_cancelled))


def checked(text: str | None) -> Path | None:
    """The folder that a user named, None for none; raises `UserError` when there is no such folder."""
    if text is None or not text.strip():
        return None
    try:
        folder = Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise UserError(
            f"{text.strip()} begins with the home of somebody this device does not know"
        ) from error
    if not folder.is_absolute():
        raise UserError(f"{folder} is no absolute path: the node may run elsewhere, so give the whole path")
    try:
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder on this device")
        return folder.resolve(strict=True)
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} cannot be looked at: {error}") from error
