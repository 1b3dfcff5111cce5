"""`GET /events`: what happens on this node, as server-sent events."""

import trio

from whatnext.errors import UserError
from whatnext.node.api.asgi import GUARDS, Request, Send
from whatnext.node.api.feed import Feed, Listener, ReadyEvent, frame

KEEPALIVE_SECONDS = 15.0
"""A comment this often: a client that died without a word is noticed by the failing write."""


async def serve_events(feed: Feed, request: Request, send: Send) -> None:
    """Send events until the client leaves or the node stops; with `?feed=N` or `Last-Event-ID` first what it missed."""
    since = _since(request)
    with feed.listen(request.write_now) as listener:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), *GUARDS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        missed = b"" if since is None else feed.changed_since(since)
        ready = frame("ready", ReadyEvent(feed=feed.number()), feed.number())
        await _send_part(send, missed + ready)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_gone, request, nursery.cancel_scope)
            await _pump(listener, send)
            nursery.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b""})


async def _pump(listener: Listener, send: Send) -> None:
    while not listener.closed:
        data = b": still here\n\n"
        with trio.move_on_after(KEEPALIVE_SECONDS):
            data = await listener.wait()
        if data:
            await _send_part(send, data)


async def _send_part(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _cancel_when_gone(request: Request, scope: trio.CancelScope) -> None:
    await request.wait_disconnected()
    scope.cancel()


def _since(request: Request) -> int | None:
    text = request.parameter("feed") or request.headers.get(b"last-event-id", b"").decode("latin-1")
    if not text:
        return None
    if not text.isdigit() or len(text) > 18:
        raise UserError(f"“{text[:40]}” is no feed number: use the id of the last event that was read")
    return int(text)
