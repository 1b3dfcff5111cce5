"""Pings between nodes in one process: one stream for all of a connection's, and a new one when it ends."""

import pytest
import trio

from whatnext.net.heartbeat import PING

pytestmark = pytest.mark.real


def pings(network):
    [link] = network._connections.all()
    return [stream for stream in link.conn.get_streams() if stream.get_protocol() == PING]


async def beats(network, count, eventually):
    """Wait until so many more beats of the only connection were answered; return its stream of pings."""
    [link] = network._connections.all()
    for _ in range(count):
        before = link.alive_at
        await eventually(lambda before=before: link.alive_at > before)
    return link.heartbeat._stream


async def test_all_pings_of_a_connection_go_over_one_stream(node, eventually):
    async with node(heartbeat_s=0.05) as a, node(heartbeat_s=60) as b:
        await b.dial(a.peer, a.addresses())
        first = await beats(a, 1, eventually)
        assert await beats(a, 5, eventually) is first
        assert len(pings(a)) <= 2  # ours, and the peer's


async def test_a_stream_of_pings_that_the_peer_ends_is_replaced_and_the_connection_lives(node, eventually):
    async with node(heartbeat_s=0.05) as a, node(heartbeat_s=60) as b:
        await b.dial(a.peer, a.addresses())
        first = await beats(a, 2, eventually)
        for stream in pings(b):
            await stream.reset()
        await eventually(lambda: a._connections.all()[0].heartbeat._stream not in (None, first))
        await beats(a, 2, eventually)
        assert len(a.connections()) == 1


async def test_however_many_pings_of_one_peer_go_on_each_is_answered(node):
    async with node() as a, node() as b:
        await b.dial(a.peer, a.addresses())
        open_ones = [await b.open_stream(a.peer, [PING]) for _ in range(5)]
        for stream in open_ones:
            await stream.send_all(bytes(32))
            assert len(await stream.receive_some(32)) == 32
        assert await b.ping(a.peer) > 0


async def test_a_connection_with_nothing_but_pings_counts_as_idle(node, eventually):
    async with node(heartbeat_s=0.05) as a, node(heartbeat_s=0.05) as b:
        await b.dial(a.peer, a.addresses())
        await beats(a, 2, eventually)
        await beats(b, 2, eventually)
        with trio.fail_after(10):
            while a.connections():
                await a.disconnect_idle(b.peer, "nothing to do")
                await trio.sleep(0.01)
