"""What arrived, in the order in which it did: for whoever wants to know what is new, whatever playlist it is in."""

import msgspec

from whatnext.records import codec
from whatnext.records.codec import Record, SignedRecord
from whatnext.store.database import translated
from whatnext.store.library import Library
from whatnext.store.record_table import COUNTED


class Arrival(msgspec.Struct, frozen=True):
    """A record that counts; `number` grows with every arrival and is given once."""

    number: int
    playlist: bytes
    record: Record


def last_arrival(library: Library) -> int:
    """Number of the newest record, 0 in an empty database."""
    with translated(library.database.path):
        row = library.database.connection.execute("SELECT max(n) FROM records").fetchone()
    return row[0] or 0


def arrivals(library: Library, after: int, limit: int) -> list[Arrival]:
    """The first `limit` records that arrived later than `after`, oldest first."""
    with translated(library.database.path):
        rows = library.database.connection.execute(
            "SELECT n, playlist, body, signature FROM records JOIN logs ON logs.id = records.log"
            f" WHERE n > ? AND kind = {COUNTED} ORDER BY n LIMIT ?",
            (after, limit),
        ).fetchall()
    return [Arrival(n, bytes(p), codec.recall(SignedRecord(body, sign))) for n, p, body, sign in rows]


def here_since(library: Library) -> dict[bytes, int]:
    """When each playlist that is here was made here or joined, in milliseconds since 1970."""
    with translated(library.database.path):
        rows = library.database.connection.execute("SELECT id, since FROM playlists WHERE state = 'here'")
        return {bytes(playlist): since for playlist, since in rows.fetchall()}
