"""`docs/formats.md` says what the code does: its tables are compared with formats and fields as they are."""

import plistlib
import re
from datetime import datetime
from pathlib import Path

import pytest

from whatnext.playlists.formats import FORMATS, Playlist, Track, parse, render
from whatnext.playlists.formats.columns import read_header
from whatnext.playlists.formats.limits import (
    MAX_FILE_BYTES,
    MAX_NAME_CHARS,
    MAX_TRACK_BYTES,
    MAX_TRACKS,
    MAX_VALUE_BYTES,
)

DOC = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
FULL = Track(
    title="Title",
    artists=("One", "Two"),
    album="Album",
    duration_ms=225_280,
    isrc="USUM71703861",
    mbid="833d0b5d-5a4c-4a5a-a2c1-4a3c7d6f0b11",
    links=("https://example.org/1", "https://example.org/2"),
    note="note",
    added_by="ines",
    added_at=1_700_000_000_000,
)
PLAYLIST = Playlist(
    name="Name", description="Description", tags=("tag",), tracks=(FULL, Track(title="Second"))
)
ROWS = {
    "title": "title",
    "artists, one by one": "artists",
    "album": "album",
    "duration in ms": "duration_ms",
    "ISRC": "isrc",
    "MusicBrainz id": "mbid",
    "links, all of them": "links",
    "note": "note",
    "added by": "added_by",
    "added at": "added_at",
}


def itunes():
    """All that iTunes writes about a track that we have a field for."""
    track = {
        "Name": FULL.title,
        "Artist": ", ".join(FULL.artists),
        "Album": FULL.album,
        "Total Time": FULL.duration_ms,
        "Location": FULL.links[0],
        "Comments": FULL.note,
        "Date Added": datetime(2023, 11, 14, 22, 13, 20),  # noqa: DTZ001 - property lists have no zone
    }
    items = [{"Track ID": 2}, {"Track ID": 1}]
    playlist = {"Name": PLAYLIST.name, "Description": PLAYLIST.description, "Playlist Items": items}
    return plistlib.dumps({"Tracks": {"2": track, "1": {"Name": "Second"}}, "Playlists": [playlist]})


def yes(value):
    return "yes" if value else "no"


@pytest.mark.parametrize("entry", FORMATS.values(), ids=FORMATS)
def test_every_format_is_documented_with_its_extensions_and_directions(entry):
    extensions = " ".join(f"`{extension}`" for extension in entry.extensions)
    row = f"| {entry.label} | `{entry.name}` | {extensions} | {yes(entry.can_import)} | {yes(entry.can_export)} |"
    assert row in DOC
    assert re.search(rf"^## {re.escape(entry.label)}$", DOC, re.MULTILINE)


def test_the_table_of_fields_is_what_comes_back_from_each_format():
    read = []
    for entry in FORMATS.values():
        content = render(PLAYLIST, entry.name).content if entry.can_export else itunes()
        read.append(parse(content, format=entry.name).playlist)
    expected = {
        "playlist name": [yes(playlist.name == PLAYLIST.name) for playlist in read],
        "description": [yes(playlist.description == PLAYLIST.description) for playlist in read],
        "tags": [yes(playlist.tags == PLAYLIST.tags) for playlist in read],
        "order": [
            yes([track.title for track in playlist.tracks] == ["Title", "Second"]) for playlist in read
        ],
    }
    for row, field in ROWS.items():
        expected[row] = [yes(getattr(playlist.tracks[0], field) == getattr(FULL, field)) for playlist in read]
    table = DOC.split("## What each format carries")[1].split("\n\n")[2].splitlines()
    assert table[0] == f"| field | {' | '.join(entry.label for entry in FORMATS.values())} |"
    assert table[2:] == [f"| {row} | {' | '.join(cells)} |" for row, cells in expected.items()]


def test_every_field_of_a_track_has_a_row():
    assert set(ROWS.values()) == set(Track.__struct_fields__)


def test_the_limits_are_those_of_the_code():
    section = " ".join(DOC.split("## Limits and encodings")[1].split())
    for said in (
        f"{MAX_FILE_BYTES // 1024**2} MiB a file",
        f"{MAX_TRACKS:,} tracks",
        f"{MAX_NAME_CHARS} characters in a name",
        f"{MAX_VALUE_BYTES // 1024} KiB in a value",
        f"{MAX_TRACK_BYTES // 1024} KiB in a track",
    ):
        assert said in section


def test_the_column_names_in_the_page_are_known_to_the_code():
    section = DOC.split("## Exportify CSV")[1].split("##")[0]
    names = re.findall(r'"([^"]+)"', section)
    assert len(names) > 8
    for name in names:
        assert read_header(name).known == 1, name


def test_the_text_samples_of_the_page_are_read_without_a_warning():
    samples = re.findall(r"```text\n(.*?)```", DOC, re.DOTALL)
    assert len(samples) == 2
    for sample in samples:
        imported = parse(sample.encode())
        assert imported.warnings == ()
        assert (imported.playlist.name, imported.playlist.tags) == ("Kitchen", ("party",))
        track = imported.playlist.tracks[0]
        assert (track.title, track.artists, track.note) == ("Take On Me", ("a-ha",), "loud")
        assert (track.album, track.duration_ms) == ("Hunting High and Low", 225_280)
