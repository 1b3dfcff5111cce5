"""Whatever the bytes, a parser gives a playlist or one of our errors about the file, soon."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whatnext.errors import Ambiguous, BadFile
from whatnext.playlists.formats import FORMATS, Playlist, Track, parse, render

SAMPLES = Path(__file__).parent / "samples"
FULL = Track(
    title="a - b · c",
    artists=("d, e", "f"),
    album="*g*",
    duration_ms=1_234,
    isrc="USUM71703861",
    mbid="833d0b5d-5a4c-4a5a-a2c1-4a3c7d6f0b11",
    links=("https://example.org/h i", "j"),
    note="k\n---\nl",
    added_by="m",
    added_at=1_700_000_000_000,
)
PLAYLIST = Playlist(name="n", description="o\np", tags=("q", "r"), tracks=(FULL, Track(title="s")))
TOKENS = [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"---\n",
    b'"',
    b"\\",
    b"**",
    b"<",
    b"]]>",
    b"{",
    b"[",
    b"null",
    b"-1",
    b"1e999",
]
TOKENS += [
    b"9" * 5_000,
    b"<!DOCTYPE a>",
    b"&a;",
    b"#EXTINF:",
    b"#WHATNEXT:",
    b"\r",
    b"\n",
    b",",
    b";",
    b"\t",
    b"\xed\xa0\x80",
]
TOKENS += [
    b"\\ud800",
    b"true",
    b"&x [*x]",
    b"2001-99-99",
    b"<date>x</date>",
    b"<integer>0x</integer>",
    b"{}",
    b"[]",
]
ROUNDS = 3_000


def seeds(name):
    extensions = FORMATS[name].extensions
    found = [path.read_bytes() for path in sorted(SAMPLES.iterdir()) if path.suffix in extensions]
    if name == "itunes":
        import plistlib

        return [*found, plistlib.dumps(plistlib.loads(found[0]), fmt=plistlib.FMT_BINARY)]
    return [*found, render(PLAYLIST, name).content]


def mutated(content, chance):
    data = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(TOKENS)
            case 1:
                del data[at : at + chance.choice((1, 2, 40, len(data)))]
            case 2:
                data[at : at + 1] = chance.randbytes(1)
            case 3:
                other = chance.randrange(len(data) + 1)
                data[at:at] = data[other : other + 60]
            case 4:
                data[at : at + 4] = chance.choice(TOKENS)
    return bytes(data)


def outcome(content, name, filename=""):
    """The playlist, or the text of the refusal."""
    try:
        return parse(content, format=name, filename=filename).playlist
    except (BadFile, Ambiguous) as error:
        return str(error)


@pytest.mark.parametrize("name", FORMATS)
def test_mutated_files_give_a_playlist_or_one_of_our_errors(name):
    chance = random.Random(name)
    good = seeds(name)
    outcomes = []
    for _ in range(ROUNDS):
        content = mutated(chance.choice(good), chance)
        outcomes.append(outcome(content, name, chance.choice(("x.m3u", "x.m3u8", ""))))
    read = [playlist for playlist in outcomes if isinstance(playlist, Playlist)]
    assert 0 < len(read) < ROUNDS, "both ways through the parser are to be tried"
    assert all(outcomes)
    if FORMATS[name].can_export:
        for playlist in read:
            assert outcome(render(playlist, name).content, name).tracks == playlist.tracks


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(min_size=1, max_size=200)
    | st.text(min_size=1).map(lambda text: text.encode("utf-8", "replace"))
)
def test_random_bytes_give_a_playlist_or_a_bad_file(name, content):
    assert outcome(content, name, "x.m3u")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("csv", b"Title,Artist\n" + b'"' * 1_000_000),
        ("csv", b"Title," + b"a," * 500_000),
        ("csv", b"Title,Artist\n" + b"a,b\n" * 1_000_000),
        ("csv", b"Title,Artist\na," + b"\\" * 120_000 + b"\n"),
        ("m3u8", b"#EXTM3U\n#EXTINF:1 " + b'"' * 1_000_000),
        ("m3u8", b"#EXTM3U\n" + b"#EXTINF:" * 200_000),
        ("m3u8", b" - " * 400_000),
        ("m3u8", b"#EXTM3U\n#WHATNEXT:" + b"[" * 500_000),
        ("xspf", b"<playlist>" + b"<a/>" * 500_000),
        ("xspf", b"<playlist><title>" + b"a&#65;" * 200_000),
        ("xspf", b"<playlist><trackList><track>" + b"<location/>" * 300_000),
        ("jspf", b'{"a":' * 300_000),
        ("markdown", b"---\n" + b"[" * 250_000 + b"\n---\n"),
        ("markdown", b"---\n" + b"a: " * 80_000 + b"\n---\n"),
        ("markdown", b"---\n" + b"? " * 100_000 + b"\n---\n"),
        ("markdown", b"---\n" + b"- " * 100_000 + b"\n---\n"),
        ("markdown", b"1. " + b"*" * 500_000),
        ("markdown", b"1. " + b" - " * 300_000),
        ("markdown", b"1. a (" + b"(1:" * 300_000),
        ("markdown", b"1. a" + b" " * 300_000 + b"(x"),
        ("markdown", b"1. a\n   - note: b\\\n" + b"\\\n" * 300_000),
        ("markdown", b"1. a\n" + b"   - link: [" * 100_000),
        ("itunes", b"<plist>" + b"<array>" * 200_000),
    ],
)
def test_hostile_files_are_answered_soon(name, content):
    began = time.perf_counter()
    answer = outcome(content, name)
    assert isinstance(answer, Playlist) or len(answer) < 1_000
    # Each takes well under a second here; a quadratic reader would take minutes.
    assert time.perf_counter() - began < 8


def test_ten_thousand_rows_of_csv_are_read_well_under_a_second():
    playlist = Playlist(
        name="x", tracks=tuple(Track(title=f"{FULL.title} {n}", artists=FULL.artists) for n in range(10_000))
    )
    content = render(playlist, "csv").content
    began = time.perf_counter()
    assert len(parse(content, format="csv").playlist.tracks) == 10_000
    assert time.perf_counter() - began < 1
