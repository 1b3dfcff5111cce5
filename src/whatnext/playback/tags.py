"""Reads the tags of one audio file with mutagen, as what they are: bytes from anywhere."""

import io
import logging
import re
import time
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from whatnext.playback.matching import Facts

MAX_BYTES = 16 * 1024 * 1024
"""Read of one file for its tags; pictures are among them."""
MAX_SECONDS = 2.0
MAX_TEXT = 500
MAX_ARTISTS = 20

_MBID_OWNER = "UFID:http://musicbrainz.org"
_TITLE = ("title", "TIT2", "\xa9nam")
_ARTISTS = ("artist", "artists", "TPE1", "\xa9ART")
_ISRC = ("isrc", "TSRC", "----:com.apple.iTunes:ISRC")
_MBID = (
    "musicbrainz_trackid",
    "TXXX:MusicBrainz Track Id",
    "----:com.apple.iTunes:MusicBrainz Track Id",
)
_NUMBER = re.compile(r"^\d{1,3}[ .)_-]+")

_log = logging.getLogger(__name__)


class TooMuch(OSError):
    """The tags of a file ask for more reading than any honest ones do."""


class Meter(io.RawIOBase):
    """A file that ends in `TooMuch` after so many bytes or seconds; mutagen believes any length it reads in a file."""

    def __init__(self, file: BinaryIO, size: int, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._file = file
        self._size = size
        self._left = MAX_BYTES
        self._now = now
        self._until = now() + MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes, never more than the file has; raises `TooMuch`."""
        behind = max(0, self._size - self._file.tell())
        asked = behind if size is None or size < 0 else min(size, behind)
        self._left -= asked
        if self._left < 0 or self._now() > self._until:
            raise TooMuch(f"its tags take more than {MAX_BYTES:,} bytes or {MAX_SECONDS:g} s to read")
        return self._file.read(asked)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move, as files do."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._file.tell()


def read(file: BinaryIO, size: int, path: str) -> Facts:
    """What the file says of itself; where it says no title, what its name says. Raises nothing for what is in it."""
    import mutagen  # only who has a music folder waits for it

    try:
        found = mutagen.File(Meter(file, size), options=_kinds())
        facts = _facts(found)
    except Exception as error:  # noqa: BLE001 - mutagen leaks any error of its parsing, beside its own
        _log.info("the tags of %r cannot be read: %r", path, error)
        facts = Facts()
    return facts if facts.title else _named(path, facts)


def _kinds() -> list[Any]:
    # Given, because mutagen's own list has formats that no browser plays, and a file need not look like its name.
    from mutagen.aac import AAC
    from mutagen.flac import FLAC
    from mutagen.mp3 import MP3
    from mutagen.mp4 import MP4
    from mutagen.oggflac import OggFLAC
    from mutagen.oggopus import OggOpus
    from mutagen.oggvorbis import OggVorbis
    from mutagen.wave import WAVE

    return [MP3, FLAC, MP4, OggVorbis, OggOpus, OggFLAC, WAVE, AAC]


def _facts(found: Any) -> Facts:
    if found is None:
        return Facts()
    tags = {} if found.tags is None else found.tags
    length = getattr(found.info, "length", 0) or 0
    return Facts(
        title=next(iter(_texts(tags, _TITLE)), ""),
        artists=tuple(dict.fromkeys(_texts(tags, _ARTISTS)))[:MAX_ARTISTS],
        duration_ms=round(length * 1000) if 0 < length < 1e6 else None,
        isrc=next(iter(_texts(tags, _ISRC)), None),
        mbid=_musicbrainz(tags),
    )


def _musicbrainz(tags: Any) -> str | None:
    owned = tags.get(_MBID_OWNER)  # ID3 keeps the recording's id there
    if owned is not None:
        return str(owned.data[:MAX_TEXT].decode("ascii", "replace"))
    return next(iter(_texts(tags, _MBID)), None)


def _texts(tags: Any, names: tuple[str, ...]) -> list[str]:
    """All values under these names, whatever the format keeps them as: lists, frames with `text`, bytes."""
    found: list[str] = []
    for name in names:
        try:
            kept = tags.get(name)
        except (KeyError, ValueError):  # Vorbis comments refuse names that are none of theirs
            continue
        values = getattr(kept, "text", kept)
        for value in values if isinstance(values, list) else [values]:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
            found += [text.strip()[:MAX_TEXT]] if text.strip() else []
    return found


def _named(path: str, facts: Facts) -> Facts:
    """`03 - Artist - Title.flac` and `Title.mp3`."""
    name = _NUMBER.sub("", PurePosixPath(path).stem) or PurePosixPath(path).stem
    artist, dash, title = name.partition(" - ")
    artists = facts.artists or ((artist.strip()[:MAX_TEXT],) if dash else ())
    return Facts(
        title=(title if dash else name).strip()[:MAX_TEXT],
        artists=artists,
        duration_ms=facts.duration_ms,
        isrc=facts.isrc,
        mbid=facts.mbid,
    )
