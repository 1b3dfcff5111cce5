"""Search over all playlists on this device."""

from whatnext.errors import UserError
from whatnext.playlists import references, viewing
from whatnext.playlists.requests import Search
from whatnext.playlists.service import Playlists
from whatnext.playlists.values import text_of
from whatnext.playlists.views import SearchHit
from whatnext.records import ids
from whatnext.store.document_table import Stored

MAX_HITS = 1000


def search(here: Playlists, asked: Search) -> list[SearchHit]:
    """Entries and playlists that hold every word, whatever case and accents."""
    if not 1 <= asked.limit <= MAX_HITS:
        raise UserError(f"the limit is {asked.limit}: give a number from 1 to {MAX_HITS:,}")
    if not asked.text.split():
        raise UserError("nothing to search for: give at least one word")
    finder = _Finder(here)
    ask = asked.limit
    while True:  # what stands in deleted playlists is left out afterwards, so some searches must ask for more
        found = here.library.documents.search(asked.text, ask)
        hits = [hit for stored in found if (hit := finder.hit(stored)) is not None]
        if len(hits) >= asked.limit or len(found) < ask:
            return hits[: asked.limit]
        ask *= 4


class _Finder:
    """Makes hits, reading what belongs to a playlist once."""

    def __init__(self, here: Playlists) -> None:
        self._here = here
        self._known = set(here.library.playlists())
        self._readers: dict[bytes, tuple[viewing.Reader, dict[str, int], str]] = {}

    def hit(self, stored: Stored) -> SearchHit | None:
        """The hit, or None when its playlist is deleted or its entry is no whole track."""
        if stored.playlist not in self._known or references.is_deleted(self._here, stored.playlist):
            return None
        reader, numbers, name = self._reader(stored.playlist)
        is_entry = stored.collection == "entries"
        if is_entry and stored.id not in numbers:
            return None
        return SearchHit(
            playlist=ids.to_text(stored.playlist),
            playlist_name=name,
            entry=reader.entry(stored) if is_entry else None,
            number=numbers[stored.id] if is_entry else None,
        )

    def _reader(self, playlist: bytes) -> tuple[viewing.Reader, dict[str, int], str]:
        known = self._readers.get(playlist)
        if known is None:
            order = references.order(self._here, playlist)
            numbers = {entry: number for number, (entry, _) in enumerate(order, 1)}
            name = text_of(viewing.head(self._here, playlist), "name")
            known = self._readers[playlist] = (viewing.Reader(self._here, playlist), numbers, name)
        return known
