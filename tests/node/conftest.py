"""A local API with two small operations, served on a real loopback socket inside the test's own loop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import h11
import msgspec
import pytest
import trio

from whatnext.clock import HybridClock
from whatnext.errors import NotFound
from whatnext.identity import Identity
from whatnext.node.api.access import Access
from whatnext.node.api.app import App
from whatnext.node.api.endpoint import Endpoint
from whatnext.node.api.feed import Feed
from whatnext.node.api.server import bind, serving
from whatnext.store import Library


class EchoRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    text: str
    how_often: int = 1


class EchoAnswer(msgspec.Struct, kw_only=True, rename="camel"):
    said: str


async def echo(request: EchoRequest) -> EchoAnswer:
    if request.text == "missing":
        raise NotFound("there is no such text: try another")
    if request.text == "broken":
        raise ZeroDivisionError("the secret of the traceback")
    return EchoAnswer(said=request.text * request.how_often)


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, object]:
        assert self.headers["content-type"] == "application/problem+json"
        return msgspec.json.decode(self.body)


class LocalApi:
    """What a test needs of a served API: its parts, and requests to it."""

    def __init__(self, port: int, access: Access, library: Library, feed: Feed) -> None:
        self.port = port
        self.access = access
        self.library = library
        self.feed = feed

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        token: str | None = "",
        host: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = {"host": host or f"127.0.0.1:{self.port}", **(headers or {})}
        if token is not None:
            sent["authorization"] = f"Bearer {token or self.access.token}"
        if body:
            sent.setdefault("content-length", str(len(body)))
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            return await exchange(stream, method, target, sent, body)

    async def ask_in_turn(self, *asked: tuple[str, str]) -> list[Answer]:
        """Answers to requests without a body, all on one connection."""
        sent = {"host": f"127.0.0.1:{self.port}", "authorization": f"Bearer {self.access.token}"}
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            return [await exchange(stream, method, target, sent, b"") for method, target in asked]

    @asynccontextmanager
    async def events(self, query: str = "") -> AsyncIterator[Callable[[], Awaitable[tuple[str, dict]]]]:
        """Yields a function that waits for the next event: (kind, data)."""
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            head = f"GET /events{query} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            await stream.send_all(f"{head}Authorization: Bearer {self.access.token}\r\n\r\n".encode())
            connection = h11.Connection(h11.CLIENT)
            connection.send(h11.Request(method="GET", target="/events", headers=[("host", "x")]))
            text = bytearray()

            async def following() -> tuple[str, dict]:
                while b"\n\n" not in text:
                    event = connection.next_event()
                    if event is h11.NEED_DATA:
                        connection.receive_data(await stream.receive_some())
                    elif isinstance(event, h11.Data):
                        text.extend(event.data)
                    elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                        return ("end", {})
                raw, _, rest = bytes(text).partition(b"\n\n")
                text[:] = rest
                fields = dict(line.split(": ", 1) for line in raw.decode().split("\n"))
                return fields["event"], msgspec.json.decode(fields["data"])

            yield following


async def exchange(stream, method, target, headers, body) -> Answer:
    connection = h11.Connection(h11.CLIENT)
    head = connection.send(h11.Request(method=method, target=target, headers=list(headers.items())))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_quietly, stream, head + body)
        answer = Answer(0, {}, b"")
        connection.send(h11.Data(data=body))
        connection.send(h11.EndOfMessage())
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some())
            elif isinstance(event, h11.Response):
                answer.status = event.status_code
                answer.headers = {k.decode(): v.decode() for k, v in event.headers}
            elif isinstance(event, h11.Data):
                answer.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                nursery.cancel_scope.cancel()
                return answer


async def send_quietly(stream, data: bytes) -> None:
    try:
        await stream.send_all(data)
    except trio.BrokenResourceError:
        return  # answered before all was sent


@pytest.fixture
def local_api() -> type[LocalApi]:
    """For tests that serve an application of their own."""
    return LocalApi


@pytest.fixture
async def api():
    library = Library(Identity.generate(), HybridClock(lambda: 1_790_000_000_000))
    listener = bind(0)
    port = listener.getsockname()[1]
    access, feed = Access(port, trio.current_time), Feed(library)
    endpoint = Endpoint("echo", "Say it again", EchoRequest, EchoAnswer, echo, body_limit=1000)
    unsubscribe = library.subscribe(feed.on_change)
    async with serving(App({"echo": endpoint}, access, feed), listener, feed.close):
        yield LocalApi(port, access, library, feed)
    unsubscribe()
    library.close()
