"""What a CSV header means: each column's field, found by alias, whatever the order, case, spacing and separator."""

import csv
import io
import re

import msgspec

from whatnext.playlists.formats.text import show

# Aliases as `_fold` leaves them, the surest first: "Track" is a title only where nothing else is.
_ALIASES = {
    "title": "trackname title tracktitle songname songtitle song name track",
    "artists": "artistnames artistname artists artist trackartists trackartist creator",
    "album": "albumname albumtitle album releasename release",
    "duration_ms": "durationms trackdurationms lengthms totaltimems",
    "seconds": "durations durationsec durationseconds lengths lengthsec lengthseconds",
    "clock": "duration trackduration length time totaltime",
    "isrc": "isrc isrccode trackisrc",
    "mbid": "musicbrainzid mbid recordingmbid musicbrainzrecordingid musicbrainztrackid",
    "links": "trackuri spotifyuri uri trackurl spotifyurl url link links location spotifyid spotifytrackid trackid",
    "note": "note notes comment comments annotation",
    "added_by": "addedby",
    "added_at": "addedat dateadded addeddate",
    "playlist": "playlistname playlist",
    "artist_uris": "artisturis artistids artisturi artistid",
}
_FIELD_OF = {
    alias: (field, rank) for field, aliases in _ALIASES.items() for rank, alias in enumerate(aliases.split())
}
DELIMITERS = (",", ";", "\t")


class Layout(msgspec.Struct, frozen=True):
    """A header read with one delimiter: which columns hold a field (surest first; links in file order).

    `ids` are columns of bare Spotify ids, `unknown` the names of columns nobody knows, quoted for a message.
    """

    delimiter: str
    width: int
    columns: dict[str, list[int]]
    ids: frozenset[int]
    unknown: tuple[str, ...]

    @property
    def known(self) -> int:
        """How many columns we know."""
        return sum(map(len, self.columns.values()))


def read_header(text: str) -> Layout:
    """The layout of the first line of `text` with the delimiter that finds most. Raises csv.Error."""
    return max((_read(text, delimiter) for delimiter in DELIMITERS), key=lambda layout: layout.known)


def looks_like_csv(text: str) -> bool:
    """Whether the first line of `text` names a title column and at least one more we know."""
    try:
        layout = read_header(text.lstrip())
    except csv.Error:
        return False
    return "title" in layout.columns and layout.known > 1


def _read(text: str, delimiter: str) -> Layout:
    names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True), [])
    ranked: dict[str, list[tuple[int, int]]] = {}
    ids: set[int] = set()
    unknown: list[str] = []
    for index, name in enumerate(names):
        folded = _fold(name)
        if folded not in _FIELD_OF:
            unknown += [show(name)] if name.strip() else []
            continue
        field, rank = _FIELD_OF[folded]
        ranked.setdefault(field, []).append((index if field == "links" else rank, index))
        if field == "links" and folded.endswith("id"):
            ids.add(index)
    columns = {field: [index for _, index in sorted(found)] for field, found in ranked.items()}
    return Layout(
        delimiter=delimiter, width=len(names), columns=columns, ids=frozenset(ids), unknown=tuple(unknown)
    )


def _fold(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
