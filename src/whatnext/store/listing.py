"""A playlist at a glance: order, totals and time of the last change, read without decoding its documents.

An entry is listed when both its title and its position count: a write to an entry whose adding does not count
(its author was removed before) makes a document, but no track.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from whatnext.records import codec
from whatnext.records.codec import SignedRecord

_LISTED = "playlist = ? AND collection = 'entries' AND NOT gone AND position IS NOT NULL"


class Totals(NamedTuple):
    """How many entries, and how long they play (milliseconds; unknown durations count nothing)."""

    entries: int
    duration_ms: int


Places = list[tuple[str, str]]
"""(id, position) of entries."""


def end_entry(connection: sqlite3.Connection, playlist: bytes, *, first: bool) -> Places:
    """The first or the last listed entry, alone in a list; an empty one when there is none."""
    way = "" if first else "DESC"
    return connection.execute(
        f"SELECT id, position FROM documents WHERE {_LISTED} ORDER BY position {way}, id {way} LIMIT 1",
        (playlist,),
    ).fetchall()


def entries(connection: sqlite3.Connection, playlist: bytes, ids: Sequence[str]) -> Places:
    """Those of these entries that are listed, in no order."""
    return connection.execute(
        f"SELECT id, position FROM documents WHERE {_LISTED} AND id IN ({', '.join('?' * len(ids))})",
        (playlist, *ids),
    ).fetchall()


def around(connection: sqlite3.Connection, playlist: bytes, place: tuple[str, str], count: int) -> Places:
    """The listed entry at a place, and `count` on each side of it, in their order."""
    entry, position = place
    query = f"SELECT id, position FROM documents WHERE {_LISTED} AND (position, id)"
    before = connection.execute(
        f"{query} <= (?, ?) ORDER BY position DESC, id DESC LIMIT ?", (playlist, position, entry, count + 1)
    ).fetchall()
    after = connection.execute(
        f"{query} > (?, ?) ORDER BY position, id LIMIT ?", (playlist, position, entry, count)
    ).fetchall()
    return [*reversed(before), *after]


def totals(connection: sqlite3.Connection, playlist: bytes) -> Totals:
    """Number and length of the listed entries."""
    row = connection.execute(
        f"SELECT count(*), coalesce(sum(json_extract(fields, '$.durationMs')), 0) FROM documents WHERE {_LISTED}",
        (playlist,),
    ).fetchone()
    return Totals(*row)


def last_stamp(connection: sqlite3.Connection, playlist: bytes) -> int | None:
    """Newest clock stamp among the heads of all logs: the same wherever the heads are; None without any."""
    rows = connection.execute(
        "SELECT body, signature FROM logs JOIN records ON records.log = logs.id AND records.seq = logs.seq"
        " WHERE playlist = ? AND kind = 0",
        (playlist,),
    )
    return max((codec.decode(SignedRecord(*row)).body.hlc for row in rows), default=None)
