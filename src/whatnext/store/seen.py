"""How far somebody has looked at each playlist on this device: a number in the order in which records arrived."""

from whatnext.records import codec
from whatnext.records.codec import Record, SignedRecord
from whatnext.store.database import translated
from whatnext.store.library import Library

_OF_PLAYLIST = "FROM logs JOIN records ON records.log = logs.id WHERE playlist = ? AND kind = 0"


def newest(library: Library, playlist: bytes) -> int:
    """Number of the newest record that counts; 0 without any. Read at the heads: a log's numbers rise with it."""
    with translated(library.database.path):
        row = library.database.connection.execute(
            f"SELECT coalesce(max(n), 0) {_OF_PLAYLIST} AND records.seq = logs.seq", (playlist,)
        ).fetchone()
    return int(row[0])


def since(library: Library, playlist: bytes, after: int, limit: int) -> list[Record]:
    """The records that count and arrived later than number `after`, newest first, at most `limit`."""
    with translated(library.database.path):
        rows = library.database.connection.execute(
            f"SELECT body, signature {_OF_PLAYLIST} AND n > ? ORDER BY n DESC LIMIT ?",
            (playlist, after, limit),
        ).fetchall()
    return [codec.recall(SignedRecord(*row)) for row in rows]


def upto(library: Library, playlist: bytes) -> int | None:
    """Number up to which everything was seen; None when nobody has looked yet."""
    with translated(library.database.path):
        row = library.database.connection.execute(
            "SELECT n FROM seen WHERE playlist = ?", (playlist,)
        ).fetchone()
    return None if row is None else int(row[0])


def mark(library: Library, playlist: bytes, number: int) -> None:
    """Everything up to a number was seen; never goes back. Durable on return."""
    with translated(library.database.path), library.database.transaction() as connection:
        connection.execute(
            "INSERT INTO seen VALUES (?, ?) ON CONFLICT (playlist) DO UPDATE SET n = max(n, excluded.n)",
            (playlist, max(0, min(number, newest(library, playlist)))),
        )
