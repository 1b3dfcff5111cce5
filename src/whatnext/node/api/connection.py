"""One HTTP/1.1 connection to the local API: h11 parses, the ASGI application answers in this connection's own task.

Hypercorn would spend a task, a queue and two writes on each request, twice what parsing and answering take; a live edit
crosses this code on both ends (docs/decisions, process model).
"""

import socket
from contextlib import suppress
from typing import Any

import h11
import trio

from whatnext.node.api.asgi import Asgi, Message, Scope
from whatnext.node.api.places import Places
from whatnext.node.api.websockets import is_websocket, serve_websocket

IDLE_SECONDS = 75.0
STALL_S = 130.0
"""Patience with a client that takes nothing of an answer; a paused player has its own, shorter one."""
_MAX_HEAD_BYTES = 64 * 1024
"""Browsers send the cookies of every server on this machine along, whatever its port."""
_BODY_HEADERS = (b"content-length", b"transfer-encoding")
_READ_BYTES = 64 * 1024
_MAX_AHEAD = 64 * 1024
"""Bytes a client may send beyond the request that is being answered."""


class Connection:
    """Serves requests one after the other until the client leaves, is idle too long, or breaks the protocol."""

    def __init__(self, app: Asgi, stream: trio.SocketStream, places: Places) -> None:
        self._app = app
        self._stream = stream
        self._places = places
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._head = b""
        self._sending = False
        self._is_head = False

    async def run(self) -> None:
        """Serve until the end; cancelling drops the answer that is being written."""
        try:
            while await self._serve_one():
                pass
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.LocalProtocolError):
            return  # the client left in the middle

    async def _serve_one(self) -> bool:
        """Answer one request; whether the connection can carry another."""
        with self._places.waiting(IDLE_SECONDS) as idle:
            event = await self._next_event()
        if idle.cancelled_caught or not isinstance(event, h11.Request):
            return False
        if is_websocket(event):
            await serve_websocket(self._app, self._stream, event, self._http.trailing_data[0])
            return False
        self._is_head = event.method == b"HEAD"
        await self._app(self._scope(event), self._receive, self._send)
        if not any(name in _BODY_HEADERS for name, _ in event.headers):
            self._http.next_event()  # the end of a request without a body, which nobody has asked for
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def _scope(self, request: h11.Request) -> Scope:
        path, _, query = request.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.http_version.decode("ascii"),
            "method": request.method.decode("ascii").upper(),
            "scheme": "http",
            "path": path.decode("ascii", "replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(request.headers),
            "extensions": {"whatnext.write_now": {"write": self._write_now}},
        }

    async def _receive(self) -> Message:
        """ASGI's `receive`: the body in parts, then the client's leaving."""
        if self._http.their_state is not h11.SEND_BODY:
            await self._wait_gone()
            return {"type": "http.disconnect"}
        if self._http.they_are_waiting_for_100_continue:
            await self._stream.send_all(
                self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
            )
        try:
            event = await self._next_event()
        except (
            h11.RemoteProtocolError,
            trio.BrokenResourceError,
        ):  # it ended too early, or its chunks are none
            return {"type": "http.disconnect"}
        if isinstance(event, h11.Data):
            return {"type": "http.request", "body": bytes(event.data), "more_body": True}
        if isinstance(event, h11.EndOfMessage):
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        """ASGI's `send`: the head waits for the first of the body, so that a short answer is one packet."""
        if message["type"] == "http.response.start":
            response = h11.Response(status_code=message["status"], headers=message.get("headers", []))
            self._head = self._http.send(response) or b""
            return
        data, self._head = self._head, b""
        body = message.get("body", b"")
        if body and not self._is_head:  # h11 sends none there, and takes one for a mistake
            data += self._http.send(h11.Data(data=body)) or b""
        if not message.get("more_body", False):
            data += self._http.send(h11.EndOfMessage()) or b""
        self._sending = True
        with trio.move_on_after(STALL_S) as patience:
            await self._stream.send_all(data)
        if patience.cancelled_caught:
            raise trio.BrokenResourceError("the client reads nothing")
        self._sending = False

    def _write_now(self, body: bytes) -> bool:
        """Write a part of a streamed answer without waiting; False when something else is being written.

        A client that has let its socket fill up loses the connection; it resumes where it was (`Last-Event-ID`).
        """
        if self._sending or self._head or self._http.our_state is not h11.SEND_BODY:
            return False
        data = self._http.send(h11.Data(data=body)) or b""
        if not _sent_whole(self._stream.socket.fileno(), data):
            with suppress(OSError):  # the client has closed it already
                self._stream.socket.shutdown(socket.SHUT_RDWR)
        return True

    async def _next_event(self) -> Any:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._stream.receive_some(_READ_BYTES))

    async def _wait_gone(self) -> None:
        ahead = 0
        while ahead < _MAX_AHEAD:
            data = await self._stream.receive_some(_READ_BYTES)
            if not data:
                return
            ahead += len(data)
            self._http.receive_data(data)

    async def _refuse(self, status: int) -> None:
        """Answer what is no HTTP."""
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = [("content-length", "0"), ("connection", "close")]
        data = self._http.send(h11.Response(status_code=status, headers=headers)) or b""
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return


def _sent_whole(descriptor: int, data: bytes) -> bool:
    """Send on a non-blocking socket; whether all of it went out."""
    try:
        plain = socket.socket(fileno=descriptor)
    except (OSError, ValueError):
        return False  # closed
    try:
        return plain.send(data) == len(data)
    except OSError:
        return False
    finally:
        plain.detach()
