"""Reading the log that a node keeps in its profile: what is there, then what comes, over every rotation."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from whatnext.errors import UNREADABLE
from whatnext.node.log_file import NAME, OLDER

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_CHUNK = 64 * 1024


class Line(msgspec.Struct):
    """One line of the log; `raw` is the line itself."""

    timestamp: str = ""
    level: str = "info"
    logger: str = ""
    event: str = ""
    peer: str | None = None
    name: str | None = None
    exception: str | None = None
    raw: bytes = b""


def parse(raw: bytes) -> Line:
    """Read one line; what is no line of ours (torn by a full disk) is shown as it is."""
    try:
        line = msgspec.json.decode(raw, type=Line)
    except UNREADABLE:
        line = Line(event=raw.decode("utf-8", "replace"))
    line.raw = raw
    return line


def wanted(level: str, peer: str | None) -> Callable[[Line], bool]:
    """Which lines: at least of this level, and about this peer (its name or how it begins, its PeerID or a part)."""
    least = LEVELS[level]
    about = None if peer is None else peer.lstrip("…")

    def fits(line: Line) -> bool:
        if LEVELS.get(line.level, least) < least:
            return False
        if about is None:
            return True
        known = line.peer or ""
        named = (line.name or "").casefold().startswith(about.casefold())
        return bool(about) and (named or known.startswith(about) or known.endswith(about))

    return fits


class LogReader:
    """Follows `node.log` of a profile as bytes are added; use it in a `with` block."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._older = directory / OLDER
        self._file: int | None = None
        self._rest = b""

    def exists(self) -> bool:
        """Whether a node has ever kept a log here."""
        return self._path.exists() or self._older.exists()

    def last(self, count: int, fits: Callable[[Line], bool]) -> list[Line]:
        """The last lines that fit, oldest first; `new` then goes on behind them."""
        kept: deque[Line] = deque(maxlen=count)
        if self._older.exists():
            kept.extend(filter(fits, map(parse, self._older.read_bytes().splitlines())))
        kept.extend(line for line in self.new() if fits(line))
        return list(kept)

    def new(self) -> Iterator[Line]:
        """Whole lines that came since the last call; when the file was rotated, the old one's rest first."""
        yield from self._added()
        if self._file is not None and self._is_current():
            return
        if self._open_next():
            yield from self._added()

    def _added(self) -> Iterable[Line]:
        if self._file is None:
            return
        while chunk := os.read(self._file, _CHUNK):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            yield from map(parse, lines)

    def _is_current(self) -> bool:
        assert self._file is not None
        try:
            return os.path.samestat(os.fstat(self._file), self._path.stat())
        except FileNotFoundError:
            return True  # between the renaming and the next line

    def _open_next(self) -> bool:
        self.close()
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        self._rest = b""
        return True

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
