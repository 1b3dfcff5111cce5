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
_SHORT = 64
ANOTHER = object()
"""A value that equals none."""

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Pusher(msgspec.Struct, frozen=True):
    """Who pushes, over which connection."""

    client: str
    """Names it over its reconnections."""
    channel: str
    """Names the connection. On one, the answer to a push comes before the next push of the document is made."""


class PushTable:
    """The table `pushes`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since_trim = 0

    def base(
        self, pusher: Pusher, document: str, assumed: dict[str, Any] | None, new: dict[str, Any]
    ) -> dict[str, Any] | None:
        """What `new` differs from: what this client pushed before on the same assumption, or `assumed`.

        Fields that are equal in both are told, others as `ANOTHER`. What it pushed over this very connection was
        answered: the same assumption means then that an event older than the push has brought that state back.
        """
        with translated(self._database.path):
            row = self._database.connection.execute(
                "SELECT state FROM pushes WHERE client = ? AND document = ? AND assumed = ? AND channel <> ?",
                (pusher.client, document, _digest(assumed), pusher.channel),
            ).fetchone()
        if row is None:
            return assumed
        kept = _decode(row[0])
        return {n: _compared(kept[n], new[n]) for n in kept.keys() & new.keys()}

    def keep(
        self, pusher: Pusher, document: str, assumed: dict[str, Any] | None, state: dict[str, Any]
    ) -> None:
        """Remember a push, by the fields that count; inside the transaction that writes it."""
        prints = _encode({name: _print(value) for name, value in state.items()})
        connection = self._database.connection
        connection.execute(
            "INSERT OR REPLACE INTO pushes (client, channel, document, assumed, state) VALUES (?, ?, ?, ?, ?)",
            (pusher.client, pusher.channel, document, _digest(assumed), prints),
        )
        self._since_trim += 1
        if self._since_trim >= _TRIM_EVERY:
            self._since_trim = 0
            connection.execute("DELETE FROM pushes WHERE n <= (SELECT max(n) FROM pushes) - ?", (KEPT,))


def _compared(kept: Any, new: Any) -> Any:
    if kept is None or isinstance(kept, bool):
        return kept
    return new if kept == _print(new) else ANOTHER


def _print(value: Any) -> Any:
    """A value, or what it is known by: a client may send 4 MiB, and it is not kept here to be read."""
    if value is None or isinstance(value, bool):
        return value
    encoded = _encode(value)
    return encoded.decode() if len(encoded) <= _SHORT else hashlib.sha256(encoded).hexdigest()


def _digest(assumed: dict[str, Any] | None) -> bytes:
    return hashlib.sha256(_encode(assumed)).digest()[:16]
