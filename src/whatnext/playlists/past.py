"""What every field was, write by write: the ground on which undo decides. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from whatnext.playlists.editing import EMPTY
from whatnext.records.codec import Record
from whatnext.records.merge import DocumentKey
from whatnext.records.schema import Value

# What a field is while nobody wrote it.
UNWRITTEN: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        "playlists": {"description": "", "tags": [], "cover": None, "mode": "free", "removed": False},
        "entries": {**EMPTY, "removed": False},
        "votes": {"value": 0},
        "comments": {"removed": False},
    }
)


class Written(NamedTuple):
    """One write of a field."""

    record: Record
    value: Value


class Past:
    """Every write of some documents' fields; `records` are all that count, in merge order."""

    def __init__(self, records: Sequence[Record], keys: set[DocumentKey]) -> None:
        self._by_hash = {record.hash: record for record in records}
        self._written: dict[tuple[DocumentKey, str], list[Written]] = {}
        for record in records:
            for write in record.body.writes:
                if (key := (write.collection, write.id)) in keys:
                    for field, value in write.fields.items():
                        self._written.setdefault((key, field), []).append(Written(record, value))

    def before(self, key: DocumentKey, field: str | None, record: Record) -> list[Written]:
        """Writes of a field that merge sees before a record's, the oldest first."""
        written = self._written.get((key, field or ""), [])
        return [each for each in written if each.record.stamp < record.stamp]

    def stands(self, key: DocumentKey, field: str, target: Record) -> bool:
        """Whether a field still is what `target` made it.

        An undo that put back the value before it is looked through: what it put back stands as before.
        """
        written = list(self._written.get((key, field), []))
        while written:
            last = written[-1]
            if last.record == target:
                return True
            undone = self._by_hash.get(last.record.body.meta.undoes or b"")
            if undone is None or all(each.record != undone for each in written):
                return False
            written = self.before(key, field, undone)
            restored = written[-1].value if written else UNWRITTEN[key[0]].get(field)
            if restored != last.value:
                return False
        return False
