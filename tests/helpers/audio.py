"""Small audio files, made here: a tone as WAV, with tags or without."""

import io
import math
import struct
import wave
from pathlib import Path

from mutagen.id3 import ID3, TIT2, TPE1, TSRC, UFID
from mutagen.wave import WAVE

RATE = 8000


def tone(seconds: float = 1.0) -> bytes:
    """A WAV file of one quiet tone."""
    samples = (int(2000 * math.sin(n / 3)) for n in range(int(RATE * seconds)))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return file.getvalue()


def write(
    path: Path,
    title: str = "",
    artist: str = "",
    seconds: float = 1.0,
    isrc: str | None = None,
    mbid: str | None = None,
) -> Path:
    """A WAV file with ID3 tags where they are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tone(seconds))
    if not (title or artist or isrc or mbid):
        return path
    audio = WAVE(path)
    audio.add_tags()
    tags = audio.tags
    assert isinstance(tags, ID3)
    tags.add(TIT2(text=title))
    tags.add(TPE1(text=artist))
    if isrc:
        tags.add(TSRC(text=isrc))
    if mbid:
        tags.add(UFID(owner="http://musicbrainz.org", data=mbid.encode()))
    audio.save()
    return path
