"""The formats that people have, tagged as their programs tag them, and which track each is."""

from pathlib import Path

import audio_formats
import pytest
from mutagen.id3 import ID3, TXXX, UFID

from whatnext.playback.folder import look
from whatnext.playback.matching import Facts, Index

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
FORMATS = (".mp3", ".flac", ".opus")


def index(folder: Path) -> Index:
    return Index(look(folder, {}, lambda: None))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_is_known_by_its_tags_whatever_its_format(tmp_path, suffix):
    more = {"isrc": "GBAYE6700001", "musicbrainz_trackid": MBID}
    audio_formats.write(tmp_path / f"x{suffix}", "Sóng", "Bänd", 3.0, **more)
    files = index(tmp_path)
    (facts,) = (file.facts for file in files.files.values())
    assert (facts.title, facts.artists, facts.isrc, facts.mbid) == ("Sóng", ("Bänd",), "GBAYE6700001", MBID)
    assert abs(facts.duration_ms - 3000) < 50
    for wanted in (
        Facts(title="Other", isrc="GBAYE6700001"),
        Facts(title="Other", mbid=MBID),
        Facts(title="song", artists=("band",), duration_ms=4000),
    ):
        assert files.find(wanted)
    assert files.find(Facts(title="song", artists=("band",), duration_ms=9000)) is None


def test_musicbrainz_id_of_a_track_on_a_release_is_none_of_a_recording(tmp_path):
    """Picard writes both: UFID is the recording, this one a track of one album."""
    path = audio_formats.write(tmp_path / "x.mp3", "Song", "Band", 1.0)
    tags = ID3(path)
    tags.add(TXXX(encoding=3, desc="MusicBrainz Release Track Id", text=[MBID]))
    tags.save()
    assert index(tmp_path).find(Facts(title="Other", mbid=MBID)) is None
    tags.add(UFID(owner="http://musicbrainz.org", data=MBID.encode()))
    tags.save()
    assert index(tmp_path).find(Facts(title="Other", mbid=MBID))
