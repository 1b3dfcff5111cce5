"""`/rxdb` on a served local API: who gets in, and what a page that is in can do."""

import random
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, ConnectionRejected, open_websocket
from wsproto.connection import Connection as WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import TextMessage

sys.path.insert(0, str(Path(__file__).parents[1] / "playlists"))

from playlist_devices import Circle

from whatnext.node import rxdb
from whatnext.node.api import websockets
from whatnext.node.api.access import Access
from whatnext.node.api.app import App
from whatnext.node.api.feed import Feed
from whatnext.node.api.server import bind, serving
from whatnext.node.api.websockets import MAX_MESSAGE_BYTES
from whatnext.rxdb import limits
from whatnext.sync.discipline import Discipline


class Page:
    def __init__(self, circle, port, access, clients):
        self.circle, self.port, self.access, self.clients = circle, port, access, clients

    @asynccontextmanager
    async def opened(
        self, *, token="", headers=(), path="/rxdb", host=None, subprotocols=("whatnext.rxdb.1.1",)
    ):
        sent = [(b"authorization", f"Bearer {token or self.access.token}".encode()), *headers]
        async with open_websocket(
            host or "127.0.0.1",
            self.port,
            path,
            use_ssl=False,
            extra_headers=sent,
            subprotocols=list(subprotocols),
        ) as socket:
            yield socket

    async def refusal(self, **how):
        with pytest.raises(ConnectionRejected) as rejected:
            async with self.opened(**how):
                pass
        return rejected.value.status_code


@asynccontextmanager
async def served():
    circle = Circle()
    listener = bind(0)
    port = listener.getsockname()[1]
    access, feed = Access(port, trio.current_time), Feed(circle.ann.library)
    clients = rxdb.RxdbClients(circle.ann.here, Discipline())
    app = App({}, access, feed, {"/rxdb": clients.websocket})
    async with serving(app, listener, feed.close):
        yield Page(circle, port, access, clients)


@pytest.fixture
async def page():
    async with served() as page:
        yield page


@asynccontextmanager
async def deaf(page):
    """A page that asks for far more than sockets hold, and reads nothing."""
    page.circle.ann.add(page.circle.id, *(f"{n} {'x' * 400}" for n in range(2000)))
    request = (
        f"GET /rxdb HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {page.access.token}\r\n\r\n"
    )
    client = WSConnection(ConnectionType.CLIENT)
    async with await trio.open_tcp_stream("127.0.0.1", page.port) as stream:
        await stream.send_all(request.encode())
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 101")
        for number in range(8):
            pull = {**PULL, "id": f"page|{number}", "collection": "entries", "params": [None, 5000]}
            await stream.send_all(client.send(TextMessage(msgspec.json.encode(pull).decode())))
        yield


async def ask(socket, **message):
    await socket.send_message(
        msgspec.json.encode({"collection": "entries", "params": [], **message}).decode()
    )


async def answer(socket):
    with trio.fail_after(10):
        return msgspec.json.decode(await socket.get_message())


async def say_and_listen(socket, text):
    await socket.send_message(text)
    return await socket.get_message()


PULL = {"id": "page|1", "method": "masterChangesSince", "params": [None, 100]}


async def test_a_page_pulls_and_is_told_what_changes(page):
    page.circle.ann.add(page.circle.id, "One")
    async with page.opened() as socket:
        assert socket.subprotocol == "whatnext.rxdb.1.1"
        await ask(socket, **PULL)
        assert [d["title"] for d in (await answer(socket))["result"]["documents"]] == ["One"]
        await ask(socket, id="stream", method="masterChangeStream$")
        await ask(socket, **PULL)
        await answer(socket)  # by now the subscription stands
        page.circle.ann.add(page.circle.id, "Two")
        assert [d["title"] for d in (await answer(socket))["result"]["documents"]] == ["Two"]


async def test_a_client_that_names_no_version_gets_the_first_one(page):
    async with page.opened(subprotocols=()) as socket:
        await ask(socket, **{**PULL, "collection": "nothing"})
        with pytest.raises(ConnectionClosed), trio.fail_after(10):
            await socket.get_message()


async def test_a_page_of_another_site_gets_403(page):
    assert await page.refusal(headers=[(b"origin", b"http://evil.example")]) == 403


async def test_without_the_token_nobody_gets_in(page):
    assert await page.refusal(token="wrong") == 403


async def test_another_path_is_no_websocket(page):
    assert await page.refusal(path="/elsewhere") == 403


async def test_a_name_that_only_resolves_to_this_machine_is_refused(page):
    request = (
        "GET /rxdb HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {page.access.token}\r\n\r\n"
    )
    async with await trio.open_tcp_stream("127.0.0.1", page.port) as stream:
        await stream.send_all(request.encode())
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 403")


async def test_what_is_no_message_ends_the_connection_and_nothing_else(page):
    async with page.opened() as socket, page.opened() as other:
        await socket.send_message("nonsense")
        with pytest.raises(ConnectionClosed), trio.fail_after(10):
            await socket.get_message()
        assert socket.closed.code == 1002
        await ask(other, **PULL)
        assert "result" in await answer(other)


async def test_a_message_past_the_limit_ends_the_connection(page):
    async with page.opened() as socket:
        with pytest.raises(ConnectionClosed), trio.fail_after(20):
            await say_and_listen(socket, "x" * (MAX_MESSAGE_BYTES + 1))


async def test_more_clients_than_allowed_are_told_to_come_back(page, monkeypatch):
    monkeypatch.setattr(rxdb, "MAX_CLIENTS", 1)
    async with page.opened():
        assert await page.refusal() == 403


async def test_a_page_that_reads_nothing_does_not_keep_the_node_from_ending():
    with trio.fail_after(10):
        async with AsyncExitStack() as reading:
            async with served() as page:
                await reading.enter_async_context(deaf(page))
                await trio.testing.wait_all_tasks_blocked(0.05)
                assert page.clients._count == 1
            assert page.clients._count == 0


async def test_a_page_that_reads_nothing_loses_its_place(page, monkeypatch):
    monkeypatch.setattr(limits, "STALL_TIMEOUT_S", 0.3)
    monkeypatch.setattr(websockets, "STALL_S", 0.3)
    async with deaf(page):
        with trio.fail_after(10):
            while page.clients._count:  # noqa: ASYNC110 - the server ends on its own
                await trio.sleep(0.01)


async def test_a_client_that_left_is_forgotten(page):
    before = len(page.circle.ann.library._subscribers)
    for _ in range(5):
        async with page.opened() as socket:
            await ask(socket, **PULL)
            await answer(socket)
    with trio.fail_after(10):
        while len(page.circle.ann.library._subscribers) > before:  # noqa: ASYNC110 - the server ends on its own
            await trio.sleep(0.01)


async def test_edits_of_the_page_are_tracks_of_the_playlist(page):
    key = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz234567", k=16))
    new = {"id": f"{page.circle.id}:{key}", "playlistId": page.circle.id, "position": "a0V", "title": "Mine"}
    async with page.opened() as socket:
        await ask(socket, id="page|1", method="masterWrite", params=[[{"newDocumentState": new}]])
        assert (await answer(socket))["result"] == []
    assert page.circle.ann.titles(page.circle.id) == ["Mine"]
