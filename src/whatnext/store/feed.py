"""The change feed by playlist: where a client that knows a feed number has to look again."""

from whatnext.store.database import translated
from whatnext.store.library import Library


def latest_changes(library: Library, after: int) -> list[tuple[bytes, int]]:
    """(playlist id, number of its newest change) of every playlist changed later than `after`, oldest first."""
    with translated(library.database.path):
        rows = library.database.connection.execute(
            "SELECT playlist, max(feed) AS newest FROM documents WHERE feed > ? GROUP BY playlist ORDER BY newest",
            (after,),
        ).fetchall()
    return [(bytes(playlist), newest) for playlist, newest in rows]
