"""Documents in SQLite: one row each with its field stamps, its place in the change feed and its search words."""

import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from whatnext.records.merge import Document, DocumentKey, Stamp
from whatnext.records.schema import Value


class Stored(msgspec.Struct, frozen=True):
    """A document as it stands in the store."""

    playlist: bytes
    collection: str
    id: str
    document: Document
    gone: bool
    feed: int


class _Stamps(msgspec.Struct, array_like=True):
    """Stamps of a document: most fields share a few, so each is written once."""

    table: list[Stamp]
    fields: dict[str, int]
    first: int | None
    last: int | None
    by: str | None = None


_encode_json = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder(dict[str, Value]).decode
_encode_stamps = msgspec.msgpack.Encoder().encode
_decode_stamps = msgspec.msgpack.Decoder(_Stamps).decode

_VOID = (
    2  # in `gone`: the row stays for the feed, so that readers hear of its end, but holds nothing that counts
)

_COLUMNS = "playlist, collection, id, fields, stamps, gone, feed"


def folded(text: str) -> str:
    """Text as search sees it: no case, no accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


class DocumentTable:
    """The table `documents`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._feed: int | None = None

    def forget_feed(self) -> None:
        """Read the feed's end anew: a transaction was rolled back."""
        self._feed = None

    def get(self, playlist: bytes, key: DocumentKey) -> Document | None:
        """One document, removed ones included; None when no record ever wrote it."""
        row = self._db.execute(
            "SELECT fields, stamps FROM documents WHERE playlist = ? AND collection = ? AND id = ? AND gone < 2",
            (playlist, *key),
        ).fetchone()
        return None if row is None else _decode(*row)

    def stored(self, playlist: bytes, key: DocumentKey) -> Stored | None:
        """One document with its place in the feed, also when none of its records counts any more."""
        found = self._stored("WHERE playlist = ? AND collection = ? AND id = ?", (playlist, *key))
        return found[0] if found else None

    def put(
        self, playlist: bytes, documents: Iterable[tuple[DocumentKey, Document]], *, void: bool = False
    ) -> None:
        """Write documents and give each the next number of the feed; `void` ones have no counted record left."""
        feed = self.last_feed()
        rows = []
        for (collection, document_id), document in documents:
            feed += 1
            rows.append(
                (
                    playlist,
                    collection,
                    document_id,
                    _encode_json(document.fields).decode(),
                    _encode(document),
                    _place(collection, document),
                    _words(collection, document),
                    _VOID if void else document.removed,
                    feed,
                )
            )
        self._db.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._feed = feed

    def touch(self, playlist: bytes, keys: Sequence[DocumentKey]) -> None:
        """Give documents the next numbers of the feed though nothing of them changed: readers are told them again."""
        feed = self.last_feed()
        self._db.executemany(
            "UPDATE documents SET feed = ? WHERE playlist = ? AND collection = ? AND id = ?",
            [(feed + n, playlist, *key) for n, key in enumerate(keys, 1)],
        )
        self._feed = None  # some may not exist

    def last_feed(self) -> int:
        """Number of the newest change."""
        if self._feed is None:
            self._feed = self._db.execute("SELECT coalesce(max(feed), 0) FROM documents").fetchone()[0]
        return self._feed

    def in_playlist(self, playlist: bytes, collection: str, *, gone: bool = False) -> list[Stored]:
        """Documents of one collection (entries in their order), with `gone` the removed ones too."""
        order = "position, id" if collection == "entries" else "id"
        return self._stored(
            f"WHERE playlist = ? AND collection = ? AND gone <= ? ORDER BY {order}",
            (playlist, collection, gone),
        )

    def count_entries(self, playlist: bytes) -> int:
        """Entries ever added, removed ones included."""
        row = self._db.execute(
            "SELECT count(*) FROM documents WHERE playlist = ? AND collection = 'entries' AND gone < 2",
            (playlist,),
        ).fetchone()
        return int(row[0])

    def keys(self, playlist: bytes) -> set[DocumentKey]:
        """Keys of all documents of a playlist, derived `members` excluded."""
        rows = self._db.execute(
            "SELECT collection, id FROM documents WHERE playlist = ? AND collection <> 'members' AND gone < 2",
            (playlist,),
        )
        return {(collection, document_id) for collection, document_id in rows}

    def order(self, playlist: bytes) -> list[tuple[str, str]]:
        """(id, position) of the entries in their order: enough to place a new one."""
        return self._db.execute(
            "SELECT id, position FROM documents WHERE playlist = ? AND collection = 'entries' AND NOT gone"
            " AND position IS NOT NULL ORDER BY position, id",
            (playlist,),
        ).fetchall()

    def changes(self, after: int, limit: int) -> list[Stored]:
        """The change feed: documents whose newest change is later than `after`, oldest first."""
        return self._stored("WHERE feed > ? ORDER BY feed LIMIT ?", (after, limit))

    def collections_changed(self, after: int) -> frozenset[str]:
        """Collections in which something changed later than a number of the feed."""
        rows = self._db.execute("SELECT DISTINCT collection FROM documents WHERE feed > ?", (after,))
        return frozenset(collection for (collection,) in rows)

    def changes_of(
        self, collection: str, playlists: Sequence[bytes] | None, after: int, limit: int
    ) -> list[Stored]:
        """The feed of one collection, over some playlists or (None) all; ended documents (`void`) included.

        To be shown only: the stamps of single fields are left out, which are half the work of reading a document.
        """
        among, some = "", list(playlists or ())
        if playlists is not None:
            among = f"AND playlist IN ({', '.join('?' * len(playlists))})"
        where = f"WHERE collection = ? {among} AND feed > ? ORDER BY feed LIMIT ?"
        return self._stored(where, (collection, *some, after, limit), _decode_shown)

    def search(self, text: str, limit: int) -> list[Stored]:
        """Entries and playlists that hold every word of the text, in any playlist."""
        words = folded(text).split()
        if not words:
            return []
        likes = " AND ".join(["words LIKE ? ESCAPE '\\'"] * len(words))
        patterns = [
            "%" + w.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%" for w in words
        ]
        return self._stored(
            f"WHERE words IS NOT NULL AND NOT gone AND {likes} ORDER BY playlist, position, id LIMIT ?",
            (*patterns, limit),
        )

    def delete_playlist(self, playlist: bytes) -> None:
        """Forget what the documents of a playlist held; that they are gone stays in the feed for its readers."""
        held = self._stored("WHERE playlist = ? AND gone < 2 ORDER BY feed", (playlist,))
        empty = Document()
        self.put(playlist, [((stored.collection, stored.id), empty) for stored in held], void=True)

    def _stored(
        self,
        where: str,
        parameters: tuple[object, ...],
        decode: Callable[[str, bytes], Document] | None = None,
    ) -> list[Stored]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM documents {where}", parameters)
        return list(_rows(rows, decode or _decode))


def _rows(
    rows: Iterable[tuple[bytes, str, str, str, bytes, int, int]], decode: Callable[[str, bytes], Document]
) -> Iterator[Stored]:
    for playlist, collection, document_id, fields, stamps, gone, feed in rows:
        yield Stored(playlist, collection, document_id, decode(fields, stamps), bool(gone), feed)


def _place(collection: str, document: Document) -> Value:
    """Position of an entry that is a track: one whose adding counts, so that it has a title too."""
    if collection == "entries" and "title" in document.fields:
        return document.fields.get("position")
    return None


def _words(collection: str, document: Document) -> str | None:
    fields = document.fields
    if collection == "entries":
        artists = fields.get("artists")
        parts = [fields.get("title"), *(artists if isinstance(artists, list) else []), fields.get("album")]
        parts += [fields.get("note"), fields.get("isrc")]
    elif collection == "playlists":
        tags = fields.get("tags")
        parts = [fields.get("name"), fields.get("description"), *(tags if isinstance(tags, list) else [])]
    else:
        return None
    return folded(" ".join(part for part in parts if isinstance(part, str)))


def _encode(document: Document) -> bytes:
    table: dict[Stamp, int] = {}

    def index(stamp: Stamp | None) -> int | None:
        return None if stamp is None else table.setdefault(stamp, len(table))

    fields = {name: table.setdefault(stamp, len(table)) for name, stamp in document.stamps.items()}
    first, last = index(document.first), index(document.last)
    return _encode_stamps(_Stamps(list(table), fields, first, last, document.by))


def _decode(fields: str, stamps: bytes) -> Document:
    packed = _decode_stamps(stamps)
    document = _shown(fields, packed)
    document.stamps = {name: packed.table[at] for name, at in packed.fields.items()}
    return document


def _decode_shown(fields: str, stamps: bytes) -> Document:
    return _shown(fields, _decode_stamps(stamps))


def _shown(fields: str, packed: _Stamps) -> Document:
    document = Document()
    document.fields = _decode_json(fields)
    document.first = None if packed.first is None else packed.table[packed.first]
    document.last = None if packed.last is None else packed.table[packed.last]
    document.by = packed.by
    return document
