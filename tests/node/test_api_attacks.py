"""Who tries what at the local API, and what becomes of it; the table is docs/concepts/concept-local-api-threats.md."""

import base64
import errno
import os
import socket
import sys

import pytest
import trio
import trio.testing
from raw_http import ECHO, UPGRADE, head, raw

from whatnext.node.api import access as access_module
from whatnext.node.api import owner, server
from whatnext.node.api.access import Access

OTHER_USER = 65534


async def signed_in(api) -> dict[str, str]:
    answer = await api.ask("GET", f"/auth?once={api.access.new_link()}", token=None)
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


async def works(api, headers: dict[str, str] | None = None) -> bool:
    """Whether an operation is answered; with headers, for their sake and not the token's."""
    answer = await api.ask("POST", "/v1/echo", ECHO, token=None if headers else "", headers=headers)
    return answer.status == 200


# DNS rebinding


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost.:{port}",
        "127.0.0.1.:{port}",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:{port}.evil.example",
        "127.0.0.1:{port}@evil.example",
        "127.0.0.1:0{port}",
        "127.1:{port}",
        "2130706433:{port}",
        "0.0.0.0:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "[::1%25lo]:{port}",
        "::1:{port}",
        "x.localhost:{port}",
        "127.0.0.1:{port},evil.example",
    ],
)
async def test_a_name_that_only_leads_to_this_machine_is_refused_in_every_way_to_write_it(api, host):
    host = host.format(port=api.port)
    for target in ("/", "/auth?once=x", "/v1/status", "/events", "/play/x/y"):
        assert (await raw(api, head(api, "GET", target, "Connection: close", host=host))).startswith(
            b"HTTP/1.1 403"
        )
    assert (await raw(api, head(api, "GET", "/rxdb", *UPGRADE, host=host))).startswith(b"HTTP/1.1 403")


async def test_no_host_or_two_are_no_request(api):
    assert (await raw(api, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert (await raw(api, head(api, "GET", "/", "Host: evil.example"))).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "target", ["http://evil.example/v1/echo", "http://127.0.0.1:PORT/v1/echo", "//v1/echo", "*"]
)
async def test_a_target_with_a_host_of_its_own_is_no_path_of_ours(api, target):
    wanted = head(
        api, "POST", target.replace("PORT", str(api.port)), "Connection: close", "Content-Length: 13"
    )
    answer = await raw(api, wanted + ECHO)
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"lala" not in answer


# Pages of other sites


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Same-Origin", "nonsense", ""])
async def test_a_page_that_hides_its_origin_is_known_by_how_the_browser_says_it_asks(api, site):
    own = await signed_in(api)
    said = {**own, "sec-fetch-site": site}
    for method, target in (
        ("GET", "/events"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("POST", "/v1/echo"),
    ):
        with trio.fail_after(5):
            answer = await api.ask(
                method, target, ECHO if method == "POST" else b"", token=None, headers=said
            )
        assert answer.problem()["type"] == "urn:whatnext:problem:forbidden_origin"
    upgrade = head(
        api, "GET", "/rxdb", *UPGRADE, f"Sec-Fetch-Site: {site}", f"Cookie: {own['cookie']}", token=False
    )
    assert (await raw(api, upgrade)).startswith(b"HTTP/1.1 403")
    assert await works(api, {**own, "sec-fetch-site": "same-origin"})


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json",
    ],
)
async def test_a_form_of_another_site_changes_nothing_whatever_it_claims_to_send(api, kind):
    own = await signed_in(api)
    for origin in (
        "http://evil.example",
        "null",
        f"http://127.0.0.1:{api.port + 1}",
        f"http://localhost:{api.port}.evil.example",
    ):
        said = {**own, "content-type": kind, "origin": origin}
        assert (await api.ask("POST", "/v1/echo", ECHO, token=None, headers=said)).status == 403


async def test_no_answer_lets_another_site_read_frame_or_guess_it(api):
    own = await signed_in(api)
    for method, target in (
        ("POST", "/v1/echo"),
        ("GET", "/openapi.json"),
        ("GET", "/metrics"),
        ("GET", "/nowhere"),
    ):
        answer = await api.ask(method, target, ECHO if method == "POST" else b"", token=None, headers=own)
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert (await api.ask("OPTIONS", "/v1/echo", token=None)).status == 401
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(head(api, "GET", "/events"))
        events = await stream.receive_some()
    for guard in (b"no-store", b"nosniff", b"cross-origin-resource-policy: same-origin"):
        assert guard in events


# The token, the link, the cookie


async def test_the_token_counts_in_its_header_alone(api):
    token = api.access.token
    page = f"http://127.0.0.1:{api.port}"
    for target, headers in (
        (f"/v1/echo?token={token}", {}),
        (f"/v1/echo?access_token={token}&once={api.access.new_link()}", {}),
        ("/v1/echo", {"referer": f"{page}/?token={token}"}),
        ("/v1/echo", {"referer": f"{page}/auth?once={api.access.new_link()}"}),
        ("/v1/echo", {"cookie": f"{api.access.cookie}={token}"}),
        ("/v1/echo", {"cookie": f"Authorization=Bearer {token}"}),
        ("/v1/echo", {"authorization": f"Basic {base64.b64encode(b':' + token.encode()).decode()}"}),
        ("/v1/echo", {"authorization": token}),
        ("/v1/echo", {"authorization": f"Bearer {token} "[:-2]}),
        ("/v1/echo", {"x-token": token}),
    ):
        assert (await api.ask("POST", target, ECHO, token=None, headers=headers)).status == 401
    assert await works(api)


async def test_a_link_works_once_and_leads_to_an_address_without_it(api):
    once = api.access.new_link()
    answer = await api.ask("GET", f"/auth?once={once}", token=None)
    assert (answer.status, answer.headers["location"], answer.body) == (303, "/", b"")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert once not in str(answer.headers)
    again = await api.ask("GET", f"/auth?once={once}", token=None)
    assert (again.status, "set-cookie" in again.headers) == (401, False)
    assert once.encode() not in again.body


def test_a_link_is_worth_nothing_after_a_minute():
    now = [0.0]
    access = Access(1, lambda: now[0])
    in_time, late = access.new_link(), access.new_link()
    now[0] = access_module.ONCE_SECONDS
    assert access.open_session(in_time)
    now[0] += 0.001
    with pytest.raises(access_module.ApiError):
        access.open_session(late)


async def test_guesses_of_a_link_find_nothing_and_use_nothing_up(api):
    once = api.access.new_link()
    assert len(base64.urlsafe_b64decode(once)) * 8 >= 128  # so many guesses that their pace does not matter
    for guess in ("", once[:-1], once + "A", once.swapcase(), "%00", "*", once[:-1] + "%"):
        assert (await api.ask("GET", f"/auth?once={guess}", token=None)).status == 401
    assert (await api.ask("POST", f"/auth?once={once}", token=None)).status == 405
    assert (await api.ask("GET", f"/auth?once={once}", token=None)).status == 303


async def test_links_that_nobody_uses_do_not_pile_up(api):
    links = [api.access.new_link() for _ in range(3 * access_module.MAX_ONCE)]
    assert len(api.access._once) == access_module.MAX_ONCE
    assert (await api.ask("GET", f"/auth?once={links[0]}", token=None)).status == 401
    assert (await api.ask("GET", f"/auth?once={links[-1]}", token=None)).status == 303


async def test_a_sessions_cookie_is_for_no_script_no_other_site_and_no_other_host(api):
    answer = await api.ask("GET", f"/auth?once={api.access.new_link()}", token=None)
    pair, *flags = answer.headers["set-cookie"].split("; ")
    assert pair.startswith(api.access.cookie + "=")
    assert set(flags) == {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={30 * 24 * 3600}"}  # no Domain


async def test_two_profiles_on_one_host_keep_their_cookies_apart(api):
    """Browsers send a cookie to every port of a host: the names must differ, not only the values."""
    other = Access(api.port, trio.current_time)
    assert other.cookie != api.access.cookie
    theirs = other.open_session(other.new_link()).partition(";")[0]
    own = await signed_in(api)
    assert await works(api, {"cookie": f"{theirs}; {own['cookie']}"})
    assert not await works(api, {"cookie": theirs})
    assert not await works(api, {"cookie": f"{api.access.cookie}={theirs.partition('=')[2]}"})


def test_a_profile_keeps_its_cookie_at_another_port():
    key = bytes(32)
    one, other = Access(1, lambda: 0.0, session_key=key), Access(2, lambda: 0.0, session_key=key)
    cookie = one.open_session(one.new_link()).partition(";")[0]
    other.check_token({b"cookie": cookie.encode()})


@pytest.mark.parametrize(
    "others",
    [
        'jupyter={"a": [1, 2]}',
        "bad[name]=1; @=2",
        "noequals; ;; =",
        "path=/; expires=never",
        "OWN=tossed; OWN=",
        "x=" + "y" * 30_000,
    ],
)
async def test_what_other_servers_of_this_machine_set_as_cookies_signs_nobody_out(api, others):
    own = (await signed_in(api))["cookie"]
    others = others.replace("OWN", api.access.cookie)
    assert await works(api, {"cookie": f"{others}; {own}"})
    assert await works(api, {"cookie": f"{own}; {others}"})


# Other users of this machine


async def test_another_users_browser_gets_in_by_no_link_and_no_cookie_but_by_the_token_it_was_given(
    api, monkeypatch
):
    own, once = await signed_in(api), api.access.new_link()
    monkeypatch.setattr(server, "whose", lambda _: "other")
    answer = await api.ask("GET", f"/auth?once={once}", token=None)
    assert answer.problem()["type"] == "urn:whatnext:problem:forbidden_user"
    assert not await works(api, own)
    upgrade = head(api, "GET", "/rxdb", *UPGRADE, f"Cookie: {own['cookie']}", token=False)
    assert (await raw(api, upgrade)).startswith(b"HTTP/1.1 403")
    assert await works(api)
    monkeypatch.undo()
    assert await works(api, own)
    assert (
        await api.ask("GET", f"/auth?once={once}", token=None)
    ).status == 303  # the thief did not use it up


needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="only root on Linux can be another user, too"
)


def as_other_user(address: tuple[str, int], request: bytes) -> bytes:
    """What a process of another user is answered: a child of ours, as that user may not read this Python."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(OTHER_USER)
            with socket.create_connection(address, 5) as connection:
                connection.sendall(request)
                os.write(writing, connection.recv(1000))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        answer = said.read()
    os.waitpid(child, 0)
    return answer


@needs_root
async def test_the_kernel_tells_that_another_users_process_asks(api):
    once = api.access.new_link()
    request = f"GET /auth?once={once} HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\n\r\n".encode()
    answer = await trio.to_thread.run_sync(as_other_user, ("127.0.0.1", api.port), request)
    assert answer.startswith(b"HTTP/1.1 403")
    assert (await api.ask("GET", f"/auth?once={once}", token=None)).status == 303


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")
def test_a_connection_is_its_users_until_it_is_closed():
    if not owner._can_tell():
        pytest.skip("this kernel does not answer sock_diag")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            assert owner.whose(accepted) == "ours"
            client.shutdown(socket.SHUT_WR)
            assert owner.whose(accepted) == "ours"
            client.close()  # the kernel now names root as its user, who may do all
            assert owner.whose(accepted) == "other"


def test_where_nobody_can_tell_whose_a_connection_is_the_token_and_the_cookie_decide(monkeypatch):
    monkeypatch.setattr(owner, "_can_tell", lambda: False)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert owner.whose(accepted) == "unknown"


def test_without_a_socket_to_ask_with_nobody_can_tell_and_the_next_connection_is_asked_about_again(
    monkeypatch,
):
    def none_left(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    owner._can_tell.cache_clear()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        before = owner.whose(accepted)
        owner._can_tell.cache_clear()
        with monkeypatch.context() as full:
            full.setattr(owner.socket, "socket", none_left)
            assert owner.whose(accepted) == "unknown"
        assert owner.whose(accepted) == before
