"""Merge of field writes: per (collection, id, field) the write with the greatest stamp wins.

The result is a pure function of the set of writes; order of arrival and duplicates do not matter.
"""

from collections.abc import Iterable
from typing import TypeAlias

from whatnext.records.codec import Record, Write
from whatnext.records.schema import Value

Stamp: TypeAlias = tuple[int, bytes, bytes, int]
"""(hlc, author, epoch, seq): a total order, since no two writes of one field share a record."""

DocumentKey: TypeAlias = tuple[str, str]
"""(collection, id)."""


class Document:
    """One document: its fields, the stamp behind each, and its first and last stamp."""

    __slots__ = ("by", "fields", "first", "last", "stamps")

    def __init__(self) -> None:
        self.fields: dict[str, Value] = {}
        self.stamps: dict[str, Stamp] = {}
        self.first: Stamp | None = None
        self.last: Stamp | None = None
        self.by: str | None = None

    def merge(self, fields: dict[str, Value], stamp: Stamp, by: str | None = None) -> list[str]:
        """Merge one write in; return the names of the fields whose value it now gives."""
        if self.first is None or stamp < self.first:
            self.first, self.by = stamp, by
        if self.last is None or stamp > self.last:
            self.last = stamp
        won = []
        for name, value in fields.items():
            current = self.stamps.get(name)
            if current is None or stamp > current:
                self.fields[name] = value
                self.stamps[name] = stamp
                won.append(name)
        return won

    @property
    def removed(self) -> bool:
        """Whether the document is deleted (undo writes `removed: false`)."""
        return self.fields.get("removed") is True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and (self.fields, self.stamps, self.first, self.last, self.by) == (
            other.fields,
            other.stamps,
            other.first,
            other.last,
            other.by,
        )

    __hash__ = None  # type: ignore[assignment]


def is_folded(write: Write) -> bool:
    """Whether a write makes a document; `members` are derived from governance instead."""
    return write.collection != "members"


def fold(records: Iterable[Record]) -> dict[DocumentKey, Document]:
    """Documents that a set of counted records makes."""
    documents: dict[DocumentKey, Document] = {}
    for record in records:
        for write in record.body.writes:
            if is_folded(write):
                document = documents.setdefault((write.collection, write.id), Document())
                document.merge(write.fields, record.stamp, record.body.meta.by)
    return documents
