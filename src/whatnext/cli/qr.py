"""A link as a QR code: drawn in the terminal for the phone beside it, or written as a picture."""

import io
import locale
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from whatnext.config import write_private
from whatnext.errors import LimitExceeded

if TYPE_CHECKING:
    import segno

PNG_SCALE = 8
"""Pixels of a module's side: still sharp when a phone's screen shows it."""
_QUIET = 2  # light modules around it; the standard asks for 4, readers are content with 2, and a terminal is narrow
_DARK_ON_LIGHT, _AS_BEFORE = "\033[30;107m", "\033[0m"  # readable whatever colours the terminal has
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}

Modules = Sequence[Sequence[int]]


def show(link: str) -> None:
    """Draw the code on stderr, so that stdout stays the link; say what to do when the terminal is too narrow."""
    modules = _modules(link, _QUIET)
    lines = half_blocks(modules) if _has_blocks_and_colours() else ascii_lines(modules)
    columns = len(modules[0]) if lines[0].startswith("\033") else len(lines[0])
    sys.stdout.flush()
    if sys.stderr.isatty() and columns > os.get_terminal_size(sys.stderr.fileno()).columns:
        sys.stderr.write(
            f"The code needs {columns} columns: make the terminal wider, or use --qr-file FILE.png\n"
        )
        return
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def write_png(file: Path, link: str) -> None:
    """Write the code as a picture that only its owner can read: an invite's holds the secret.

    Raises `StoreUnwritable`, `LimitExceeded`.
    """
    picture = io.BytesIO()
    _code(link).save(picture, kind="png", scale=PNG_SCALE)
    write_private(file.expanduser().absolute(), picture.getvalue())


def half_blocks(modules: Modules) -> list[str]:
    """Two rows of modules in a line, black on white by ANSI colours."""
    rows = [*modules, [0] * len(modules[0])]  # an odd number of rows: the last half line is light
    lines = []
    for upper, lower in zip(rows[0::2], rows[1::2], strict=False):
        drawn = "".join(_HALVES[bool(u), bool(d)] for u, d in zip(upper, lower, strict=True))
        lines.append(f"{_DARK_ON_LIGHT}{drawn}{_AS_BEFORE}")
    return lines


def ascii_lines(modules: Modules) -> list[str]:
    """Two characters for a module, dark ones as `##`: as dark on light as the terminal or the paper is."""
    return ["".join("##" if module else "  " for module in row) for row in modules]


def _modules(link: str, border: int) -> Modules:
    return [list(row) for row in _code(link).matrix_iter(border=border)]


def _code(link: str) -> "segno.QRCode":
    import segno
    from segno.encoder import DataOverflowError

    try:
        return segno.make_qr(link, error="l", boost_error=True)
    except DataOverflowError as error:
        raise LimitExceeded(
            f"the link has {len(link)} characters, more than a QR code holds: send it as text"
        ) from error


def _has_blocks_and_colours() -> bool:
    # The stream's own encoding tells nothing: `whatnext.cli.main` makes it UTF-8 for titles in any script.
    blocks = sys.platform == "win32" or locale.getencoding().lower().replace("-", "") == "utf8"
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and blocks and not plain
