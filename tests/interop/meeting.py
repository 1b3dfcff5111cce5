"""This node as the tests of interoperation run it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, Stream, open_network
from whatnext.sync import PROTOCOLS

ECHO = "/test/echo/1.0.0"
WAYS = {
    "tcp": "/ip4/127.0.0.1/tcp/0",
    "ws": "/ip4/127.0.0.1/tcp/0/ws",
    "quic-v1": "/ip4/127.0.0.1/udp/0/quic-v1",
    "webrtc-direct": "/ip4/127.0.0.1/udp/0/webrtc-direct",
}
"""What both listen on, by the name of the transport."""


async def echo(stream: Stream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


@asynccontextmanager
async def ours(transport: str = "tcp", handlers: Mapping[str, Any] | None = None) -> AsyncIterator[Network]:
    """This node on one transport; it echoes and speaks the sync protocol."""
    if transport == "webrtc-direct":
        pytest.importorskip("aiortc", reason="WebRTC needs the extra `webrtc`")
    served = {ECHO: echo, **dict.fromkeys(PROTOCOLS, echo), **(handlers or {})}
    async with open_network(Identity.generate(), NetConfig(listen=(WAYS[transport],)), served) as network:
        yield network


async def eventually(condition: Callable[[], Any]) -> None:
    with trio.fail_after(5):
        while not condition():  # noqa: ASYNC110 - any condition, most have no event
            await trio.sleep(0.005)
