"""Who is on this network, shown as it changes: a live table, a line for each change, or a JSON document for each."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from whatnext.cli import tables
from whatnext.cli.context import Context
from whatnext.cli.words import harmless
from whatnext.node.views import NeighbourView

if TYPE_CHECKING:
    from rich.table import Table

Lists = Iterator[list[NeighbourView]]


def columns(*, foreign: bool) -> list[str]:
    """Names of the columns; whether a node is WhatNext matters only where others are shown."""
    return ["NAME", "PEER", "STATE", "CONNECTED", *(["WHATNEXT"] if foreign else []), "ADDRESS"]


def row(neighbour: NeighbourView, *, foreign: bool) -> tuple[str, ...]:
    """One neighbour in those columns."""
    is_whatnext = [_mark(neighbour.whatnext)] if foreign else []
    where = neighbour.addresses[:1] or [""]
    return (
        neighbour.name or "",
        neighbour.peer,
        neighbour.state,
        _mark(neighbour.connected),
        *is_whatnext,
        *where,
    )


def changes(before: Sequence[NeighbourView], after: Sequence[NeighbourView]) -> list[NeighbourView]:
    """Neighbours that are new or not as they were, but for how long they have been so."""
    known = {each.peer: _timeless(each) for each in before}
    return [each for each in after if known.get(each.peer) != _timeless(each)]


def show(lists: Lists, context: Context, *, foreign: bool) -> None:
    """Show each list as it comes, until they end."""
    if not context.as_json and tables.is_rich():
        _live(lists, foreign=foreign)
        return
    before: list[NeighbourView] = []
    for after in lists:
        for each in changes(before, after):
            if not context.show(each):
                context.print(f"{time.strftime('%H:%M:%S')}  {'  '.join(filter(None, _line(each)))}")
        sys.stdout.flush()
        before = after


def _live(lists: Lists, *, foreign: bool) -> None:
    from rich.live import Live

    with Live(_table([], foreign=foreign), auto_refresh=False) as live:
        for neighbours in lists:
            live.update(_table(neighbours, foreign=foreign), refresh=True)


def _table(neighbours: list[NeighbourView], *, foreign: bool) -> "Table | str":
    if not neighbours:
        return "Nobody else is here yet. Ctrl-C ends this."
    rows = [row(each, foreign=foreign) for each in neighbours]
    return tables.rich_table(columns(foreign=foreign), rows)


def _line(neighbour: NeighbourView) -> tuple[str, ...]:
    connected = "connected" if neighbour.connected else ""
    shown = (neighbour.state, neighbour.name or "", neighbour.peer, connected, *neighbour.addresses[:1])
    return tuple(harmless(each) for each in shown)


def _timeless(neighbour: NeighbourView) -> NeighbourView:
    return msgspec.structs.replace(neighbour, since_ms=0)


def _mark(yes: bool) -> str:
    return "yes" if yes else "no"
