"""A bad file is refused whole, with the line or track, the reason and what to do next."""

import pytest

from whatnext.errors import BadFile
from whatnext.playlists.formats import Playlist, Track, parse, render

BAD = [
    # CSV
    ("csv", "Artist,Album\na,b\n", r"^Line 1: no column holds the title"),
    ("csv", 'Title,Artist\na,b\n"c,d\ne,f\n', r"^Line 3: a quoted value is not closed"),
    ("csv", 'Title,Artist\na,b\n"c"d,e\n', r"^Line 3: the row is broken"),
    ("csv", 'Title,Artist\n"a\nb",c\nd,e,f\n', r"^Line 4: 3 values where the header has 2 columns\. Put"),
    ("csv", "Title,Artist,Album\na,b,c\nd,e", r"^Line 3: the last row ends early: the file was cut off"),
    ("csv", f"Title,Artist\na,{'b' * 140_000}\n", r"^Line 2: the row is broken \(field larger"),
    # M3U8
    ("m3u8", "#EXTM3U\n#EXTINF:1,a\nx\n#EXTINF:2,b\n", r"^Line 4: no file or address follows this #EXTINF"),
    ("m3u8", "#EXTM3U\n#EXTINF:1,a\n\n#EXTINF:2,b\ny\n", r"^Line 2: no file or address follows"),
    ("m3u8", '#EXTM3U\n#EXTINF:1,a\n#WHATNEXT:{"note":\nx\n', r"^Line 3: the #WHATNEXT line is damaged"),
    ("m3u8", '#EXTM3U\n#EXTINF:1,a\n#WHATNEXT:{"links":"x"}\nx\n', r"^Line 3: the #WHATNEXT line is damaged"),
    ("m3u8", '#EXTM3U\n#WHATNEXT:{"duration_ms":true}\nx\n', r"^Line 2: the #WHATNEXT line is damaged"),
    ("m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n", r"^Line 2: this is an HLS stream"),
    ("m3u8", "\n\n", r"^Line 1: no track and no #EXTM3U header"),
    ("m3u8", '{"playlist": {}}', r"^Line 1: .* is no part of an M3U playlist"),
    # XSPF
    ("xspf", "<playlist>\n<trackList>\n<track>\n", r"^Line 4: the XML is broken \(no element found\)"),
    ("xspf", "<playlist>\n<title>a</titel>\n</playlist>", r"^Line 2: the XML is broken \(mismatched tag\)"),
    (
        "xspf",
        "<playlist>\n<title>a &nbsp; b</title></playlist>",
        r"^Line 2: the XML is broken \(undefined entity\)",
    ),
    ("xspf", "<plist>\n</plist>", r"^Line 1: the first element is 'plist'"),
    ("xspf", "<playlist>" + "<a>" * 70, r"^Line 1: elements are nested too deeply"),
    ("xspf", '<?xml version="1.0" encoding="klingon"?><playlist/>', r"^Line 1: the XML"),
    # JSPF
    ("jspf", '{"playlist": {\n "title": "a",\n "track": [', r"^Line 3: the JSON is broken"),
    ("jspf", '{"tracks": []}', r"^Line 1: the JSON is no JSPF playlist"),
    (
        "jspf",
        '{"playlist": {"track": [{"title": "a"}, 7]}}',
        r"^Track 2: the track is '7' instead of an object",
    ),
    ("jspf", '{"playlist": {"track": [{"title": ["a"]}]}}', r"^Track 1: 'title' is .* instead of text"),
    (
        "jspf",
        '{"playlist": {"track": [{"title": "a", "extension": []}, {"extension": [1]}]}}',
        r"^Track 2: 'extension'",
    ),
    ("jspf", '{"playlist": ' + "[" * 100_000, r"^The JSON is nested too deeply"),
    # Markdown
    ("markdown", "---\nname: x\n1. a\n", r"^Line 1: the front matter that begins here has no closing"),
    ("markdown", "---\nname: x\ntags: [a\n---\n", r"^Line \d: the front matter is no YAML"),
    ("markdown", "---\n- name\n---\n", r"^Line 2: the front matter is no list of"),
    ("markdown", "---\nname: x\ntags: {a: b}\n---\n", r"^Line 3: 'tags' is no list of words"),
    ("markdown", "---\nname: [x]\n---\n", r"^Line 2: 'name' is not text"),
    (
        "markdown",
        f"---\ndescription: {'x' * 300_000}\n---\n",
        r"^Line 1: the front matter has more than 262,144",
    ),
    ("markdown", "---\nname: " + "[" * 50_000 + "\n---\n", r"^Line \d+: the front matter is no YAML"),
    (
        "markdown",
        "---\nname: x\n---\n\n1. **a** — b\n2. **Cut o",
        r"^Line 6: the title that begins .* is not closed",
    ),
    ("markdown", "Only words.\n", r"^Line 1: no list of tracks and no front matter"),
    # iTunes
    ("itunes", '<?xml version="1.0"?>\n<plist><dict>\n<key>Tracks</key>', r"^Line 3: the XML is broken"),
    ("itunes", "<plist><array/></plist>", r"^The property list is no iTunes library"),
    ("itunes", "<plist><dict/></plist>", r"^The property list holds no 'Tracks' and 'Playlists'"),
    ("itunes", "<plist><dict><key>a</key><date>soon</date></dict></plist>", r"^The property list is damaged"),
    ("itunes", "bplist00 and then nothing", r"^The property list is damaged"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_a_bad_file_is_refused_with_place_reason_and_next_step(name, content, message):
    with pytest.raises(BadFile, match=message) as caught:
        parse(content.encode(), format=name)
    assert str(caught.value).endswith(".")
    assert ". " in str(caught.value)


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE playlist [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">\n'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>\n'
)
OUTSIDE = '<?xml version="1.0"?>\n<!DOCTYPE playlist [<!ENTITY a SYSTEM "file:///etc/hostname">]>\n'


@pytest.mark.parametrize("head", [BOMB, OUTSIDE, '<!DOCTYPE playlist SYSTEM "http://example.org/x.dtd">\n'])
def test_entity_bombs_and_outside_entities_are_refused_in_xspf(head):
    content = f"{head}<playlist><title>&d;&a;</title></playlist>".encode()
    with pytest.raises(BadFile, match=r"^Line [12]: the file has a document type declaration"):
        parse(content, filename="x.xspf")


@pytest.mark.parametrize("head", [BOMB, OUTSIDE])
def test_entities_are_refused_in_itunes_xml(head):
    content = f"{head}<plist><dict><key>a</key><string>&a;</string></dict></plist>".encode()
    with pytest.raises(BadFile, match="entity declarations are not supported"):
        parse(content, format="itunes")


@pytest.mark.parametrize("name", ["m3u8", "xspf", "jspf", "csv"])
def test_a_file_cut_off_in_a_track_is_never_half_imported(name):
    tracks = tuple(
        Track(title=f"Song {number}", artists=("A", "B"), album="C", note="d\ne") for number in range(3)
    )
    content = render(Playlist(name="x", tracks=tracks), name).content
    last = content.index(b"Song 2")
    with pytest.raises(BadFile):
        parse(content[: last + 3], format=name)
