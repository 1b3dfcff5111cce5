"""`/play` and the operations of playback, asked over a real socket."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import audio
import pytest
import trio

from whatnext.clock import HybridClock
from whatnext.config import Settings
from whatnext.errors import UserError
from whatnext.identity import Identity
from whatnext.node import playback
from whatnext.node.api.access import Access
from whatnext.node.api.app import App
from whatnext.node.api.feed import Feed, MusicEvent
from whatnext.node.api.server import bind, serving
from whatnext.node.playback_views import Matches, SetFolder
from whatnext.playback.music import Music
from whatnext.playlists.requests import OfPlaylist
from whatnext.playlists.service import Playlists
from whatnext.records import ids
from whatnext.records.codec import Write
from whatnext.store import Library


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


class Device:
    """A device with a music folder and one playlist, and its local API."""

    def __init__(self, directory: Path) -> None:
        self.folder = directory / "music"
        self.library = Library(Identity(bytes(32)), HybridClock(lambda: 1_790_000_000_000))
        self.settings = Settings(directory)
        self.playlists = Playlists(self.library, rng=None, settings=self.settings)
        self.feed = Feed(self.library)
        self.music = Music(None, lambda: self.feed.on_music(MusicEvent(files=len(self.music.index.files))))
        self.playlist = self.library.create([Write("playlists", "", {"name": "Kitchen"})])
        self.entries = [self.add(number, title) for number, title in enumerate(("Song", "Elsewhere"))]

    def add(self, number: int, title: str) -> str:
        entry = ids.to_text(bytes(9) + bytes([number]))
        fields = {"position": f"a{number + 1}V", "title": title, "artists": ["Band"], "durationMs": 1000}
        self.library.write(self.playlist, [Write("entries", entry, fields)])
        return entry

    def url(self, number: int) -> str:
        return f"/play/{ids.to_text(self.playlist)}/{self.entries[number]}"

    async def matches(self) -> Matches:
        return await playback.matches(self, OfPlaylist(playlist=ids.to_text(self.playlist)))


@pytest.fixture
async def here(tmp_path: Path, local_api) -> AsyncIterator[SimpleNamespace]:
    device = Device(tmp_path)
    audio.write(device.folder / "song.wav", "Song", "Band")
    listener = bind(0)
    access = Access(listener.getsockname()[1], trio.current_time)
    app = App({}, access, device.feed, locate=partial(playback.locate, device))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(device.music.run)
        async with serving(app, listener, device.feed.close):
            api = local_api(listener.getsockname()[1], access, device.library, device.feed)
            yield SimpleNamespace(device=device, api=api)
        nursery.cancel_scope.cancel()
    device.library.close()


@asynccontextmanager
async def looked(here) -> AsyncIterator[None]:
    """Wait until the folder was looked at, for what the block caused."""
    async with here.api.events() as following:
        assert (await following())[0] == "ready"
        yield
        with trio.fail_after(10):
            while (await following())[0] != "music" or here.device.music.looking:
                pass


async def play_from(here, folder: Path) -> None:
    async with looked(here):
        await playback.choose(here.device, SetFolder(folder=str(folder)))


async def test_what_a_folder_holds_is_matched_played_and_known_after_a_restart(here):
    device = here.device
    assert (await device.matches()).has_folder is False
    await play_from(here, device.folder)
    assert (await device.matches()).entries == [device.entries[0]]
    whole = (device.folder / "song.wav").read_bytes()
    answer = await here.api.ask("GET", device.url(0))
    assert (answer.status, answer.body) == (200, whole)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert Settings(device.settings.directory).music == str(device.folder)


async def test_a_range_is_answered_with_just_that(here):
    await play_from(here, here.device.folder)
    whole = (here.device.folder / "song.wav").read_bytes()
    for header, begin, end in (
        ("bytes=0-", 0, len(whole)),
        ("bytes=100-199", 100, 200),
        ("bytes=-5", -5, None),
    ):
        answer = await here.api.ask("GET", here.device.url(0), headers={"range": header})
        assert (answer.status, answer.body) == (206, whole[begin:end])
    assert answer.headers["content-range"] == f"bytes {len(whole) - 5}-{len(whole) - 1}/{len(whole)}"
    answer = await here.api.ask("GET", here.device.url(0), headers={"range": f"bytes={len(whole)}-"})
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{len(whole)}"


async def test_a_range_of_a_file_that_changed_since_is_the_whole_new_file(here):
    await play_from(here, here.device.folder)
    etag = (await here.api.ask("GET", here.device.url(0))).headers["etag"]
    asked = {"range": "bytes=0-9", "if-range": etag}
    assert (await here.api.ask("GET", here.device.url(0), headers=asked)).status == 206
    audio.write(here.device.folder / "song.wav", "Song", "Band", seconds=0.5)
    assert (await here.api.ask("GET", here.device.url(0), headers=asked)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/play/",
        "/play/x/y",
        "/play/../../etc/passwd",
        "/play/%2e%2e/%2e%2e/song.wav",
        "/play//song.wav",
        "/play/PLAYLIST/../song.wav",
        "/play/PLAYLIST/song.wav",
        "/play/PLAYLIST/..%2fsong.wav",
        "/play/PLAYLIST/ENTRY/",
        "/play/PLAYLIST/ENTRY/../ENTRY",
        "/play/PLAYLIST/7777777777777777",
        "/play/77777777777777777777777777777777/ENTRY",
    ],
)
async def test_a_path_leads_to_no_file_but_by_ids(here, path):
    await play_from(here, here.device.folder)
    playlist, entry = ids.to_text(here.device.playlist), here.device.entries[0]
    target = path.replace("PLAYLIST", playlist).replace("ENTRY", entry)
    answer = await here.api.ask("GET", target)
    assert answer.status == 404
    assert answer.problem()["detail"]


async def test_a_file_that_became_a_link_out_of_the_folder_is_not_sent(here, tmp_path):
    await play_from(here, here.device.folder)
    (tmp_path / "secret.wav").write_bytes(b"a secret")
    (here.device.folder / "song.wav").unlink()
    (here.device.folder / "song.wav").symlink_to(tmp_path / "secret.wav")
    answer = await here.api.ask("GET", here.device.url(0))
    assert answer.status == 404
    assert b"secret" not in answer.body


async def test_only_the_nodes_own_pages_with_its_token_get_audio(here):
    await play_from(here, here.device.folder)
    url = here.device.url(0)
    assert (await here.api.ask("GET", url, token=None)).status == 401
    assert (await here.api.ask("GET", url, host="evil.example")).status == 403
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert (await here.api.ask("GET", url, headers=headers)).status == 403
    assert (await here.api.ask("GET", url, headers={"sec-fetch-site": "same-origin"})).status == 200
    assert (await here.api.ask("POST", url)).status == 405


async def test_a_file_that_is_a_page_is_sent_as_audio_in_a_sandbox(here):
    (here.device.folder / "Band - Elsewhere.mp3").write_text("<!doctype html><script>alert(1)</script>")
    (here.device.folder / "Band - Elsewhere.svg").write_text("<svg onload='alert(1)'/>")
    await play_from(here, here.device.folder)
    answer = await here.api.ask("GET", here.device.url(1))
    assert (answer.status, answer.headers["content-type"]) == (200, "audio/mpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_disk_that_is_gone_while_a_file_is_played_ends_the_answer_with_a_sentence(
    here, monkeypatch, caplog
):
    await play_from(here, here.device.folder)

    def unplugged(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("whatnext.node.api.audio._read", unplugged)
    async with await trio.open_tcp_stream("127.0.0.1", here.api.port) as stream:
        head = f"GET {here.device.url(0)} HTTP/1.1\r\nHost: 127.0.0.1:{here.api.port}\r\n"
        await stream.send_all(f"{head}Authorization: Bearer {here.api.access.token}\r\n\r\n".encode())
        with trio.fail_after(5):
            assert await stream.receive_some() == b""
    assert "Input/output error" in caplog.text
    assert "Traceback" not in caplog.text
    monkeypatch.undo()
    assert (await here.api.ask("GET", here.device.url(0))).status == 200


async def test_a_file_that_is_replaced_while_it_is_played_is_played_to_its_end(here):
    with (here.device.folder / "song.wav").open("ab") as file:
        file.truncate(40 << 20)  # sparse
    await play_from(here, here.device.folder)
    size = (here.device.folder / "song.wav").stat().st_size
    async with await trio.open_tcp_stream("127.0.0.1", here.api.port) as stream:
        head = (
            f"GET {here.device.url(0)} HTTP/1.1\r\nHost: 127.0.0.1:{here.api.port}\r\nConnection: close\r\n"
        )
        await stream.send_all(f"{head}Authorization: Bearer {here.api.access.token}\r\n\r\n".encode())
        got = len(await stream.receive_some(100))
        audio.write(here.device.folder / "new.wav", "Song", "Band")
        (here.device.folder / "new.wav").rename(here.device.folder / "song.wav")
        with trio.fail_after(20):
            while part := await stream.receive_some(1 << 20):
                got += len(part)
    assert got > size


async def test_a_player_that_leaves_in_the_middle_costs_no_open_file(here):
    device = here.device
    audio.write(device.folder / "elsewhere.wav", "Elsewhere", "Band")
    with (device.folder / "elsewhere.wav").open("ab") as file:
        file.truncate(200 << 20)  # sparse
    await play_from(here, device.folder)
    before = open_files()
    async with await trio.open_tcp_stream("127.0.0.1", here.api.port) as stream:
        head = f"GET {device.url(1)} HTTP/1.1\r\nHost: 127.0.0.1:{here.api.port}\r\n"
        await stream.send_all(f"{head}Authorization: Bearer {here.api.access.token}\r\n\r\n".encode())
        assert await stream.receive_some(100)
        assert open_files() > before
    with trio.fail_after(10):
        while open_files() > before:  # noqa: ASYNC110 # nobody tells
            await trio.sleep(0.01)


async def test_new_files_are_found_when_somebody_asks_later(here, monkeypatch):
    await play_from(here, here.device.folder)
    audio.write(here.device.folder / "new.wav", "Elsewhere", "Band")
    assert len((await here.device.matches()).entries) == 1
    monkeypatch.setattr("whatnext.playback.music.FRESH_S", 0.0)
    async with looked(here):
        await here.device.matches()  # what it looks at may be found before it answers
    assert len((await here.device.matches()).entries) == 2


async def test_without_a_folder_nothing_is_played_any_more(here):
    await play_from(here, here.device.folder)
    view = await playback.choose(here.device, SetFolder(folder=None))
    assert (view.folder, view.files) == (None, 0)
    assert (await here.api.ask("GET", here.device.url(0))).status == 404
    assert Settings(here.device.settings.directory).music is None


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("music", "no absolute path"),
        ("/nowhere/at/all", "no folder"),
        ("~nobody-here/music", "home of somebody"),
    ],
)
async def test_a_folder_that_is_none_is_refused_with_the_reason(here, folder, why):
    with pytest.raises(UserError, match=why):
        await playback.choose(here.device, SetFolder(folder=folder))


async def test_a_folder_that_vanished_is_said(here):
    await play_from(here, here.device.folder)
    async with looked(here):
        (here.device.folder / "song.wav").unlink()
        here.device.folder.rmdir()
        here.device.music.take(here.device.folder)
    view = await playback.show(here.device, None)
    assert "cannot be read" in view.problem
