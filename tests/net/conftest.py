"""Nodes on real loopback sockets, peers in their own processes, and py-libp2p as it comes."""

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, Stream, open_network

LOCAL = NetConfig(listen=("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"))
PEER_PROCESS = Path(__file__).with_name("peer_process.py")


class Peer(msgspec.Struct):
    """A peer in another process."""

    process: Any
    peer: str
    addresses: list[str]


async def echo(stream: Stream) -> None:
    """Send back what comes until it ends."""
    while data := await stream.receive_some():
        await stream.send_all(data)


@pytest.fixture
def echoing() -> dict[str, Any]:
    return {"/test/echo/1.0.0": echo}


@pytest.fixture
def node() -> Callable[..., AbstractAsyncContextManager[Network]]:
    """`async with node(handlers, max_connections=3) as network:` — a node on loopback."""

    def make(handlers: Any = None, identity: Identity | None = None, **settings: Any) -> Any:
        config = msgspec.structs.replace(LOCAL, **settings)
        return open_network(identity or Identity.generate(), config, handlers)

    return make


@pytest.fixture
def peer_process() -> Iterator[Callable[[], Peer]]:
    """Start an echoing peer in its own process; it is killed when the test ends."""
    running: list[subprocess.Popen[str]] = []

    def start() -> Peer:
        process = subprocess.Popen(
            [sys.executable, str(PEER_PROCESS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        return Peer(process, told["peer"], told["addresses"])

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def stock() -> Callable[..., AbstractAsyncContextManager[Any]]:
    """`async with stock(max_connections=3) as host:` — a py-libp2p host as the library makes it, on loopback."""

    @asynccontextmanager
    async def make(
        listen: tuple[str, ...] = ("/ip4/127.0.0.1/tcp/0",), **settings: Any
    ) -> AsyncIterator[Any]:
        from libp2p import new_host
        from libp2p.network.config import ConnectionConfig
        from multiaddr import Multiaddr

        wanted = [Multiaddr(address) for address in listen]
        config = ConnectionConfig(**settings) if settings else None
        host = new_host(listen_addrs=wanted, connection_config=config)
        async with host.run(wanted):
            yield host
            with trio.move_on_after(3):
                await host.close()

    return make


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait for a condition, looking again each millisecond; fails after `within` seconds."""

    async def wait(condition: Callable[[], Any], within: float = 5.0) -> Any:
        with trio.fail_after(within):
            while not (result := condition()):  # noqa: ASYNC110 - any condition, most have no event
                await trio.sleep(0.001)
            return result

    return wait


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A TCP port that is taken and refuses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
