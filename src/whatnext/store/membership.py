"""Which playlists this device is in, and the `members` documents that governance makes."""

import sqlite3
from collections.abc import Iterator

from whatnext.records.governance import Governance
from whatnext.records.merge import Document, DocumentKey


class PlaylistTable:
    """The table `playlists`: here, joining, leaving (no member knows yet), or left.

    Kept in memory as well: every change, and every answer to one, asks what is here.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._states: dict[bytes, str] | None = None

    def forget(self) -> None:
        """Read the table anew: a transaction was rolled back."""
        self._states = None

    def ids(self, *states: str) -> list[bytes]:
        """Ids of the playlists in these states, oldest first."""
        if self._states is None:
            rows = self._db.execute("SELECT id, state FROM playlists ORDER BY since, id")
            self._states = dict(rows.fetchall())
        return [playlist for playlist, state in self._states.items() if state in states]

    def links(self) -> list[tuple[bytes, str]]:
        """Playlists that are being joined, with the link of each."""
        rows = self._db.execute("SELECT id, link FROM playlists WHERE state = 'joining' AND link IS NOT NULL")
        return [(bytes(playlist), link) for playlist, link in rows.fetchall()]

    def put(self, playlist: bytes, state: str, link: str | None, now_ms: int) -> None:
        """Note a playlist, or its new state."""
        self._db.execute(
            "INSERT INTO playlists VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET state = excluded.state, link = excluded.link",
            (playlist, state, link, now_ms),
        )
        self._states = None

    def arrived(self, playlist: bytes, now_ms: int) -> None:
        """The playlist's first record is here: joining is over."""
        self.put(playlist, "here", None, now_ms)

    def set_state(self, playlist: bytes, state: str) -> None:
        """Change the state of a playlist that is noted."""
        self._db.execute("UPDATE playlists SET state = ? WHERE id = ?", (state, playlist))
        self._states = None


def member_documents(governance: Governance) -> Iterator[tuple[DocumentKey, Document]]:
    """One document per member: role, the invite it came by, whether it left."""
    for member in governance.members():
        document = Document()
        document.fields = {"role": member.role, "joinedVia": member.invite, "left": member.left}
        yield ("members", member.peer), document
