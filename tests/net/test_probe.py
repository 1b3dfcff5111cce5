"""A path that swallows everything without a sign: found dead at once when asked, and never the winner of two."""

from contextlib import asynccontextmanager

import pytest
import trio

from whatnext.net import Disconnected, connections

pytestmark = pytest.mark.real


class Wire:
    """Carries bytes between whoever dials it and a port, until it is cut: then it swallows them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_cut = False
        self.address = ""

    def cut(self) -> None:
        self._is_cut = True

    async def carry(self, near: trio.SocketStream) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", self._port) as far, trio.open_nursery() as both:
            both.start_soon(self._pass_on, near, far)
            both.start_soon(self._pass_on, far, near)

    async def _pass_on(self, source: trio.SocketStream, target: trio.SocketStream) -> None:
        try:
            async for data in source:
                if not self._is_cut:
                    await target.send_all(data)
            if self._is_cut:
                await trio.sleep_forever()  # an end is swallowed too
            await target.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return


@asynccontextmanager
async def wire_to(network):
    port = int(network.addresses()[0].split("/tcp/")[1].split("/")[0])
    wire = Wire(port)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, wire.carry, 0)
        wire.address = f"/ip4/127.0.0.1/tcp/{listeners[0].socket.getsockname()[1]}"
        yield wire
        nursery.cancel_scope.cancel()


PATIENT = {"listen": ("/ip4/127.0.0.1/tcp/0",), "heartbeat_s": 60, "heartbeat_timeout_s": 60}


async def test_a_probe_closes_what_does_not_answer_and_nothing_else(node):
    async with node(**PATIENT) as a, node(**PATIENT) as b, node(**PATIENT) as c, wire_to(b) as wire:
        await a.dial(b.peer, [wire.address])
        await a.dial(c.peer, c.addresses())
        with a.events() as events:
            wire.cut()
            await a.probe(0.5)
            left = await events.__anext__()
        assert left == Disconnected(b.peer, "it no longer answers")
        assert [each.peer for each in a.connections()] == [c.peer]


async def test_a_peer_that_comes_back_over_a_cut_path_has_one_connection_soon(node, eventually, monkeypatch):
    monkeypatch.setattr(connections, "_FRESH", 0.0)  # else two within a second count as dialled at once
    monkeypatch.setattr(connections, "_DOUBT", 0.5)
    async with node(**PATIENT) as a, node(**PATIENT) as b, wire_to(b) as first, wire_to(b) as second:
        await a.dial(b.peer, [first.address])
        await eventually(lambda: len(b.connections()) == 1)
        first.cut()
        await a.probe(0.3)
        assert a.connections() == []
        assert len(b.connections()) == 1  # it has not noticed
        await a.dial(b.peer, [second.address])
        old = b.connections()[0]
        await eventually(lambda: old not in b.connections() and len(b.connections()) == 1, 6)
        assert await b.ping(a.peer, 2) < 2
        assert len(a.connections()) == 1
