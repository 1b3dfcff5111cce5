"""What lies in a folder of audio files, looked at within bounds; runs in a thread.

Links are never followed: what is listed, and later opened, lies in the folder itself.
"""

import logging
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from whatnext.errors import LocalError, NotFound
from whatnext.playback import tags
from whatnext.playback.matching import AudioFile, Facts

MAX_FILES = 50_000
MAX_DEPTH = 12
MAX_ENTRIES = 500_000
"""Names looked at in all: a folder may hold a whole disk by mistake."""

MEDIA_TYPES: Mapping[str, str] = {
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
}
"""What browsers play; nothing else is looked at."""

_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_log = logging.getLogger(__name__)


def look(folder: Path, known: Mapping[str, AudioFile], check: Callable[[], None]) -> list[AudioFile]:
    """The folder's audio files; tags are read only of those that are new or changed since `known`.

    `check` is called for every name and may raise to end it. Raises `LocalError` when the folder cannot be read.
    """
    found: list[AudioFile] = []
    for path, seen in _listed(folder, check):
        if len(found) >= MAX_FILES:
            _log.warning("the music folder holds more than %d audio files: the rest is left out", MAX_FILES)
            break
        before = known.get(path)
        if before is not None and (before.size, before.modified_ns) == (seen.st_size, seen.st_mtime_ns):
            found.append(before)
            continue
        facts = _facts(folder, path, seen.st_size)
        found.append(AudioFile(path=path, size=seen.st_size, modified_ns=seen.st_mtime_ns, facts=facts))
    return found


def open_inside(folder: Path, path: str) -> tuple[BinaryIO, os.stat_result]:
    """Open a file that was listed; raises `NotFound` unless it is still a regular file that lies in the folder.

    Folder by folder, each held open while the next is: one that becomes a link meanwhile leads nowhere.
    """
    gone = NotFound("the file of this track is not in the music folder any more")
    parts = path.split("/")
    if not all(parts) or "." in parts or ".." in parts:
        raise gone
    try:
        descriptor = _opened(folder, parts)
    except OSError as error:
        raise gone from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise gone
    return os.fdopen(descriptor, "rb"), status


def _opened(folder: Path, parts: list[str]) -> int:
    if os.open not in os.supports_dir_fd:  # Windows: looked at first, opened then
        real = folder.resolve(strict=True).joinpath(*parts)
        if real.resolve(strict=True) != real:
            raise NotADirectoryError(f"{real} is a link")
        return os.open(real, _OPEN)
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in parts[:-1]:
            at, above = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at), at
            os.close(above)
        return os.open(parts[-1], _OPEN, dir_fd=at)
    finally:
        os.close(at)


def media_type(path: str) -> str:
    """Media type of a listed file, by its name."""
    return MEDIA_TYPES[os.path.splitext(path)[1].lower()]


def _facts(folder: Path, path: str, size: int) -> Facts:
    try:
        file, _ = open_inside(folder, path)
    except NotFound:
        return Facts()
    with file:
        return tags.read(file, size, path)


def _listed(folder: Path, check: Callable[[], None]) -> Iterator[tuple[str, os.stat_result]]:
    """Audio files below the folder, as relative path and status; a folder that cannot be read is left out."""
    waiting, seen = [("", 0)], 0
    while waiting:
        below, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(folder / below), key=lambda entry: entry.name)
        except OSError as error:
            if not below:
                raise LocalError(f"the music folder {folder} cannot be read: {error.strerror}") from error
            continue
        for entry in entries:
            check()
            seen += 1
            if seen > MAX_ENTRIES:
                _log.warning("the music folder holds more than %d names: the rest is left out", MAX_ENTRIES)
                return
            path = f"{below}/{entry.name}" if below else entry.name
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # removed a moment ago
            if stat.S_ISDIR(status.st_mode):
                waiting += [(path, depth + 1)] if depth < MAX_DEPTH and not entry.name.startswith(".") else []
            elif stat.S_ISREG(status.st_mode) and os.path.splitext(path)[1].lower() in MEDIA_TYPES:
                yield path, status
