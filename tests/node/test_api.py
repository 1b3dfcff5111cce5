import msgspec
import pytest
import trio

from whatnext.node.api import connection
from whatnext.node.api import feed as feed_module
from whatnext.records.codec import Write
from whatnext.records.ids import to_text
from whatnext.store import Change

FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1:1",
    "127.0.0.1",
    "localhost.evil.example:{port}",
]


async def test_an_operation_is_answered_with_its_response(api):
    answer = await api.ask("POST", "/v1/echo", b'{"text":"la","howOften":2}')
    assert (answer.status, answer.body) == (200, b'{"said":"lala"}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("token", [None, "wrong", "x" * 43])
async def test_without_the_token_nothing_is_answered(api, token):
    answer = await api.ask("POST", "/v1/echo", b'{"text":"la"}', token=token)
    assert answer.status == 401
    assert answer.problem()["type"] == "urn:whatnext:problem:unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert api.access.token.encode() not in answer.body


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_request_for_another_host_is_refused_even_with_the_token(api, host):
    answer = await api.ask("POST", "/v1/echo", b'{"text":"la"}', host=host.format(port=api.port))
    assert answer.status == 403
    assert answer.problem()["type"] == "urn:whatnext:problem:forbidden_host"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
async def test_every_name_of_loopback_is_ours(api, name):
    assert (await api.ask("POST", "/v1/echo", b'{"text":"la"}', host=f"{name}:{api.port}")).status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
async def test_a_page_of_another_site_is_refused_even_with_the_token(api, origin):
    origin = origin.format(port=api.port)
    answer = await api.ask("POST", "/v1/echo", b'{"text":"la"}', headers={"origin": origin})
    assert answer.problem()["type"] == "urn:whatnext:problem:forbidden_origin"


async def test_our_own_page_may_ask(api):
    own = {"origin": f"http://localhost:{api.port}"}
    assert (await api.ask("POST", "/v1/echo", b'{"text":"la"}', headers=own)).status == 200


async def test_the_wrong_method_is_named_with_the_right_one(api):
    answer = await api.ask("GET", "/v1/echo")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert (await api.ask("POST", "/events")).headers["allow"] == "GET"


async def test_head_is_answered_without_a_body_and_the_connection_goes_on(api):
    asked = [("HEAD", "/openapi.json"), ("HEAD", "/events"), ("HEAD", "/")]
    with trio.fail_after(5):
        *refused, page = await api.ask_in_turn(*asked)
    whole = await api.ask("GET", "/")
    assert (page.status, page.body) == (200, b"")
    assert (whole.status, whole.headers) == (200, page.headers)
    assert int(page.headers["content-length"]) == len(whole.body)
    for answer in refused:
        assert (answer.status, answer.headers["allow"], answer.body) == (405, "GET", b"")


async def test_an_unknown_operation_suggests_the_nearest(api):
    answer = await api.ask("POST", "/v1/ehco", b"{}")
    assert answer.status == 404
    assert answer.problem()["type"] == "urn:whatnext:problem:unknown_operation"
    assert "did you mean echo?" in answer.problem()["detail"]
    assert (await api.ask("GET", "/nowhere")).problem()["type"] == "urn:whatnext:problem:no_such_path"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"text":3}', "$.text"),
        (b'{"howOften":2}', "`text`"),
        (b'{"text":"a","howoften":2}', "`howoften`"),
        (b'{"text":', "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[]", "object"),
    ],
)
async def test_bad_json_names_the_field(api, body, named):
    answer = await api.ask("POST", "/v1/echo", body)
    assert answer.status == 400
    assert answer.problem()["type"] == "urn:whatnext:problem:bad_request"
    assert named in answer.problem()["detail"]


async def test_a_body_over_the_limit_is_refused_declared_or_not(api):
    answer = await api.ask("POST", "/v1/echo", b" " * 1001)
    assert (answer.status, answer.problem()["type"]) == (413, "urn:whatnext:problem:too_large")
    chunked = b"3e9\r\n" + b" " * 1001 + b"\r\n0\r\n\r\n"
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        head = f"POST /v1/echo HTTP/1.1\r\nHost: localhost:{api.port}\r\nTransfer-Encoding: chunked\r\n"
        await stream.send_all(f"{head}Authorization: Bearer {api.access.token}\r\n\r\n".encode() + chunked)
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 413")


async def test_a_long_body_that_is_not_wanted_still_gets_its_answer(api):
    assert (await api.ask("POST", "/v1/echo", b" " * 4_000_000)).status == 413
    assert (await api.ask("POST", "/v1/echo", b" " * 4_000_000, token="wrong")).status == 401


async def test_our_errors_become_problem_documents(api):
    answer = await api.ask("POST", "/v1/echo", b'{"text":"missing"}')
    assert answer.status == 404
    assert answer.problem() == {
        "type": "urn:whatnext:problem:not_found",
        "title": "Nothing by that name or id is here",
        "status": 404,
        "detail": "there is no such text: try another",
    }


async def test_a_mistake_of_ours_is_told_without_its_traceback_and_logged_with_it(api, caplog):
    answer = await api.ask("POST", "/v1/echo", b'{"text":"broken"}')
    assert answer.status == 500
    assert answer.problem()["type"] == "urn:whatnext:problem:internal"
    assert b"secret" not in answer.body
    assert "the secret of the traceback" in caplog.text
    assert (await api.ask("POST", "/v1/echo", b'{"text":"la"}')).status == 200


async def test_the_openapi_document_describes_the_operation_from_its_structs(api):
    page = msgspec.json.decode((await api.ask("GET", "/openapi.json")).body)
    assert page["openapi"] == "3.1.0"
    assert page["paths"]["/v1/echo"]["post"]["summary"] == "Say it again"
    assert set(page["components"]["schemas"]["EchoRequest"]["properties"]) == {"text", "howOften"}
    assert "ChangeEvent" in page["components"]["schemas"]


async def test_a_browser_trades_a_one_time_link_for_a_cookie_once(api):
    once = api.access.new_link()
    answer = await api.ask("GET", f"/auth?once={once}", token=None)
    cookie = answer.headers["set-cookie"]
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    own = {"cookie": cookie.split(";")[0]}
    assert (await api.ask("POST", "/v1/echo", b'{"text":"la"}', token=None, headers=own)).status == 200
    assert (await api.ask("GET", f"/auth?once={once}", token=None)).status == 401
    bad = {"cookie": f"{api.access.cookie}=guess"}
    assert (await api.ask("POST", "/v1/echo", b'{"text":"la"}', token=None, headers=bad)).status == 401


def new_playlist(library, name="Mix") -> bytes:
    return library.create([Write("playlists", "", {"name": name})])


async def test_a_listener_hears_of_a_change_at_once(api):
    async with api.events() as following:
        assert await following() == ("ready", {"feed": 0})
        playlist = new_playlist(api.library)
        kind, data = await following()
        assert kind == "change"
        assert data == {
            "playlist": to_text(playlist),
            "feed": api.feed.number(),
            "local": True,
            "reset": False,
        }


async def test_a_listener_that_names_its_feed_number_misses_nothing(api):
    first = new_playlist(api.library, "One")
    seen = api.feed.number()
    second = new_playlist(api.library, "Two")
    async with api.events(f"?feed={seen}") as following:
        kind, data = await following()
        assert (kind, data["playlist"]) == ("change", to_text(second))
        assert await following() == ("ready", {"feed": api.feed.number()})
    async with api.events("?feed=0") as following:
        told = [(await following())[1].get("playlist") for _ in range(3)]
        assert told == [to_text(first), to_text(second), None]


async def test_a_listener_from_another_database_is_told_to_read_anew(api):
    async with api.events("?feed=99") as following:
        assert (await following())[0] == "resync"


@pytest.mark.parametrize("number", ["x", "-1", "1" * 30])
async def test_a_bad_feed_number_is_refused(api, number):
    assert (await api.ask("GET", f"/events?feed={number}")).status == 400


async def test_a_slow_listener_costs_bounded_memory_and_is_told_to_read_anew(api):
    with api.feed.listen() as listener:
        for _ in range(3 * feed_module.CAPACITY):
            api.feed.on_missed()
        data = await listener.wait()
        assert len(data) <= feed_module.CAPACITY * len(feed_module.RESYNC)
        assert data.startswith(feed_module.RESYNC)


async def test_too_many_listeners_are_turned_away(api, monkeypatch):
    monkeypatch.setattr(feed_module, "MAX_LISTENERS", 1)
    async with api.events() as following:
        await following()
        assert (await api.ask("GET", "/events")).problem()[
            "type"
        ] == "urn:whatnext:problem:too_many_listeners"


async def test_listeners_streams_end_when_the_node_stops(api):
    async with api.events() as following:
        await following()
        api.feed.close()
        assert (await following())[0] == "end"


# HTTP itself


async def raw(api, data: bytes) -> bytes:
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(data)
        answer = b""
        with trio.move_on_after(5):
            while part := await stream.receive_some():
                answer += part
        return answer


def head(api, method: str, target: str, *more: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{api.port}"]
    lines += [f"Authorization: Bearer {api.access.token}", *more, "", ""]
    return "\r\n".join(lines).encode()


async def test_one_connection_carries_many_requests_also_sent_ahead(api):
    one = head(api, "POST", "/v1/echo", "Content-Length: 13") + b'{"text":"la"}'
    last = head(api, "POST", "/v1/echo", "Content-Length: 13", "Connection: close") + b'{"text":"la"}'
    assert (await raw(api, one + one + last)).count(b'{"said":"la"}') == 3


async def test_a_page_is_read_over_one_connection(api):
    one, last = head(api, "GET", "/openapi.json"), head(api, "GET", "/openapi.json", "Connection: close")
    assert (await raw(api, one + one + last)).count(b"HTTP/1.1 200") == 3


async def test_what_is_no_http_gets_400_and_the_node_goes_on(api):
    assert (await raw(api, b"\x00\x01\x02 nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert (await raw(api, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert (await raw(api, b"GET /" + b"x" * 70_000)).startswith(b"HTTP/1.1 431")
    assert (await api.ask("POST", "/v1/echo", b'{"text":"la"}')).status == 200


async def test_a_client_that_leaves_in_the_middle_harms_nobody(api):
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(head(api, "POST", "/v1/echo", "Content-Length: 100") + b"{")
    assert (await api.ask("POST", "/v1/echo", b'{"text":"la"}')).status == 200


async def test_a_client_that_asks_first_is_told_to_go_on(api):
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        expecting = ("Content-Length: 13", "Expect: 100-continue")
        await stream.send_all(head(api, "POST", "/v1/echo", *expecting))
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 100")
        await stream.send_all(b'{"text":"la"}')
        assert b'{"said":"la"}' in await stream.receive_some()


async def test_a_websocket_nobody_serves_is_refused(api):
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    wanted = head(api, "GET", "/rxdb", *upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert (await raw(api, wanted)).startswith(b"HTTP/1.1 403")


async def test_an_idle_connection_is_closed(api, monkeypatch):
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.01)
    assert await raw(api, b"") == b""


async def test_changes_from_elsewhere_reach_a_listener_in_order_and_once(api):
    playlist = new_playlist(api.library)
    async with api.events() as following:
        await following()
        for number in range(50):
            api.feed.on_change(Change(playlist, local=number % 3 == 0, reset=False))
            if number % 7 == 0:
                await trio.lowlevel.checkpoint()
        told = [(await following())[1]["local"] for _ in range(50)]
        assert told == [number % 3 == 0 for number in range(50)]


async def test_a_listener_that_never_reads_is_cut_off_or_told_to_read_anew(api):
    playlist = new_playlist(api.library)
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(head(api, "GET", "/events"))
        assert b"ready" in await stream.receive_some()
        for number in range(150_000):  # 25 MB: more than the sockets hold
            api.feed.on_change(Change(playlist, local=False, reset=False))
            if number % 1000 == 0:
                await trio.lowlevel.checkpoint()
        end = b""
        with trio.fail_after(20):
            while b"event: resync" not in end and (part := await stream.receive_some()):
                end = end[-20:] + part
