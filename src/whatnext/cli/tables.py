"""Tables for people: drawn with rich on a terminal, plain aligned columns everywhere else."""

import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from whatnext.cli.words import harmless

if TYPE_CHECKING:
    from rich.table import Table

Row = Sequence[str]


def print_table(columns: Row, rows: Sequence[Row], right: frozenset[str] = frozenset()) -> None:
    """Print rows under their column names, those in `right` flush right; nothing when there is no row."""
    if not rows:
        return
    if is_rich():
        from rich.console import Console

        Console().print(rich_table(columns, rows, right))
        return
    for line in plain_lines(columns, rows, right):
        sys.stdout.write(line + "\n")


def plain_lines(columns: Row, rows: Sequence[Row], right: frozenset[str]) -> list[str]:
    """Aligned lines, two spaces between columns."""
    shown = [list(columns), *([harmless(cell) for cell in row] for row in rows)]
    widths = [max(_width(row[at]) for row in shown) for at in range(len(columns))]
    return [
        "  ".join(_pad(cell, widths[at], columns[at] in right) for at, cell in enumerate(row)).rstrip()
        for row in shown
    ]


def is_rich() -> bool:
    """Whether standard output is a terminal that may be drawn on."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def rich_table(columns: Row, rows: Sequence[Row], right: frozenset[str] = frozenset()) -> "Table":
    """The table as rich draws it."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))  # Text: a title is never markup
    return table


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
