"""Attacks in a real Chromium; without one, tests/node/test_api_attacks.py has what an attacker's requests are."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import audio
import pytest

from whatnext.bench.nodes import Node
from whatnext.clock import HybridClock
from whatnext.config import Settings
from whatnext.identity import load_or_create
from whatnext.records import ids
from whatnext.records.codec import Write
from whatnext.store import Library
from whatnext.store.database import FILE as DATABASE_FILE

pytestmark = pytest.mark.real

MARKUP = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
TURNED = "\u202egnp.exe\u2066\u200f"
LINKS = [
    "javascript:window.pwned=1",
    "JaVaScRiPt:window.pwned=1//https://a.test",
    " javascript:window.pwned=1",
    "java\nscript:window.pwned=1",
    "data:text/html,<script>window.pwned=1</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:http://127.0.0.1/x",
    'https://a.test/" onclick="window.pwned=1',
    "https://a.test/'><script>window.pwned=1</script>",
    f"https://a.test/{TURNED}",
    "https://",
    "http://[",
    "https://twice.test/",
    "https://twice.test/",
    "https://a.test/" + "x" * 4000,
]
TITLES = [
    MARKUP,
    '"><svg onload=window.pwned=1>',
    "{@html `<img src=x onerror=window.pwned=1>`} {window.pwned=1} ${window.pwned=1}",
    f"{TURNED} is what you think",
    "W" * 500,
    "two\nlines\r\nand\x00nothing\x1b[31mred\u2028\u2029",
    "\u0300" * 400 + "zalgo",
    "\u200b",
    "</textarea></title></style></script><script>window.pwned=1</script>",
]


@contextmanager
def other_server() -> Iterator[tuple[str, list[str]]]:
    """A server of somebody else's on this machine, and the cookies that it is sent."""
    cookies: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            cookies.append(self.headers.get("Cookie", ""))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Free music</title><body>")

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", cookies
        server.shutdown()
        thread.join()


def test_a_page_of_another_site_reads_nothing_changes_nothing_and_shows_nothing(scene, ada, tmp_path):
    playlist = ada.ask("playlist.create", name="Private")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": "Hum", "artists": ["Fridge"]}])
    entry = ada.ask("playlist.show", playlist=playlist)["entries"][0]["id"]
    audio.write(tmp_path / "hum.wav", "Hum", "Fridge")
    ada.ask("playback.folder", folder=str(tmp_path))
    before = [each["name"] for each in ada.ask("playlist.list")]
    with other_server() as (evil, cookies):
        link = ada.ask("node.browse")["url"]
        seen = scene("otherSites", link=link, playlist=playlist, entry=entry, evil=evil)
    ada.ask("playback.folder", folder=None)
    assert seen["rebound"] == [403, 403, 403]
    for site, said in seen["said"].items():
        done = {what: how for what, how in said.items() if not how.startswith("refused")}
        assert done == {}, site
    assert [each["name"] for each in ada.ask("playlist.list")] == before
    # Why a cookie is not enough for another user's process: browsers send it to every port of the host.
    assert any("whatnext-" in cookie for cookie in cookies), "browsers keep cookies apart by port now"


def test_the_link_that_signs_in_is_told_to_nobody_and_the_cookie_to_no_script(scene, ada):
    with other_server() as (evil, cookies):
        playlist = ada.ask("playlist.create", name="Links")["id"]
        elsewhere = evil.replace("127.0.0.1", "evil.test")
        ada.ask("playlist.add", playlist=playlist, tracks=[{"title": "Linked", "links": [elsewhere]}])
        scene("leavingTraces", link=ada.ask("node.browse")["url"], playlist=playlist)
        assert cookies
        assert set(cookies) == {""}


def hostile_profile(directory: Path) -> str:
    """A profile with a playlist that no WhatNext would write, as the records allow it; answers the playlist's id."""
    directory.mkdir(mode=0o700)
    Settings(directory).rename(f"Mallory {TURNED}{MARKUP}", "#c2564b")
    identity = load_or_create(directory)
    library = Library(identity, HybridClock(lambda: 1_790_000_000_000), directory / DATABASE_FILE)
    described = {
        "name": f"{TURNED}{MARKUP}",
        "description": MARKUP * 500,
        "tags": [MARKUP, TURNED, "W" * 500, "twice", "twice"],
    }
    entries = []
    for number, title in enumerate(TITLES):
        entry = ids.to_text(bytes(9) + bytes([number + 1]))
        fields = {
            "title": title,
            "artists": [title, MARKUP, TURNED],
            "album": title,
            "links": LINKS,
            "note": f"{title}\n{MARKUP * 200}\n{'W' * 2000}",
            "position": f"a{number}V",
        }
        comment = f"{identity.peer_id}:{entry}"
        said = {"entryId": entry, "text": f"{MARKUP}{TURNED}{'W' * 3000}"}
        entries += [[Write("entries", entry, fields)], [Write("comments", comment, said)]]
    name = {"name": f"Mallory {TURNED}{MARKUP}{'W' * 300}", "colour": "#c2564b"}
    playlist = library.create(
        [Write("playlists", "", described)], [Write("profiles", identity.peer_id, name)], *entries
    )
    library.close()
    return ids.to_text(playlist)


@pytest.fixture(scope="module")
def deceived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, str]]:
    """A node whose user joined a playlist of somebody who means harm, and that playlist."""
    base = tmp_path_factory.mktemp("hostile")
    playlist = hostile_profile(base / "mallory")
    mallory, victim = Node(base / "mallory"), Node(base / "victim")
    mallory.start()
    victim.start()
    victim.ask("profile.name", name="Victim")
    victim.ask("join", link=mallory.ask("invite.create", playlist=playlist)["link"])
    yield victim, playlist
    mallory.kill()
    victim.kill()


@pytest.mark.parametrize("width", [360])
def test_what_a_hostile_member_writes_is_text_and_nothing_else(scene, deceived, width):
    victim, playlist = deceived
    complaints = scene("hostileMember", link=victim.ask("node.browse")["url"], playlist=playlist, width=width)
    assert complaints == []
