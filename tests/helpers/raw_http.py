"""HTTP as bytes, for what no client library would send to the local API."""

from typing import Any

import trio

ECHO = b'{"text":"la"}'
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: " + "A" * 22 + "==",
)


def head(
    api: Any, method: str, target: str, *more: str, host: str | None = None, token: bool = True
) -> bytes:
    """A request's head, with these header lines after the usual ones."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{api.port}'}"]
    lines += [f"Authorization: Bearer {api.access.token}"] if token else []
    return "\r\n".join([*lines, *more, "", ""]).encode()


async def raw(api: Any, data: bytes) -> bytes:
    """All that comes back until the connection ends, or three seconds of nothing."""
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(data)
        answer = b""
        with trio.move_on_after(3):
            while part := await stream.receive_some():
                answer += part
        return answer
