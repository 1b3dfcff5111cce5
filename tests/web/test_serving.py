"""What a node serves to any browser: the built files under a strict policy, by a fixed table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import h11
import pytest
import trio

from whatnext.clock import HybridClock
from whatnext.identity import Identity
from whatnext.node.api import sessions
from whatnext.node.api.access import Access
from whatnext.node.api.app import App
from whatnext.node.api.feed import Feed
from whatnext.node.api.pages import BUILT, Pages
from whatnext.node.api.server import bind, serving
from whatnext.store import Library


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>the shell")
    (tmp_path / "assets" / "index-abc.js").write_text("let song")
    (tmp_path / "notes.txt").write_text("not ours to show")
    (tmp_path.parent / "outside.html").write_text("a secret")
    return tmp_path


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator:
    listener = bind(0)
    port = listener.getsockname()[1]
    library = Library(Identity(bytes(32)), HybridClock(lambda: 0), ":memory:")
    feed = Feed(library)
    app = App({}, Access(port, trio.current_time), feed, pages=Pages(folder))

    async def get(target: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        http = h11.Connection(h11.CLIENT)
        sent = [("host", f"127.0.0.1:{port}"), *((k.replace("_", "-"), v) for k, v in headers.items())]
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(http.send(h11.Request(method=method, target=target, headers=sent)))
            await stream.send_all(http.send(h11.EndOfMessage()))
            status, got, body = 0, {}, b""
            while True:
                event = http.next_event()
                if event is h11.NEED_DATA:
                    http.receive_data(await stream.receive_some(65536))
                elif isinstance(event, h11.Response):
                    status, got = event.status_code, {k.decode(): v.decode() for k, v in event.headers}
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                else:
                    return status, got, body

    async with serving(app, listener, feed.close):
        yield get
    library.close()


async def test_the_shell_needs_no_cookie_and_carries_the_policy(built):
    async with served(built) as get:
        status, headers, body = await get("/")
    assert (status, body) == (200, b"<!doctype html>the shell")
    assert headers["content-type"] == "text/html; charset=utf-8"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["referrer-policy"] == "no-referrer"


async def test_a_file_named_by_its_hash_is_kept_for_ever_and_the_shell_is_asked_for_again(built):
    async with served(built) as get:
        asset = (await get("/assets/index-abc.js"))[1]
        shell = (await get("/"))[1]
        again = await get("/", if_none_match=shell["etag"])
    assert "immutable" in asset["cache-control"]
    assert shell["cache-control"] == "no-cache"
    assert (again[0], again[2]) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.html",
        "/assets/../../outside.html",
        "/%2e%2e/outside.html",
        "/..%2foutside.html",
        "/assets/..%5c..%5coutside.html",
        "//outside.html",
        "/notes.txt",
        "/assets",
        "/assets/",
        "/index.html/",
    ],
)
async def test_no_path_leads_out_of_the_table(built, path):
    async with served(built) as get:
        status, _, body = await get(path)
    assert status == 401
    assert b"secret" not in body
    assert b"not ours" not in body


async def test_another_hosts_name_gets_no_page(built):
    async with served(built) as get:
        assert (await get("/", origin="http://evil.example"))[0] == 403


async def test_a_page_is_only_read(built):
    async with served(built) as get:
        status, headers, _ = await get("/", method="POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")


async def test_without_a_build_the_page_says_which_command_makes_it(tmp_path):
    async with served(tmp_path) as get:
        status, _, body = await get("/")
    assert status == 200
    assert b"make web" in body


async def test_a_build_made_meanwhile_is_served_without_a_new_start(tmp_path):
    async with served(tmp_path) as get:
        assert b"make web" in (await get("/"))[2]
        (tmp_path / "assets").mkdir()
        (tmp_path / "assets" / "index-1.js").write_text("one")
        (tmp_path / "index.html").write_text("the first")
        assert [(await get(path))[2] for path in ("/", "/assets/index-1.js")] == [b"the first", b"one"]
        (tmp_path / "assets" / "index-1.js").unlink()
        (tmp_path / "assets" / "index-22.js").write_text("two")
        (tmp_path / "index.html").write_text("the second")
        assert [(await get(path))[2] for path in ("/", "/assets/index-22.js")] == [b"the second", b"two"]
        assert (await get("/assets/index-1.js"))[0] == 401


async def test_in_the_middle_of_a_build_the_pages_of_before_are_served(built):
    async with served(built) as get:
        assert (await get("/"))[2] == b"<!doctype html>the shell"
        (built / "index.html").unlink()
        assert (await get("/"))[2] == b"<!doctype html>the shell"
        (built / "index.html").write_text("a shell whose script is not there yet")
        (built / "assets" / "index-abc.js").unlink()
        assert (await get("/"))[2] == b"a shell whose script is not there yet"
        (built / "assets" / "index-def.js").write_text("it came")
        assert (await get("/assets/index-def.js"))[2] == b"it came"


def test_a_session_is_known_again_after_a_restart_until_it_expires():
    key = sessions.key_from(Identity(bytes(32)).sign)
    assert key == sessions.key_from(Identity(bytes(32)).sign)
    session = sessions.new(key, 1000.0)
    assert sessions.is_valid(key, session, 1000.0 + sessions.SECONDS - 1)
    assert not sessions.is_valid(key, session, 1000.0 + sessions.SECONDS)
    assert not sessions.is_valid(sessions.key_from(Identity(bytes([1] * 32)).sign), session, 1000.0)


@pytest.mark.parametrize("text", ["", ".", "..", "9999999999", "9999999999.x", "9999999999.x.ü", "é.é.é"])
def test_what_is_no_session_is_refused(text):
    assert not sessions.is_valid(bytes(32), text, 0.0)


def test_an_expiry_that_was_moved_is_refused():
    claim, _, mac = sessions.new(bytes(32), 0.0).rpartition(".")
    expiry, _, nonce = claim.partition(".")
    assert not sessions.is_valid(bytes(32), f"{int(expiry) + 1}.{nonce}.{mac}", 0.0)


def test_the_pages_stay_small_enough_to_open_at_once():
    """Budget of issue 6; what gzip makes of script and style together."""
    import gzip

    if not (BUILT / "index.html").exists():
        pytest.skip("the pages are not built: `make web`")
    files = [file for file in BUILT.rglob("*") if file.suffix in (".js", ".css", ".html", ".svg")]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= 150 * 1024
