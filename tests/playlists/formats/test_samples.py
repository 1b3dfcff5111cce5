"""Files as other programs write them: Exportify and its forks, VLC, foobar2000, ListenBrainz, iTunes, people."""

from pathlib import Path

import pytest

from whatnext.errors import Ambiguous, BadFile, NotFound
from whatnext.playlists.formats import Track, parse

SAMPLES = Path(__file__).parent / "samples"
REPO = Path(__file__).parents[3]


def read(name, **options):
    return parse((SAMPLES / name).read_bytes(), filename=name, **options)


def test_exportify_of_2019_with_escaped_commas_and_its_own_column_names():
    imported = read("exportify-2019.csv")
    first, second, third = imported.playlist.tracks
    assert first == Track(
        title="Take On Me",
        artists=("a-ha",),
        album="Hunting High and Low",
        duration_ms=225_280,
        links=("spotify:track:2WfaOiMkCvy7F5fcp2zZ8L",),
        added_by="spotify:user:ines",
        added_at=1_551_557_469_000,
    )
    assert second.artists == ("Earth, Wind & Fire",)
    assert (third.title, third.artists) == ('Say "Hello", Wave Goodbye', ("Soft Cell", "David Gray"))
    assert imported.warnings == ("Line 1: these columns are not kept: 'Disc Number', 'Track Number'.",)
    assert imported.playlist.name == "exportify-2019"


def test_exportify_of_2025_with_semicolons_between_artists():
    first, second = read("exportify-2025.csv").playlist.tracks
    assert first.isrc == "GBDUW0000053"
    assert second.artists == ("Tyler, The Creator", "Kali Uchis")
    assert second.isrc is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "header", [("TRACK  URI", "track name", "Artist Names"), ("Spotify ID", "Title", "ARTIST")]
)
def test_columns_are_found_whatever_their_spelling_and_separator(delimiter, header):
    row = (
        "2WfaOiMkCvy7F5fcp2zZ8L" if "ID" in header[0] else "spotify:track:2WfaOiMkCvy7F5fcp2zZ8L",
        "Take On Me",
        "a-ha",
    )
    content = f"{delimiter.join(header)}\n{delimiter.join(row)}\n".encode()
    assert parse(content, format="csv").playlist.tracks == (
        Track(title="Take On Me", artists=("a-ha",), links=("spotify:track:2WfaOiMkCvy7F5fcp2zZ8L",)),
    )


@pytest.mark.parametrize(
    ("header", "cell", "duration"),
    [
        ("Duration (ms)", "225280", 225_280),
        ("Track Duration (ms)", "225280.0", 225_280),
        ("Duration", "3:45", 225_000),
        ("Length", "1:02:03.5", 3_723_500),
        ("Duration", "225", 225_000),
        ("Duration", "225280", 225_280),
        ("Duration (s)", "225.28", 225_280),
        ("Duration (ms)", "", None),
    ],
)
def test_durations_are_read_in_the_notations_forks_use(header, cell, duration):
    imported = parse(f"Title,{header}\na,{cell}\n".encode(), format="csv")
    assert imported.playlist.tracks[0].duration_ms == duration
    assert imported.warnings == ()


def test_excels_separator_hint_does_not_move_the_line_numbers():
    with pytest.raises(BadFile, match=r"^Line 4: 3 values where the header has 2"):
        parse(b"sep=;\nTitle;Artist\na;b\nc;d;e\n", filename="x.csv")


def test_one_artist_uri_keeps_a_name_with_a_comma_whole():
    content = b'Track Name,Artist Name(s),Artist URI(s)\nEarfquake,"Tyler, The Creator",spotify:artist:4V8\n'
    assert parse(content, format="csv").playlist.tracks[0].artists == ("Tyler, The Creator",)


def test_the_playlist_column_of_other_exporters_names_the_playlist():
    content = b"Track name,Artist name,Playlist name\na,b,Kitchen\nc,d,Kitchen\n"
    assert parse(content, format="csv", filename="x.csv").playlist.name == "Kitchen"


def test_odd_rows_are_kept_and_listed():
    content = b"Track URI,Title,Artist,ISRC,Added At\n,,x,,\nspotify:track:1,,,,\n,c\n\n,d,e,XX,yesterday\n"
    imported = parse(content, format="csv")
    assert [track.title for track in imported.playlist.tracks] == ["Untitled", "spotify:track:1", "c", "d"]
    assert [warning.split(":")[0] for warning in imported.warnings] == [
        *("Line 4", "Line 2", "Line 3", "Line 6", "Line 6"),
    ]


def test_vlcs_m3u8_gives_titles_artists_and_paths():
    imported = read("vlc.m3u8")
    first, second = imported.playlist.tracks
    assert first.links == ("file:///home/ines/Music/Hunting%20High/01%20Take%20On%20Me.flac",)
    assert (first.title, first.artists, first.duration_ms) == ("Take On Me", ("a-ha",), 225_000)
    assert second == Track(
        title="99 Luftballons",
        artists=("Nena",),
        duration_ms=233_000,
        links=("../Nena/99%20Luftballons.ogg",),
    )
    assert imported.warnings == (
        "1 track names a file on this device; members of the playlist will see the path.",
    )


def test_foobars_m3u8_with_mark_and_windows_paths():
    tracks = read("foobar.m3u8").playlist.tracks
    assert tracks[0] == Track(
        title="夜に駆ける", artists=("YOASOBI",), duration_ms=258_000, links=("YOASOBI\\夜に駆ける.mp3",)
    )
    assert (tracks[1].title, tracks[1].duration_ms) == ("Radio Paradise", None)
    assert tracks[2].title == "03 Untagged Song"


def test_a_bare_list_of_paths_is_an_m3u():
    tracks = parse(
        b"Music/Queen/Radio%20Ga Ga.mp3\nhttps://e.org/a%20b.ogg?x=1\n", filename="x.m3u"
    ).playlist.tracks
    assert [track.title for track in tracks] == ["Radio%20Ga Ga", "a b"]


def test_extinf_attributes_and_ext_tags_are_understood():
    content = b'#EXTM3U\n#PLAYLIST:TV\n#EXTINF:12 tvg-id="a,b" group="x",Who - What\n#EXTALB:Album\n#EXTART:Who\nu\n'
    imported = parse(content, format="m3u8")
    assert imported.playlist.name == "TV"
    assert imported.playlist.tracks[0] == Track(
        title="What", artists=("Who",), album="Album", duration_ms=12_000, links=("u",)
    )


def test_vlcs_xspf_with_extensions_and_a_bad_duration():
    imported = read("vlc.xspf")
    first, second = imported.playlist.tracks
    assert first.title == "Chan Chan"
    assert first.duration_ms == 256_000
    assert second.title == "Águas de Março & more"
    assert second.mbid == "833d0b5d-5a4c-4a5a-a2c1-4a3c7d6f0b11"
    assert imported.warnings[0] == "Line 17: 'soon' is no duration in milliseconds; left out."


def test_listenbrainz_jspf_gives_artists_one_by_one_and_old_string_identifiers():
    imported = read("listenbrainz.jspf")
    first, second = imported.playlist.tracks
    assert imported.playlist.name == "Kitchen"
    assert first.artists == ("Daft Punk", "Pharrell Williams", "Nile Rodgers")
    assert (first.added_by, first.added_at) == ("ines", 1_707_669_482_311)
    assert first.mbid == "833d0b5d-5a4c-4a5a-a2c1-4a3c7d6f0b11"
    assert second.mbid == "0b6a3fd6-1c9c-4a0a-8f4e-2e7e6d2c5a77"
    assert imported.warnings == ()


def test_itunes_gives_the_largest_playlist_that_is_not_the_library():
    imported = read("itunes.xml")
    assert (imported.playlist.name, imported.playlist.description) == ("Kitchen", "for cooking")
    assert [track.title for track in imported.playlist.tracks] == ["Hoppípolla", "プラスティック・ラブ"]
    assert imported.playlist.tracks[1] == Track(
        title="プラスティック・ラブ",
        artists=("竹内まりや",),
        album="VARIETY",
        duration_ms=291_000,
        links=("file:///Users/ines/Music/Plastic%20Love.m4a",),
        note="the long one",
        added_at=1_675_397_106_000,
    )
    assert imported.warnings[0].endswith("The file has 1 more: 'Van' (CCCC0000CCCC0000).")
    assert imported.warnings[1].startswith("Track 2: the file's list of tracks does not have it")


def test_itunes_playlists_are_chosen_by_name_or_id():
    for name in ("Van", "CCCC0000CCCC0000"):
        track = read("itunes.xml", playlist_name=name).playlist.tracks[0]
        assert track.title == 'Simon & Garfunkel, "live"'
    with pytest.raises(NotFound, match=r"no playlist 'Car'\. It has: 'Kitchen' \(BBBB0000BBBB0000\), 'Van'"):
        read("itunes.xml", playlist_name="Car")


def test_itunes_with_two_largest_playlists_lists_their_names():
    content = (SAMPLES / "itunes.xml").read_bytes()
    content = content.replace(b"<dict><key>Track ID</key><integer>9999</integer></dict>", b"")
    content = content.replace(
        b"<dict><key>Track ID</key><integer>1023</integer></dict>\n\t\t\t</array>\n\t\t</dict>\n\t</array>",
        b"<dict><key>Track ID</key><integer>1023</integer></dict>" * 2
        + b"\n\t\t\t</array>\n\t\t</dict>\n\t</array>",
    )
    with pytest.raises(Ambiguous, match=r"Several playlists fit: 'Kitchen' \(BBBB0000BBBB0000\), 'Van'"):
        parse(content, filename="itunes.xml")


def test_a_binary_property_list_is_read_like_an_xml_one():
    import plistlib

    content = (SAMPLES / "itunes.xml").read_bytes()
    binary = plistlib.dumps(plistlib.loads(content), fmt=plistlib.FMT_BINARY)
    assert parse(binary).playlist == parse(content).playlist


def test_a_typed_markdown_list_is_read_as_well_as_it_can_be():
    imported = read("typed.md")
    assert (imported.playlist.name, imported.playlist.tags) == ("1999", ("party", "kitchen"))
    first, second, third = imported.playlist.tracks
    assert first == Track(title="1999", artists=("Prince",), duration_ms=375_000)
    assert second == Track(
        title="Purple Rain",
        artists=("Prince", "The Revolution"),
        album="Purple Rain",
        duration_ms=521_000,
        isrc="USWB18400001",
        links=("https://example.org/purple",),
    )
    assert third == Track(title="Kiss")
    assert imported.warnings == (
        "Line 1: these keys are not kept: 'mood'.",
        "Line 13: 'tempo' is not known about a track; left out.",
        "Line 7: 1 line is no list item; not kept.",
    )


def test_the_demos_playlist_has_many_real_tracks_in_many_scripts():
    imported = parse((REPO / "demo" / "kitchen-party.csv").read_bytes(), filename="kitchen-party.csv")
    tracks = imported.playlist.tracks
    assert imported.warnings == ()
    assert len(tracks) >= 48
    titles = "".join(track.title for track in tracks)
    for script in ("夜", "강", "إ", "к", "α", "ש", "छ", "ท", "ట"):
        assert script in titles
    assert any("," in track.title for track in tracks)
    assert any('"' in track.title for track in tracks)
    assert any(len(track.artists) > 2 for track in tracks)
    assert ("Earth, Wind & Fire",) in {track.artists for track in tracks}
