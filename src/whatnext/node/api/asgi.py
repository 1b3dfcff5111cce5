"""The few words of ASGI that the local API speaks: a request, a reply, a body with a limit."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
import trio

from whatnext.node.api.problems import MEDIA_TYPE, ApiError, Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

JSON = b"application/json"
GUARDS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
"""With every answer: it is what it says it is, for our own pages alone, and no address is told to others."""
BODY_STALL_S = 20.0
"""Patience for the next part of a request's body."""
_DRAIN_SECONDS = 2.0
_OTHER_USER = "whatnext.other_user"


def of_other_user(app: Asgi) -> Asgi:
    """The application, told that another user of this machine asks."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        scope[_OTHER_USER] = True
        await app(scope, receive, send)

    return marked


def is_of_other_user(scope: Scope) -> bool:
    """Whether another user of this machine asks, as far as the system tells."""
    return _OTHER_USER in scope


class Request:
    """One HTTP request; its body is read once, or thrown away."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.other_user = is_of_other_user(scope)
        self._query: bytes = scope["query_string"]
        self._receive = receive
        self._ended = False
        now = scope.get("extensions", {}).get("whatnext.write_now")
        self.write_now: Callable[[bytes], bool] | None = now and now["write"]
        """Writes a part of a streamed answer at once if it can; a server may offer it."""

    def parameter(self, name: str) -> str:
        """One parameter of the query, empty when it is missing."""
        return parse_qs(self._query.decode("latin-1")).get(name, [""])[0]

    async def body(self, limit: int) -> bytes:
        """The whole body; raises `ApiError` as soon as it passes `limit` bytes, or nothing comes for `BODY_STALL_S`."""
        declared = self.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        while not self._ended:
            with trio.move_on_after(BODY_STALL_S) as patience:
                parts.append(await self._part())
            if patience.cancelled_caught:
                raise ApiError(408, "too_slow", f"the request's body stopped for {BODY_STALL_S:g} s")
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
        return b"".join(parts)

    async def discard(self) -> None:
        """Read what is left of the body, so that a client still sending sees the answer; for 2 s at most."""
        with trio.move_on_after(_DRAIN_SECONDS):
            while not self._ended:
                await self._part()

    async def wait_disconnected(self) -> None:
        """Return when the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _part(self) -> bytes:
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            raise ApiError(400, "cut_short", "the request ended before its body did")
        part: bytes = message.get("body", b"")
        return part


class Answer:
    """A `send` that remembers whether the answer has begun: a problem can only be told before."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        """Pass a message on."""
        self.begun = True
        await self._send(message)


async def reply(
    send: Send,
    body: bytes,
    *,
    status: int = 200,
    media_type: bytes = JSON,
    headers: Headers = (),
    cache: bytes = b"no-store",
) -> None:
    """Send a whole answer."""
    own = ((b"content-type", media_type), (b"content-length", str(len(body)).encode()))
    common = ((b"cache-control", cache), *GUARDS)
    await send({"type": "http.response.start", "status": status, "headers": [*own, *common, *headers]})
    await send({"type": "http.response.body", "body": body})


async def reply_problem(send: Send, problem: Problem, headers: Headers = ()) -> None:
    """Send an RFC 9457 document."""
    body = msgspec.json.encode(problem)
    await reply(send, body, status=problem.status, media_type=MEDIA_TYPE, headers=headers)


def _too_large(limit: int) -> ApiError:
    return ApiError(413, "too_large", f"the request's body passes the limit of {limit:,} bytes")
