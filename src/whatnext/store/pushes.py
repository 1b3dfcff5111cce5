"""What each RxDB client pushed last, so that a push repeated after a lost answer changes nothing twice.

A client that never heard the answer repeats its row with the same assumed state, perhaps with a further edit. Taken
from the assumed state once more, the difference would undo what others did since; it is taken from what this client
pushed before (measured in facts on RxDB: without it one run in seventeen brought a removed entry back).
"""

import hashlib
from typing import Any

import msgspec

from whatnext.store.database import Database, translated

KEPT = 20_000
"""Rows kept, newest first; a client repeats what it pushed last, within seconds of its return."""
_TRIM_EVERY = 256

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class PushTable:
    """The table `pushes`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since_trim = 0

    def base(self, client: str, document: str, assumed: dict[str, Any] | None) -> dict[str, Any] | None:
        """What to take this client's difference from: what it pushed before on the same assumption, or `assumed`."""
        with translated(self._database.path):
            row = self._database.connection.execute(
                "SELECT state FROM pushes WHERE client = ? AND document = ? AND assumed = ?",
                (client, document, _digest(assumed)),
            ).fetchone()
        return assumed if row is None else _decode(row[0])

    def keep(self, client: str, document: str, assumed: dict[str, Any] | None, state: dict[str, Any]) -> None:
        """Remember a push; inside the transaction that writes it."""
        connection = self._database.connection
        connection.execute(
            "INSERT OR REPLACE INTO pushes (client, document, assumed, state) VALUES (?, ?, ?, ?)",
            (client, document, _digest(assumed), _encode(state)),
        )
        self._since_trim += 1
        if self._since_trim >= _TRIM_EVERY:
            self._since_trim = 0
            connection.execute("DELETE FROM pushes WHERE n <= (SELECT max(n) FROM pushes) - ?", (KEPT,))


def _digest(assumed: dict[str, Any] | None) -> bytes:
    return hashlib.sha256(_encode(assumed)).digest()[:16]
