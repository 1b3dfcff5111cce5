"""The relay's page for its host, on loopback: `/healthz` and `/metrics` for anybody there, `/status` for the host.

The attacks are the local API's (`whatnext.node.api.access`): pages of other sites, names that resolve to 127.0.0.1.
"""

import hmac
import secrets
from collections.abc import Callable

import msgspec
from prometheus_client import CollectorRegistry

from whatnext.errors import WhatNextError
from whatnext.net.metrics import exposition
from whatnext.node.api.access import Access
from whatnext.node.api.asgi import Receive, Request, Scope, Send, reply, reply_problem
from whatnext.node.api.problems import ApiError, problem_of
from whatnext.relay.relay import Relay
from whatnext.relay.snapshot import status_of

PLAIN = b"text/plain; charset=utf-8"
PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"


class Page:
    """The ASGI application. `token` is what `/status` wants; it stands in `relay.json`."""

    def __init__(
        self, relay: Relay, registry: CollectorRegistry, port: int, now: Callable[[], float]
    ) -> None:
        self._relay = relay
        self._registry = registry
        self._access = Access(port, now)
        self.token = secrets.token_urlsafe(32)
        self._bearer = b"Bearer " + self.token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        request = Request(scope, receive)
        try:
            await self._route(request, send)
        except WhatNextError as error:
            headers = error.headers if isinstance(error, ApiError) else ()
            await reply_problem(send, problem_of(error), headers)

    async def _route(self, request: Request, send: Send) -> None:
        self._access.check_source(request.headers)
        if request.method not in ("GET", "HEAD"):
            raise ApiError(405, "method_not_allowed", "this page is only read", ((b"allow", b"GET"),))
        if request.path == "/healthz":
            draining = self._relay.switchboard.draining
            body = b"draining\n" if draining else b"ok\n"
            await reply(send, body, status=503 if draining else 200, media_type=PLAIN)
        elif request.path == "/metrics":
            await reply(send, exposition(self._registry), media_type=PROMETHEUS)
        elif request.path == "/status":
            if not hmac.compare_digest(request.headers.get(b"authorization", b""), self._bearer):
                raise ApiError(
                    401, "unauthorized", "this needs the token in relay.json: whatnext relay status"
                )
            await reply(send, msgspec.json.encode(status_of(self._relay)))
        else:
            raise ApiError(404, "no_such_path", "there are /healthz, /metrics and /status here")
