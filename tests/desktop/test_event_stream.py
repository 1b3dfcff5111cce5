"""Following a node's events: what is told, and that every kind of end is an end."""

import pytest
import trio

from whatnext.desktop import event_stream
from whatnext.node.state_file import NodeFile

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.fixture
async def told(nursery):
    """What is told by a server that says these parts, then stays or goes; also what it was asked."""

    async def tell(*parts: bytes, stays: bool = False) -> tuple[list[tuple[str, bytes]], bytes]:
        events, asked = [], b""

        async def serve(stream: trio.SocketStream) -> None:
            nonlocal asked
            asked = await stream.receive_some(4096)
            for part in parts:
                try:
                    await stream.send_all(part)
                except trio.BrokenResourceError:
                    return  # it had enough
            if stays:
                await trio.sleep_forever()

        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        node = NodeFile(url=url, token="secret", pid=0, peer="p", started=0)
        with trio.fail_after(10):
            await event_stream.follow(node, lambda kind, data: events.append((kind, data)))
        return events, asked

    return tell


async def test_events_are_told_however_they_are_cut(told):
    frames = b'id: 1\nevent: ready\ndata: {"feed":1}\n\n: still here\n\nevent: resync\ndata: {}\n\n'
    for step in (1, 7, 1000):
        parts = [chunk(frames[at : at + step]) for at in range(0, len(frames), step)]
        events, asked = await told(HEAD, *parts, b"0\r\n\r\n")
        assert events == [("ready", b'{"feed":1}'), ("resync", b"{}")]
    assert asked.startswith(b"GET /events HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in asked


@pytest.mark.parametrize(
    "parts",
    [
        (b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",),
        (b"SSH-2.0-OpenSSH\r\n",),
        (HEAD, b"zz\r\n"),
        (HEAD, chunk(b"event: cut")),
        (),
    ],
)
async def test_a_node_that_refuses_ends_or_is_none_is_left(told, parts):
    assert (await told(*parts))[0] == []


async def test_a_node_that_says_nothing_for_too_long_is_left(told, monkeypatch):
    monkeypatch.setattr(event_stream, "SILENCE_S", 0.05)
    assert (await told(HEAD, chunk(b"event: a\ndata: {}\n\n"), stays=True))[0] == [("a", b"{}")]


async def test_an_event_without_end_is_no_event(told):
    assert (await told(HEAD, *[chunk(b"x" * 60_000)] * 3, stays=True))[0] == []


async def test_where_nobody_listens_it_ends():
    node = NodeFile(url="http://127.0.0.1:1", token="t", pid=0, peer="p", started=0)
    await event_stream.follow(node, lambda kind, data: pytest.fail(kind))
