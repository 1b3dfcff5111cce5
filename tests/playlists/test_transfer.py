import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playlist_devices import Device, Wall

from whatnext.errors import BadFile, NotPermitted, StoreUnwritable, UserError
from whatnext.playlists import formats
from whatnext.playlists.formats import Playlist, Track
from whatnext.playlists.requests import TrackInput

BOTH_WAYS = [name for name, kind in formats.FORMATS.items() if kind.can_import and kind.can_export]
KEPT = ("title", "artists", "album", "duration_ms", "isrc", "mbid", "links", "note")
TRACKS = [
    TrackInput(
        title="Bad Guy", artists=["Billie Eilish"], album="When We All Fall Asleep", duration_ms=194088
    ),
    TrackInput(title="上を向いて歩こう", artists=["坂本 九"], isrc="JPTO06100180"),
    TrackInput(title="Ой, то не вечер", mbid="b1a9c0e9-d987-4042-ae91-78d6a3267d69", note="two\nlines"),
    TrackInput(title="Under Pressure", artists=["Queen", "David Bowie"], links=["https://example.com/a?b=c"]),
    TrackInput(title="حلوة يا بلدي", artists=["Dalida"], duration_ms=0),
]


def kept(entry):
    return {name: getattr(entry, name) for name in KEPT}


@pytest.mark.parametrize("form", BOTH_WAYS)
def test_a_playlist_comes_back_as_it_went_out_in_every_format(circle, form):
    ann = circle.ann
    ann.do("playlist.describe", playlist=circle.id, description="all the way")
    ann.do("playlist.add", playlist=circle.id, tracks=TRACKS)
    exported = ann.do("playlist.export", playlist=circle.id, format=form)
    report = ann.do("playlist.import", content=exported.content, filename=exported.filename, name="Again")
    was, now = ann.show(circle.id), ann.show(report.playlist)
    assert [kept(entry) for entry in now.entries] == [kept(entry) for entry in was.entries]
    assert (report.name, report.entries, report.format) == ("Again", 5, form)
    assert now.description == was.description or any("description" in loss for loss in exported.losses)
    assert report.warnings == ["Who added a track and when is not taken over: all count as added by you now."]


TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], codec="utf-8"), max_size=30)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.builds(TrackInput, title=TEXT.filter(str.strip), artists=st.lists(TEXT, max_size=3), album=TEXT,
                          duration_ms=st.none() | st.integers(0, 2**31)), min_size=1, max_size=8),
       st.sampled_from(BOTH_WAYS))  # fmt: skip
def test_any_titles_come_back(tracks, form):
    device = Device("Ann", 1, Wall())
    playlist = device.do("playlist.create", name="x").id
    device.do("playlist.add", playlist=playlist, tracks=tracks)
    exported = device.do("playlist.export", playlist=playlist, format=form)
    report = device.do("playlist.import", content=exported.content, filename="f", format=form)
    was, now = device.show(playlist), device.show(report.playlist)
    assert [kept(entry) for entry in now.entries] == [kept(entry) for entry in was.entries]


def test_ten_thousand_tracks_are_a_hundred_records_in_one_transaction(circle):
    tracks = tuple(Track(title=f"T{n}", artists=("A",)) for n in range(10_000))
    content = formats.render(Playlist(name="Big", tracks=tracks), "jspf").content
    told = []
    circle.ann.library.subscribe(told.append)
    report = circle.ann.do("playlist.import", content=content, filename="big.jspf")
    assert len(told) == 1
    assert report.entries == circle.ann.do("playlist.list")[1].entries == 10_000
    heads = circle.ann.library.heads(told[0].playlist)
    assert [head.seq for head in heads.values()] == [101]
    assert circle.ann.titles("Big") == [track.title for track in tracks]


def test_an_import_into_a_playlist_goes_to_its_end_and_needs_the_right(circle):
    bob = circle.friend("Bob", "viewer")
    circle.ann.add(circle.id, "first")
    circle.meet(circle.ann, bob)
    content = b"#EXTM3U\n#EXTINF:1,A - second\nx\n#EXTINF:1,A - third\ny\n"
    circle.ann.do("playlist.import", content=content, filename="a.m3u8", into="road trip")
    assert circle.ann.titles(circle.id) == ["first", "second", "third"]
    assert circle.ann.told(circle.id)[0].startswith("added 2 tracks")
    with pytest.raises(NotPermitted):
        bob.do("playlist.import", content=content, filename="a.m3u8", into="road trip")
    assert bob.titles(circle.id) == ["first"]


def test_a_bad_file_leaves_nothing_behind(circle):
    with pytest.raises(BadFile, match="Line 3"):
        circle.ann.do("playlist.import", content=b'Title,Artist\nx,y\n"z', filename="a.csv")
    with pytest.raises(UserError, match="is only read, not written"):
        circle.ann.do("playlist.export", playlist=circle.id, format="itunes")
    assert [each.name for each in circle.ann.do("playlist.list")] == ["Road trip"]


def test_a_disk_that_fails_in_the_middle_leaves_no_half_playlist(circle, monkeypatch):
    content = formats.render(
        Playlist(name="Big", tracks=tuple(Track(title=str(n)) for n in range(500))), "jspf"
    ).content
    library = circle.ann.library

    def fails(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(library.database, "mark_writing", fails)
        with pytest.raises(StoreUnwritable, match="is full"):
            circle.ann.do("playlist.import", content=content, filename="big.jspf")
    assert [each.name for each in circle.ann.do("playlist.list")] == ["Road trip"]
    assert circle.ann.do("playlist.import", content=content, filename="big.jspf").entries == 500


def test_what_a_record_cannot_hold_is_cut_and_said(circle):
    track = Track(
        title="t" * 600, album="a" * 501, artists=tuple(f"A{n}" for n in range(201)), links=("h" * 5000, "ok"),
        duration_ms=2**40,
    )  # fmt: skip
    tags = tuple(f"tag {n}" for n in range(230))
    content = formats.render(Playlist(name="x", tags=tags, tracks=(track,)), "jspf").content
    report = circle.ann.do("playlist.import", content=content, filename="x.jspf")
    view = circle.ann.show(report.playlist)
    entry = view.entries[0]
    assert (len(entry.title), len(entry.album), len(entry.artists), entry.links) == (500, 500, 200, ["ok"])
    assert (entry.duration_ms, len(view.tags)) == (None, 200)
    said = "\n".join(report.warnings)
    for part in (
        "the title",
        "the album",
        "of 201 artists",
        "a link of more than 4096",
        "a duration of",
        "30 tags",
    ):
        assert part in said


def test_an_export_says_that_votes_and_comments_stay_and_names_its_file(circle):
    ann = circle.ann
    ann.add(circle.id, "a", "b")
    ann.do("playlist.vote", playlist=circle.id, entry="1", value=1)
    ann.do("playlist.comment", playlist=circle.id, text="hm")
    ann.do("playlist.rename", playlist=circle.id, name="Été / 夏: ../../etc")
    exported = ann.do("playlist.export", playlist=circle.id, format="xspf")
    assert exported.losses[-1] == "Votes (1) and comments (1) stay in WhatNext."
    assert exported.filename == "Été-夏-etc.xspf"
    ann.do("playlist.rename", playlist=circle.id, name="!!!")
    assert ann.do("playlist.export", playlist=circle.id, format="md").filename == "playlist.md"
    assert msgspec.json.decode(ann.do("playlist.export", playlist=circle.id, format="jspf").content)
