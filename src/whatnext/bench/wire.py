"""The bench's side of the local API, lean: one keep-alive connection for edits, one event feed per watching node.

Blocking sockets and one selector: what the driver costs stands in every number, so it must cost next to nothing.
"""

import selectors
import socket
import time
from collections import deque
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec

from whatnext.errors import ConnectionLost

_decode = msgspec.json.Decoder(dict[str, object]).decode


class Node(Protocol):
    """A running node, as far as its local API must be known."""

    url: str
    token: str


class Event(NamedTuple):
    """One server-sent event, and when its bytes were read (seconds of `time.perf_counter`)."""

    at: float
    kind: str
    data: dict[str, object]


def _connect(node: Node) -> socket.socket:
    parts = urlsplit(node.url)
    assert parts.hostname is not None
    assert parts.port is not None
    connection = socket.create_connection((parts.hostname, parts.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Caller:
    """Sends one request at a time; the answer is read when the selector says so."""

    def __init__(self, node: Node) -> None:
        self.socket = _connect(node)
        self._host = urlsplit(node.url).netloc
        self._token = node.token
        self._buffer = b""

    def send(self, operation: str, body: bytes) -> None:
        """Send a POST in one piece."""
        head = (
            f"POST /v1/{operation} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)

    def read(self) -> tuple[int, bytes] | None:
        """Read once; return (status, body) when the answer is whole."""
        self._buffer += self.socket.recv(65536)
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return int(head.split(b" ", 2)[1]), rest[:length]

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()


class Watcher:
    """Reads a node's `/events`."""

    def __init__(self, node: Node) -> None:
        self.socket = _connect(node)
        self.events: deque[Event] = deque()
        self._buffer = b""
        host = urlsplit(node.url).netloc
        head = f"GET /events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {node.token}\r\n\r\n"
        self.socket.sendall(head.encode())
        self.wait("ready")

    def read(self) -> None:
        """Read once; whole events are appended to `events`. Raises `ConnectionLost` when the feed ended."""
        data = self.socket.recv(65536)
        now = time.perf_counter()
        if not data:
            raise ConnectionLost("the node ended its event feed")
        self._buffer += data
        # Chunked transfer: an event's lines never hold a bare CRLF, so the chunk sizes between them are skipped.
        *whole, self._buffer = self._buffer.split(b"\n\n")
        for block in whole:
            kind, content = b"", b""
            for line in block.split(b"\n"):
                if line.startswith(b"event: "):
                    kind = line[7:]
                elif line.startswith(b"data: "):
                    content = line[6:]
            if kind:
                self.events.append(Event(now, kind.decode(), _decode(content)))

    def wait(self, kind: str, within_s: float = 30.0, **fields: object) -> Event:
        """Take events until one of this kind with these fields; raises `ConnectionLost` when none comes in time."""
        deadline = time.monotonic() + within_s
        while True:
            while self.events:
                event = self.events.popleft()
                if event.kind == kind and fields.items() <= event.data.items():
                    self.socket.settimeout(None)
                    return event
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                self.read()
            except TimeoutError as error:
                raise ConnectionLost(f"no “{kind}” event within {within_s:g} s") from error

    def close(self) -> None:
        """Stop reading."""
        self.socket.close()


def ready_sockets(selector: selectors.BaseSelector, timeout: float) -> list[object]:
    """What was registered with the sockets that can be read now."""
    return [key.data for key, _ in selector.select(timeout)]
