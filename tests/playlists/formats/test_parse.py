"""Which format a file is, encodings, limits, progress, and what is refused in every format."""

import subprocess
import sys

import msgspec
import pytest

from whatnext.errors import BadFile, UserError
from whatnext.playlists.formats import FORMATS, Playlist, Track, detect, parse, render
from whatnext.playlists.formats.limits import MAX_FILE_BYTES, MAX_TRACKS

WRITABLE = [name for name, entry in FORMATS.items() if entry.can_export]
CSV = b"Track Name,Artist Name(s)\n"


@pytest.mark.parametrize("name", WRITABLE)
def test_our_own_exports_are_recognised_without_a_file_name(name):
    assert detect("", render(Playlist(name="x", tracks=(Track(title="y"),)), name).content) == name


@pytest.mark.parametrize(
    ("filename", "content", "name"),
    [
        ("list.M3U", b"a.mp3", "m3u8"),
        ("library.xml", b'<?xml version="1.0"?><playlist/>', "xspf"),
        ("library.xml", b'<?xml version="1.0"?><!DOCTYPE plist><plist/>', "itunes"),
        ("anything.txt", b"bplist00...", "itunes"),
        ("wrong.csv", b"\xef\xbb\xbf#EXTM3U\n", "m3u8"),
        ("x.txt", "﻿Title;Artist\n".encode("utf-16"), "csv"),
        ("x", b"1. Prince - Kiss\n", "markdown"),
        ("x.json", b"[]", "jspf"),
    ],
)
def test_content_that_is_sure_wins_over_the_extension(filename, content, name):
    assert detect(filename, content) == name


def test_a_file_nobody_knows_is_refused_with_the_list_of_formats():
    with pytest.raises(BadFile, match=r"Say which format: M3U8 \(\.m3u8\), .* Markdown"):
        parse(b"just some words", filename="notes.txt")


def test_a_saved_web_page_is_named_as_such():
    with pytest.raises(BadFile, match="this is a web page"):
        parse(b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", filename="kitchen.m3u8")


def test_an_unknown_format_and_one_only_read_are_the_askers_fault():
    with pytest.raises(UserError, match="no format 'mp3'"):
        parse(b"x", format="mp3")
    with pytest.raises(UserError, match="only read"):
        render(Playlist(name="x"), "itunes")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90",
        b"\xff\xfeA",
        b"{" * 100_000,
        b"<" * 9,
    ],
)
def test_empty_and_binary_files_are_refused_in_every_format(name, content):
    with pytest.raises(BadFile):
        parse(content, format=name, filename="x" + FORMATS[name].extensions[0])


@pytest.mark.parametrize("name", WRITABLE)
def test_utf16_files_are_read(name):
    playlist = Playlist(name="Küche", tracks=(Track(title="夜に駆ける"),))
    content = render(playlist, name).content.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert parse(content.encode("utf-16"), format=name, filename="Küche.x").playlist == playlist


@pytest.mark.parametrize("name", WRITABLE)
def test_byte_order_mark_and_windows_line_ends_do_not_matter(name):
    playlist = Playlist(name="x", tracks=(Track(title="a", note="one\ntwo"), Track(title="b")))
    content = b"\xef\xbb\xbf" + render(playlist, name).content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    imported = parse(content, filename="x" + FORMATS[name].extensions[0])
    assert imported.playlist == playlist
    assert imported.warnings == ()


def test_old_m3u_and_csv_are_read_as_latin_1_with_a_warning():
    for filename, content in (
        ("a.m3u", b"#EXTM3U\n#EXTINF:1,Bj\xf6rk - J\xf3ga\nx\n"),
        ("a.csv", CSV + b"J\xf3ga,Bj\xf6rk\n"),
    ):
        imported = parse(content, filename=filename)
        assert (imported.playlist.tracks[0].artists, imported.playlist.tracks[0].title) == (
            ("Björk",),
            "Jóga",
        )
        assert "Latin-1" in imported.warnings[0]


def test_an_m3u8_that_is_not_utf8_is_refused_with_the_line():
    with pytest.raises(BadFile, match=r"^Line 2: the text is not UTF-8\."):
        parse(b"#EXTM3U\n#EXTINF:1,Bj\xf6rk - J\xf3ga\nx\n", filename="a.m3u8")


def test_a_nul_byte_is_refused_with_its_line():
    with pytest.raises(BadFile, match=r"^Line 3: the file holds binary data"):
        parse(CSV + b"a,b\nc\0,d\n", filename="x.csv")


def test_a_file_over_64_mib_is_refused_before_it_is_read():
    with pytest.raises(BadFile, match="at most 64 MiB"):
        parse(bytes(MAX_FILE_BYTES + 1), filename="x.csv")


@pytest.mark.parametrize("name", WRITABLE)
def test_values_and_names_over_their_limits_are_refused(name):
    long = Playlist(name="x", tracks=(Track(title="fine"), Track(title="b", note="y" * 65_600)))
    with pytest.raises(BadFile, match="Shorten it"):
        parse(render(long, name).content, format=name)
    if name != "csv":
        with pytest.raises(BadFile, match="name has 501 characters, at most 500"):
            parse(render(Playlist(name="n" * 501), name).content, format=name)


def test_a_track_too_large_for_one_record_is_refused():
    large = Track(title="a" * 60_000, album="b" * 60_000, note="c" * 60_000, links=("d" * 60_000,))
    with pytest.raises(BadFile, match=r"^Track 1: the track 'a+…' has [\d,]+ bytes, at most 196,608 fit"):
        parse(render(Playlist(tracks=(large,)), "jspf").content, format="jspf")


@pytest.mark.parametrize("name", WRITABLE)
def test_fifty_thousand_tracks_are_read_and_one_more_is_refused(name):
    playlist = Playlist(name="x", tracks=tuple(Track(title=str(number)) for number in range(MAX_TRACKS)))
    assert len(parse(render(playlist, name).content, format=name).playlist.tracks) == MAX_TRACKS
    playlist = msgspec.structs.replace(playlist, tracks=(*playlist.tracks, Track(title="last")))
    with pytest.raises(BadFile, match="more than 50,000 tracks"):
        parse(render(playlist, name).content, format=name)


@pytest.mark.parametrize("name", WRITABLE)
def test_progress_grows_to_the_end_and_is_not_told_too_often(name):
    seen = []
    playlist = Playlist(name="x", tracks=tuple(Track(title=str(number)) for number in range(2_000)))
    parse(
        render(playlist, name).content, format=name, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == sorted(set(seen))
    assert 1 <= len(seen) <= 101
    assert seen[-1][0] == seen[-1][1]


def test_a_file_faulty_in_every_row_gives_a_bounded_list_of_warnings():
    imported = parse(b"Title,ISRC\n" + b"a,bad\n" * 1_500, filename="x.csv")
    assert len(imported.playlist.tracks) == 1_500
    assert len(imported.warnings) == 1_001
    assert imported.warnings[0] == (
        "Line 2: 'bad' is no ISRC (two letters, three letters or digits, seven digits); left out."
    )
    assert imported.warnings[-1] == "500 more warnings are not listed."


def test_warnings_cannot_write_to_the_terminal():
    warning = parse(b'Title,ISRC\na,"\x1b[31mred\x07"\n', filename="x.csv").warnings[0]
    assert warning.isprintable()


@pytest.mark.parametrize(
    ("filename", "stem"),
    [
        ("C:\\Lists\\kitchen party.csv", "kitchen party"),
        ("/home/ann/a.b.csv", "a.b"),
        ("", "Imported playlist"),
    ],
)
def test_the_file_name_names_a_playlist_without_a_name(filename, stem):
    assert parse(CSV + b"a,b\n", filename=filename, format="csv").playlist.name == stem


def test_importing_the_package_loads_no_parser_so_that_the_command_line_stays_fast():
    code = "import sys, whatnext.playlists.formats; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"yaml", "csv", "plistlib", "xml.parsers.expat"} & set(loaded)
    assert "whatnext.playlists.formats" in loaded
