"""Where entries stood when a change was made: the list, taken back change by change from its end."""

import bisect
from collections.abc import Sequence

from whatnext.records.codec import Record
from whatnext.records.schema import Value

_TELLING = ("position", "removed", "title")


class Rewind:
    """The order of a list's entries, stepping backwards through its records (given oldest first, all of them)."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._written: dict[str, list[dict[str, Value]]] = {}
        for record in records:
            for entry, fields in _entry_writes(record):
                self._written.setdefault(entry, []).append(fields)
        self._keys = sorted(key for entry in self._written if (key := self._key(entry)) is not None)

    def number(self, entry: str) -> int | None:
        """Number of an entry in the list, from 1; None when it was not in it."""
        key = self._key(entry)
        return None if key is None else bisect.bisect_left(self._keys, key) + 1

    def order(self) -> list[str]:
        """Ids of the entries in their order."""
        return [entry for _, entry in self._keys]

    def step_back(self, record: Record) -> None:
        """Take back the newest record that was not yet."""
        for entry, _ in _entry_writes(record):
            old = self._key(entry)
            self._written[entry].pop()
            self._replace(old, self._key(entry))

    def step_forward(self, record: Record) -> None:
        """Put back the record taken back last."""
        for entry, fields in _entry_writes(record):
            old = self._key(entry)
            self._written[entry].append(fields)
            self._replace(old, self._key(entry))

    def _replace(self, old: tuple[str, str] | None, new: tuple[str, str] | None) -> None:
        if old == new:
            return
        if old is not None:
            del self._keys[bisect.bisect_left(self._keys, old)]
        if new is not None:
            bisect.insort(self._keys, new)

    def _key(self, entry: str) -> tuple[str, str] | None:
        """What sorts an entry; None when it is removed or not whole."""
        position = _newest(self._written[entry], "position")
        listed = _newest(self._written[entry], "title") is not None and isinstance(position, str)
        if not listed or _newest(self._written[entry], "removed") is True:
            return None
        return str(position), entry


def _entry_writes(record: Record) -> list[tuple[str, dict[str, Value]]]:
    return [
        (write.id, write.fields)
        for write in record.body.writes
        if write.collection == "entries" and any(name in write.fields for name in _TELLING)
    ]


def _newest(written: list[dict[str, Value]], name: str) -> Value:
    return next((fields[name] for fields in reversed(written) if name in fields), None)
