"""What a user sees while a long command works: only on a terminal, on stderr, gone afterwards."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

WORTH_A_BAR = 200_000
"""Bytes of a file below which reading it takes no time that anybody notices."""
_WIDTH = 30


def reading(content: bytes, filename: str, format: str | None) -> None:  # noqa: A002
    """Show how far reading a long file is; raises what is wrong with it before anything is written."""
    if not sys.stderr.isatty() or len(content) < WORTH_A_BAR:
        return
    from whatnext.playlists.formats import parse

    try:
        parse(content, filename=filename, format=format, progress=_draw)
    finally:
        _clear()


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say what is being done until it is."""
    if not sys.stderr.isatty():
        yield
        return
    sys.stderr.write(f"{what}…")
    sys.stderr.flush()
    try:
        yield
    finally:
        _clear()


def _draw(done: int, total: int) -> None:
    filled = _WIDTH * done // max(total, 1)
    sys.stderr.write(f"\rreading [{'#' * filled}{'.' * (_WIDTH - filled)}] {done:,} of {total:,}")
    sys.stderr.flush()


def _clear() -> None:
    sys.stderr.write("\r\033[K")
    sys.stderr.flush()
