"""Which file is which track."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whatnext.playback.matching import (
    TOLERANCE_MS,
    AudioFile,
    Facts,
    Index,
    isrc_of,
    lengths_agree,
    mbid_of,
    plain,
)

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def file(path: str, **facts) -> AudioFile:
    return AudioFile(path=path, size=1, modified_ns=1, facts=Facts(**facts))


def found(wanted: Facts, *files: AudioFile) -> str | None:
    match = Index(files).find(wanted)
    return match and match.path


def test_an_isrc_decides_however_it_is_written_and_whatever_the_title_is():
    files = (
        file("a", isrc="gb-aye-67-00001", title="Other"),
        file("b", title="Song", artists=("A",), mbid=MBID),
    )
    assert found(Facts(title="Song", artists=("A",), isrc="GBAYE6700001", mbid=MBID), *files) == "a"


def test_a_recording_of_musicbrainz_decides_where_no_isrc_does():
    files = (
        file("a", title="Song", artists=("A",)),
        file("b", title="Another name", mbid=MBID.upper()),
    )
    assert found(Facts(title="Song", artists=("A",), isrc="GBAYE6700009", mbid=MBID), *files) == "b"


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        (Facts(title="SENORITA!", artists=("Beyonce",), duration_ms=202_999), True),
        (Facts(title="Senorita", artists=("X", "Béyoncé"), duration_ms=197_000), True),
        (Facts(title="Señorita", artists=("Beyoncé",), duration_ms=203_001), False),
        (Facts(title="Señorita", artists=("Somebody",), duration_ms=200_000), False),
        (Facts(title="Señorita", artists=("Beyoncé",)), True),
        (Facts(title="Señorita", duration_ms=200_000), True),
        (Facts(title="Señorita"), False),
        (Facts(title="Señorita (live)", artists=("Beyoncé",), duration_ms=200_000), False),
        (Facts(title="", artists=("Beyoncé",), duration_ms=200_000), False),
    ],
)
def test_title_artist_and_length_decide_last(wanted, is_found):
    song = file("a", title="Señorita", artists=("Beyoncé",), duration_ms=200_000)
    assert (found(wanted, song) == "a") is is_found


@pytest.mark.parametrize(
    ("title", "artists", "is_found"),
    [
        ("Song", ("A",), True),
        ("Song (feat. B)", ("A",), True),
        ("Song [ft. B & C]", ("A", "B"), True),
        ("SONG featuring B", ("A feat. B",), True),
        ("Song", ("B; A",), True),
        ("Song", ("A, B",), True),
        ("Söng", ("Ä",), True),
        ("Song (Live)", ("A",), False),
        ("Song - Live at Home", ("A",), False),
        ("Song (B Remix)", ("A",), False),
        ("Song (feat. B) (Live)", ("A",), False),
        ("Song feat. B (Live)", ("A",), False),
        ("Song feat. B - Radio Edit", ("A",), False),
        ("Song Two", ("A",), False),
        ("Song", ("B",), False),
        ("Song", ("A Band",), False),
        ("Defeat", ("A",), False),
        ("", ("A",), False),
    ],
)
def test_guests_are_no_part_of_a_name_and_another_version_is_another_recording(title, artists, is_found):
    studio = file("a", title="Song", artists=("A",), duration_ms=200_000)
    other = file("a", title=title, artists=artists, duration_ms=200_000)
    assert (found(Facts(title=title, artists=artists, duration_ms=200_000), studio) == "a") is is_found
    assert (found(Facts(title="Song", artists=("A",), duration_ms=200_000), other) == "a") is is_found


def test_a_hostile_title_costs_no_time():
    """500 characters and 200 artists are what a record may hold."""
    wanted = Facts(title=" (feat" * 80, artists=tuple(f"{' ' * 400}feat {n}" for n in range(200)))
    index = Index([file("a", title="Song", artists=("A",))])
    began = time.perf_counter()
    assert index.find(wanted) is None
    assert time.perf_counter() - began < 1


def test_of_several_files_the_closest_in_length_is_played_then_the_first_by_name():
    files = [
        file(path, title="Song", artists=("A",), duration_ms=ms)
        for path, ms in (("c", 201_000), ("b", 200_100), ("a", 198_000), ("bb", 199_900))
    ]
    assert found(Facts(title="Song", artists=("A",), duration_ms=200_000), *files) == "b"
    assert found(Facts(title="Song", artists=("A",)), *files) == "a"


def test_signs_alone_are_a_title_too():
    assert found(Facts(title="!!!", artists=("A",)), file("a", title="!!!", artists=("a",))) == "a"
    assert found(Facts(title="!!!", artists=("A",)), file("a", title="???", artists=("a",))) is None


@example("𝙰")
@given(st.text(max_size=40))
def test_text_is_compared_in_a_form_that_stays_itself(text):
    assert plain(plain(text)) == plain(text)


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_lengths_agree_both_ways_within_the_tolerance(one, other):
    assert lengths_agree(one, other) == lengths_agree(other, one) == (abs(one - other) <= TOLERANCE_MS)


facts = st.builds(
    Facts,
    title=st.sampled_from(["", "Song", "song ", "Élan", "!"]),
    artists=st.lists(st.sampled_from(["A", "á", "B"]), max_size=2).map(tuple),
    duration_ms=st.none() | st.integers(0, 9000),
    isrc=st.sampled_from([None, "GBAYE6700001", "gb-aye-67-00001", "nonsense"]),
    mbid=st.sampled_from([None, MBID, "nonsense"]),
)


@given(facts, st.lists(facts, max_size=6))
def test_what_is_found_has_a_reason_and_nothing_that_has_one_is_missed(wanted, known):
    files = [AudioFile(path=str(n), size=1, modified_ns=1, facts=each) for n, each in enumerate(known)]
    match = Index(files).find(wanted)
    same_isrc = [f for f in files if isrc_of(wanted.isrc) and isrc_of(f.facts.isrc) == isrc_of(wanted.isrc)]
    same_mbid = [f for f in files if mbid_of(wanted.mbid) and mbid_of(f.facts.mbid) == mbid_of(wanted.mbid)]
    if same_isrc:
        assert match in same_isrc
    elif same_mbid:
        assert match in same_mbid
    elif match is not None:
        assert plain(match.facts.title) == plain(wanted.title) != ""
        assert lengths_agree(match.facts.duration_ms, wanted.duration_ms)
    else:
        assert not [
            f
            for f in files
            if plain(f.facts.title) == plain(wanted.title) != ""
            and lengths_agree(f.facts.duration_ms, wanted.duration_ms)
            and {plain(a) for a in f.facts.artists} & {plain(a) for a in wanted.artists}
        ]
    assert Index(reversed(files)).find(wanted) == match
