"""The node's `/events` for the desktop: calls back for each event until the stream ends. HTTP by h11, over trio."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from urllib.parse import urlsplit

import h11
import trio

from whatnext.node.state_file import NodeFile

SILENCE_S = 60.0
"""The node says something every 15 s; whoever says nothing for this long hangs."""
_READ_BYTES = 16 * 1024
_MAX_LINE = 64 * 1024


async def follow(node: NodeFile, on_event: Callable[[str, bytes], None]) -> None:
    """Call `on_event` with (kind, JSON) of each event; returns when the node ended, hangs or refuses."""
    address = urlsplit(node.url)
    try:
        stream = await trio.open_tcp_stream(address.hostname or "127.0.0.1", address.port or 80)
    except OSError:
        return
    async with stream:
        connection = h11.Connection(h11.CLIENT)
        headers = [("Host", address.netloc), ("Authorization", f"Bearer {node.token}")]
        request = connection.send(h11.Request(method="GET", target="/events", headers=headers))
        assert request is not None
        try:
            await stream.send_all(request + (connection.send(h11.EndOfMessage()) or b""))
            async with aclosing(_body(stream, connection)) as parts:
                rest = b""
                async for part in parts:
                    *frames, rest = (rest + part).split(b"\n\n")
                    for frame in frames:
                        _tell(frame, on_event)
                    if len(rest) > _MAX_LINE:
                        return
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            return


async def _body(stream: trio.SocketStream, connection: h11.Connection) -> AsyncGenerator[bytes]:
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            with trio.move_on_after(SILENCE_S) as patience:
                connection.receive_data(await stream.receive_some(_READ_BYTES))
            if patience.cancelled_caught:
                return
        elif isinstance(event, h11.Response):
            if event.status_code != 200:
                return
        elif isinstance(event, h11.Data):
            yield bytes(event.data)
        else:
            return


def _tell(frame: bytes, on_event: Callable[[str, bytes], None]) -> None:
    fields = dict(line.split(b": ", 1) for line in frame.split(b"\n") if b": " in line)
    kind = fields.get(b"event")
    if kind is not None:
        on_event(kind.decode(), fields.get(b"data", b"{}"))
