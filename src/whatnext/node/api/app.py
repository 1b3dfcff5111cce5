"""The ASGI application: a path to an operation, and every outcome to an answer."""

import difflib
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
import trio

from whatnext.errors import UNREADABLE, UserError, WhatNextError
from whatnext.node.api.access import Access
from whatnext.node.api.asgi import (
    Answer,
    Asgi,
    Headers,
    Receive,
    Request,
    Scope,
    Send,
    is_of_other_user,
    reply,
    reply_problem,
)
from whatnext.node.api.audio import PREFIX as PLAY
from whatnext.node.api.audio import Locate, serve_audio
from whatnext.node.api.endpoint import Endpoint
from whatnext.node.api.events import serve_events
from whatnext.node.api.feed import (
    ChangeEvent,
    Feed,
    JoinEvent,
    MusicEvent,
    PeerEvent,
    PresenceEvent,
    ReadyEvent,
)
from whatnext.node.api.openapi import document
from whatnext.node.api.pages import Pages
from whatnext.node.api.problems import ApiError, Problem, internal_problem, problem_of
from whatnext.node.timeline_views import StepEvent

_log = logging.getLogger(__name__)


METRICS = b"text/plain; version=0.0.4; charset=utf-8"
"""Media type of Prometheus' text format, which says its version there."""
_PASSES = 4
"""Passes of the loop until a link woken by a commit has sent; measured, more gain nothing."""


class App:
    """The local API as an ASGI application."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        access: Access,
        feed: Feed,
        websockets: Mapping[str, Asgi] = MappingProxyType({}),
        metrics: Callable[[], bytes] = bytes,
        pages: Pages | None = None,
        locate: Locate | None = None,
    ) -> None:
        """`websockets` serve their path's connections, whose source and token are checked before.

        `metrics` gives the page in Prometheus' text format; `pages` are served without a token.
        `locate` finds the files behind `/play/…`.
        """
        self._pages = pages or Pages()
        self._locate = locate
        self._metrics = metrics
        self._endpoints = endpoints
        self._websockets = websockets
        self._decoders = {name: msgspec.json.Decoder(e.request) for name, e in endpoints.items()}
        self._access = access
        self._feed = feed
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what goes wrong before an answer began becomes a problem document."""
        if scope["type"] == "lifespan":
            raise RuntimeError("no lifespan events are needed")  # ASGI's way to say so; the server goes on
        if scope["type"] != "http":
            await self._open_websocket(scope, receive, send)
            return
        request, answer = Request(scope, receive), Answer(send)
        try:
            await self._route(request, answer)
        except WhatNextError as error:
            headers = error.headers if isinstance(error, ApiError) else ()
            await self._fail(request, answer, problem_of(error), headers)
        except Exception as error:
            if answer.begun and isinstance(error, trio.BrokenResourceError | trio.ClosedResourceError):
                raise  # the client left: nobody's mistake, and its connection ends
            _log.exception("%s %s failed", request.method, request.path)
            await self._fail(request, answer, internal_problem())

    async def _open_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            self._access.check_source(headers)
            self._access.check_token(headers, other_user=is_of_other_user(scope))
            serve = self._websockets[scope["path"]]
        except (ApiError, KeyError) as error:
            _log.info("a WebSocket for %s was refused: %s", scope["path"], error)
            await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before it opens: 403
            return
        try:
            await serve(scope, receive, send)
        except Exception:  # noqa: BLE001 - one client's mistake must not stop the node
            _log.exception("the WebSocket %s failed", scope["path"])

    async def _fail(self, request: Request, answer: Answer, problem: Problem, headers: Headers = ()) -> None:
        if answer.begun:
            _log.warning("%s %s ended early: %s", request.method, request.path, problem.detail)
            return
        await request.discard()
        await reply_problem(answer, problem, headers)

    async def _route(self, request: Request, send: Send) -> None:
        self._access.check_source(request.headers)
        path = request.path
        if path == "/auth":
            _expect(request, "GET")
            await self._authenticate(request, send)
            return
        if await self._pages.serve(request, send):
            return
        self._access.check_token(request.headers, other_user=request.other_user)
        if path == "/v1/status":
            _expect(request, "GET")
            await self._perform("node.status", b"{}", send)
        elif path.startswith("/v1/"):
            _expect(request, "POST")
            name = path.removeprefix("/v1/")
            body = await request.body(self._endpoint(name).body_limit)
            await self._perform(name, body, send)
        elif path == "/events":
            _expect(request, "GET")
            await serve_events(self._feed, request, send)
        elif path.startswith(PLAY) and self._locate is not None:
            _expect(request, "GET")
            await serve_audio(self._locate, request, send)
        elif path == "/metrics":
            _expect(request, "GET")
            await reply(send, self._metrics(), media_type=METRICS)
        elif path == "/openapi.json":
            _expect(request, "GET")
            events = (ReadyEvent, ChangeEvent, PeerEvent, StepEvent, JoinEvent, PresenceEvent, MusicEvent)
            await reply(send, self._encode(document(self._endpoints.values(), events)))
        else:
            raise ApiError(404, "no_such_path", f"there is nothing at {path[:80]}: see /openapi.json")

    async def _perform(self, name: str, body: bytes, send: Send) -> None:
        endpoint = self._endpoint(name)
        try:
            request = self._decoders[name].decode(body or b"{}")
        except UNREADABLE as error:
            raise UserError(f"{name}: {error}") from error
        before = self._feed.number()
        answer = await endpoint.run(request)
        if self._feed.number() != before:
            await _give_way()
        await reply(send, self._encode(answer))

    def _endpoint(self, name: str) -> Endpoint:
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            near = difflib.get_close_matches(name, self._endpoints, 1)
            hint = f"did you mean {near[0]}?" if near else "see /openapi.json"
            raise ApiError(404, "unknown_operation", f"there is no operation “{name[:60]}”: {hint}")
        return endpoint

    async def _authenticate(self, request: Request, send: Send) -> None:
        self._access.check_user(request.other_user)  # before the link is used up
        cookie = self._access.open_session(request.parameter("once"))
        headers: Headers = ((b"location", b"/"), (b"set-cookie", cookie.encode()))
        await reply(send, b"", status=303, media_type=b"text/plain", headers=headers)


async def _give_way() -> None:
    """Let the sync links put a change on the wire before its answer is written: 0.4 ms sooner at the peers."""
    for _ in range(_PASSES):
        await trio.lowlevel.checkpoint()


def _expect(request: Request, method: str) -> None:
    if request.method != method:
        detail = f"{request.path[:80]} takes {method}, not {request.method[:16]}"
        raise ApiError(405, "method_not_allowed", detail, ((b"allow", method.encode()),))
