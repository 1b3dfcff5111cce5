"""Whatever is exported can be imported again: order, titles in any script, durations, ISRC, ids and links."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whatnext.playlists.formats import FORMATS, Playlist, Track, parse, render
from whatnext.playlists.formats.tidy import tidy_playlist

WRITABLE = [name for name, entry in FORMATS.items() if entry.can_export]
# Texts people and attackers have, beside random ones: each has broken some playlist program.
AWKWARD = (
    *(
        "---",
        "# no heading",
        "1. no item",
        "- no item",
        "a, b; c",
        "a - b",
        " - ",
        "a · b · 3:45",
        "*a* **b**",
    ),
    *(
        'say "hello"',
        "'s",
        "back\\slash\\",
        "\\",
        "\\,",
        "line\nbreak",
        "tab\there",
        "\r\n",
        "\x00\x1b[31m",
        "\ufeff",
    ),
    *(
        "#EXTINF:1,x",
        "#WHATNEXT:{}",
        "</title><!--",
        "&amp; &#183;",
        "]]>",
        "夜に駆ける",
        "إنت عمري",
        "ירושלים",
        "छैया",
    ),
    *(
        "🎸👩‍🎤",
        "e\u0301",
        "\ud800",
        "\uffff",
        "=1+1",
        "null",
        "no",
        "1999",
        "~",
        "x" * 300,
        "  padded  ",
        "(3:45)",
    ),
    *(
        "http://e.org/?q=a b#c",
        "C:\\Music\\a.mp3",
        "../a/b.mp3",
        "<b>",
        "a | b",
        "`code`",
        "sep=;",
        "a\u2028b",
        "\x85",
    ),
)
text = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(max_size=12),
    st.lists(st.sampled_from(AWKWARD), max_size=3).map("".join),
)
isrc = st.from_regex("[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", fullmatch=True)
tracks = st.builds(
    Track,
    title=text,
    artists=st.lists(text, max_size=3).map(tuple),
    album=text,
    duration_ms=st.none()
    | st.integers(0, 2**53 - 1)
    | st.integers(0, 600).map(lambda seconds: seconds * 1000),
    isrc=st.none() | isrc,
    mbid=st.none() | st.uuids().map(str),
    links=st.lists(text, max_size=3).map(tuple),
    note=text,
    added_by=st.none() | text,
    added_at=st.none() | st.integers(0, 253_402_300_799_999),
)
playlists = st.builds(
    Playlist,
    name=text.filter(lambda name: bool(tidy_playlist(Playlist(name=name))[0].name) and len(name) <= 500),
    description=text,
    tags=st.lists(text, max_size=3).map(tuple),
    tracks=st.lists(tracks, max_size=4).map(tuple),
)


@pytest.mark.parametrize("name", WRITABLE)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(playlist=playlists)
def test_every_track_comes_back_as_it_was_written(name, playlist):
    tidied, _ = tidy_playlist(playlist)
    exported = render(playlist, name)
    imported = parse(exported.content, format=name)
    assert imported.playlist.tracks == tidied.tracks
    if name == "csv":
        # The three things CSV has no place for, and each is said.
        for field in ("name", "description", "tags"):
            assert any(field in loss for loss in exported.losses) == bool(getattr(tidied, field))
    else:
        assert imported.playlist == tidied


@settings(max_examples=200, deadline=None)
@given(playlist=playlists)
def test_tidying_twice_changes_nothing_more(playlist):
    tidied, _ = tidy_playlist(playlist)
    assert tidy_playlist(tidied) == (tidied, [])


@pytest.mark.parametrize("name", WRITABLE)
@settings(max_examples=50, deadline=None)
@given(playlist=playlists)
def test_writing_a_file_read_back_gives_the_same_bytes(name, playlist):
    first = render(playlist, name).content
    read = parse(first, format=name, filename="x").playlist
    assert render(read, name).content == first


@pytest.mark.parametrize("name", WRITABLE)
def test_a_list_with_every_field_passes_through_all_formats_in_turn_unharmed(name):
    track = Track(
        title='Say "Hello", Wave Goodbye',
        artists=("Tyler, The Creator", "竹内まりや"),
        album="Earth; Wind",
        duration_ms=225_123,
        isrc="USUM71703861",
        mbid="833d0b5d-5a4c-4a5a-a2c1-4a3c7d6f0b11",
        links=("https://example.org/a?b=c&d", "spotify:track:2WfaOiMkCvy7F5fcp2zZ8L", "../a b.mp3"),
        note="first\n\n- second\n# third",
        added_by="12D3KooWExample",
        added_at=1_700_000_000_123,
    )
    playlist = Playlist(name="台所", tracks=(track, Track(title="Last")))
    for other in WRITABLE:
        playlist = parse(render(playlist, other).content, filename="台所.x", format=other).playlist
    exported = render(playlist, name)
    assert parse(exported.content, format=name, filename="台所").playlist.tracks == (
        track,
        Track(title="Last"),
    )


def test_what_had_to_change_on_the_way_out_is_said_by_track():
    spoilt = (Track(title="a\nb"), Track(title="", isrc="nonsense"), Track(title="c", duration_ms=-5))
    exported = render(Playlist(name="x", tracks=spoilt), "xspf")
    assert [loss[:8] for loss in exported.losses] == ["Track 1:", "Track 2:", "Track 2:", "Track 3:"]
    assert "'a b'" in exported.losses[0]
    assert "'Untitled'" in exported.losses[1]
    assert "'nonsense' is no ISRC" in exported.losses[2]
    assert "'-5' is no duration" in exported.losses[3]
