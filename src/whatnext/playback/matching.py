"""Which file is which track: by ISRC, else by MusicBrainz recording, else by title, artist and length. Pure."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from whatnext.store.document_table import folded

TOLERANCE_MS = 3000
"""Copies of one recording differ by the silence around it; live and radio versions differ by more."""

_WORD = re.compile(r"\w+")
# “Song (feat. B)”, “Song [ft. B]”, “Song feat. B”, and “A feat. B” as an artist: who else plays is no part of the name.
_GUESTS = re.compile(
    r"\s(?:[(\[](?:feat|ft|featuring)\b[^)\]]*[)\]]|(?:feat|ft|featuring)\b.*?(?=\s[-–—]\s|[(\[]|$))",
    re.IGNORECASE,
)
_AND = re.compile(r"[,;/&+]|\b(?:feat|ft|featuring)\b", re.IGNORECASE)
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a recording, on either side."""

    title: str = ""
    artists: tuple[str, ...] = ()
    duration_ms: int | None = None
    isrc: str | None = None
    mbid: str | None = None


class AudioFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: `path` is relative to the folder, its parts joined by `/`; size and time tell whether it changed."""

    path: str
    size: int
    modified_ns: int
    facts: Facts


def plain(text: str) -> str:
    """Text as it is compared: its words without case, accents and punctuation; signs alone stay as they are."""
    bare = folded(folded(text))  # once is not enough for “𝙰”, which becomes a capital first
    return " ".join(_WORD.findall(bare)) or bare.strip()


def title_key(title: str) -> str:
    """A title as it is compared, without the guests in it; “(live)” and “(remix)” stay, they are other recordings."""
    return plain(_GUESTS.sub("", title)) or plain(title)


def names_of(artists: Iterable[str]) -> set[str]:
    """Artists as they are compared: each as a whole, and each of those that one field names together."""
    return {plain(name) for artist in artists for name in (artist, *_AND.split(artist)) if name.strip()}


def isrc_of(text: str | None) -> str | None:
    """An ISRC (ISO 3901) in its one form, or None when the text is none."""
    bare = (text or "").upper().replace("-", "").replace(" ", "")
    return bare if _ISRC.fullmatch(bare) else None


def mbid_of(text: str | None) -> str | None:
    """A MusicBrainz id in its one form, or None when the text is none."""
    bare = (text or "").strip().lower()
    return bare if _MBID.fullmatch(bare) else None


def lengths_agree(one: int | None, other: int | None) -> bool:
    """Whether two lengths may be of one recording; an unknown one says nothing against it."""
    return one is None or other is None or abs(one - other) <= TOLERANCE_MS


def artists_agree(one: Facts, other: Facts) -> bool:
    """Whether they have an artist in common; where a side names none, only two known lengths speak for it."""
    ours, theirs = names_of(one.artists), names_of(other.artists)
    if ours and theirs:
        return bool(ours & theirs)
    return one.duration_ms is not None and other.duration_ms is not None


class Index:
    """The files of a folder by what they are found by; it never changes."""

    def __init__(self, files: Iterable[AudioFile] = ()) -> None:
        self.files: Mapping[str, AudioFile] = {file.path: file for file in files}
        self._by_isrc: dict[str, list[AudioFile]] = {}
        self._by_mbid: dict[str, list[AudioFile]] = {}
        self._by_title: dict[str, list[AudioFile]] = {}
        for _, file in sorted(self.files.items()):
            _note(self._by_isrc, isrc_of(file.facts.isrc), file)
            _note(self._by_mbid, mbid_of(file.facts.mbid), file)
            _note(self._by_title, title_key(file.facts.title), file)

    def find(self, wanted: Facts) -> AudioFile | None:
        """The file of a track: the surest kind of match, then the closest length, then the first by name."""
        exact = self._by_isrc.get(isrc_of(wanted.isrc) or "") or self._by_mbid.get(mbid_of(wanted.mbid) or "")
        found = exact or [
            file
            for file in self._by_title.get(title_key(wanted.title), ())
            if lengths_agree(wanted.duration_ms, file.facts.duration_ms) and artists_agree(wanted, file.facts)
        ]
        return min(found, key=lambda file: (_apart(wanted, file), file.path), default=None)


def _note(index: dict[str, list[AudioFile]], key: str | None, file: AudioFile) -> None:
    if key:
        index.setdefault(key, []).append(file)


def _apart(wanted: Facts, file: AudioFile) -> float:
    if wanted.duration_ms is None or file.facts.duration_ms is None:
        return float("inf")
    return abs(wanted.duration_ms - file.facts.duration_ms)
