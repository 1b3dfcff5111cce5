"""Who floods the local API, stalls it, or speaks something else; see docs/concepts/concept-local-api-threats.md."""

import pytest
import trio
import trio.testing
from raw_http import ECHO, UPGRADE, head, raw

from whatnext.node.api import asgi, connection, server


async def works(api) -> bool:
    return (await api.ask("POST", "/v1/echo", ECHO)).status == 200


async def test_connections_that_ask_nothing_make_way_and_more_than_the_bound_are_never_open(api, monkeypatch):
    idle = [await trio.open_tcp_stream("127.0.0.1", api.port) for _ in range(server.MAX_CONNECTIONS + 40)]
    try:
        with trio.fail_after(10):
            for stream in idle[:40]:
                assert await stream.receive_some() == b""  # closed: the first to wait, the first to go
        assert await works(api)
        await idle[-1].send_all(head(api, "POST", "/v1/echo", "Content-Length: 13") + ECHO)
        assert (await idle[-1].receive_some()).startswith(b"HTTP/1.1 200")
    finally:
        for stream in idle:
            await stream.aclose()


async def test_other_users_have_few_places_and_none_of_ours(api, monkeypatch):
    monkeypatch.setattr(server, "MAX_OF_OTHER_USERS", 2)
    own = await trio.open_tcp_stream("127.0.0.1", api.port)
    await trio.testing.wait_all_tasks_blocked()
    monkeypatch.setattr(server, "whose", lambda _: "other")
    others = [
        await trio.open_tcp_stream("127.0.0.1", api.port) for _ in range(server.MAX_OF_OTHER_USERS + 40)
    ]
    with trio.fail_after(10):
        for stream in others[:8]:
            assert await stream.receive_some() == b""
    await own.send_all(head(api, "POST", "/v1/echo", "Content-Length: 13") + ECHO)
    assert (await own.receive_some()).startswith(b"HTTP/1.1 200")
    for stream in (own, *others):
        await stream.aclose()


async def test_when_all_are_busy_one_more_is_closed_at_once_instead_of_waiting(api, monkeypatch):
    monkeypatch.setattr(asgi, "BODY_STALL_S", 30.0)
    begun = head(api, "POST", "/v1/echo", "Content-Length: 13") + b"{"
    busy = [await trio.open_tcp_stream("127.0.0.1", api.port) for _ in range(server.MAX_CONNECTIONS)]
    for stream in busy:
        await stream.send_all(begun)
    await trio.testing.wait_all_tasks_blocked(0.05)
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as late:
        with trio.fail_after(5):
            assert await late.receive_some() == b""
    await busy[0].send_all(ECHO[1:])
    assert (await busy[0].receive_some()).startswith(b"HTTP/1.1 200")
    for stream in busy:
        await stream.aclose()
    await trio.testing.wait_all_tasks_blocked(0.05)
    assert await works(api)


async def test_a_body_that_stops_is_given_up_and_one_that_is_cut_short_does_nothing(api, monkeypatch, caplog):
    monkeypatch.setattr(asgi, "BODY_STALL_S", 0.05)
    monkeypatch.setattr(asgi, "_DRAIN_SECONDS", 0.05)
    begun = head(api, "POST", "/v1/echo", "Content-Length: 500") + ECHO
    assert (await raw(api, begun)).startswith(b"HTTP/1.1 408")
    monkeypatch.undo()
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(begun)
        await stream.send_eof()
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 400")
    assert (
        await raw(api, head(api, "POST", "/v1/echo", "Transfer-Encoding: chunked") + b"zz\r\n")
    ).startswith(b"HTTP/1.1 400")
    assert "Traceback" not in caplog.text


async def test_who_may_not_ask_cannot_keep_a_place_with_a_slow_body(api, monkeypatch):
    monkeypatch.setattr(asgi, "_DRAIN_SECONDS", 0.05)
    begun = head(api, "POST", "/v1/echo", "Content-Length: 500", token=False) + b"{"
    assert (await raw(api, begun)).startswith(b"HTTP/1.1 401")


async def test_a_head_without_end_is_cut_off(api):
    flood = head(api, "GET", "/")[:-2] + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 100) for n in range(630))
    assert (await raw(api, flood)).startswith(b"HTTP/1.1 431")
    assert await works(api)


async def test_a_client_that_takes_nothing_of_its_answers_is_cut_off(api, mock_clock):
    mock_clock.rate = 1
    long = b'{"text":"%s","howOften":999999}' % (b"la" * 7)
    asked = head(api, "POST", "/v1/echo", f"Content-Length: {len(long)}", "Connection: close") + long
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(asked)
        await trio.testing.wait_all_tasks_blocked(0.05)
        mock_clock.jump(connection.STALL_S)
        assert await rest_of(stream) < 14_000_000
    assert await works(api)


async def rest_of(stream: trio.SocketStream) -> int:
    """How many bytes come until the other side ends it."""
    size = 0
    try:
        while part := await stream.receive_some():
            size += len(part)
    except trio.BrokenResourceError:
        pass
    return size


# Hypercorn serves WebSockets, and nothing else


@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        ("Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        ("Connection: Upgrade", "Upgrade: websocket, h2c"),
        ("Connection: close", "Upgrade: websocket"),
        ("Upgrade: websocket",),
    ],
)
async def test_nothing_but_a_websocket_is_handed_to_the_other_server(api, monkeypatch, lines):
    async def handed_over(*_):
        raise AssertionError("handed over")

    monkeypatch.setattr(connection, "serve_websocket", handed_over)
    answer = await raw(api, head(api, "GET", "/openapi.json", *lines, "X: y"))
    assert answer.startswith(b"HTTP/1.1 200")


async def test_the_greeting_of_http_2_is_no_request(api):
    greeting = f"PRI * HTTP/2.0\r\nHost: 127.0.0.1:{api.port}\r\n\r\nSM\r\n\r\n"
    assert (await raw(api, greeting.encode())).startswith(b"HTTP/1.1 401")


async def test_what_a_refused_websocket_says_at_once_is_not_heard(api, caplog):
    """Hypercorn raised an error of h11's at it, which ended the node: no token was needed for that."""
    wanted = head(api, "GET", "/rxdb", *UPGRADE, token=False)
    answer = await raw(api, wanted + head(api, "GET", "/openapi.json"))
    assert answer.startswith(b"HTTP/1.1 403")
    assert answer.count(b"HTTP/1.1") == 1
    assert "Traceback" not in caplog.text
    assert await works(api)


async def test_what_goes_wrong_in_one_connection_stops_no_other(api, monkeypatch, caplog):
    async def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(connection, "serve_websocket", fail)
    assert await raw(api, head(api, "GET", "/rxdb", *UPGRADE)) == b""
    assert "ZeroDivisionError" in caplog.text
    assert await works(api)
