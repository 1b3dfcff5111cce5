"""A peer that does not read, or sends more than anybody reads, costs bounded memory and nobody else's time."""

import contextlib

import msgspec
import psutil
import pytest
import trio

from whatnext.errors import ConnectionLost
from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.net.muxing import MAX_UNREAD, WINDOW
from whatnext.net.observing import Refused

pytestmark = pytest.mark.real

LOCAL = NetConfig(listen=("/ip4/127.0.0.1/tcp/0",))
ECHO, FEED, DEAF = "/test/echo/1.0.0", "/test/feed/1.0.0", "/test/deaf/1.0.0"
SOON = 1.0  # seconds for an exchange on loopback that takes about a millisecond: nobody held it up


async def feed(stream):
    """Send without end to who never reads."""
    with contextlib.suppress(ConnectionLost):
        while True:
            await stream.send_all(bytes(64 * 1024))


async def deaf_after_a_while(stream):
    """Read a little, so that the window opens wide, and then nothing."""
    for _ in range(20):
        await stream.receive_some()
    await trio.sleep_forever()


async def fill(network, peer):
    with contextlib.suppress(ConnectionLost):
        stream = await network.open_stream(peer, [DEAF])
        await stream.send_all(bytes(2 * WINDOW))


async def exchange(stream):
    with trio.fail_after(SOON):
        await stream.send_all(b"still here")
        assert await stream.receive_some() == b"still here"


def codes(observed):
    return [(one.peer, one.code) for one in observed if isinstance(one, Refused)]


def link_of(network, peer):
    [link] = [link for link in network._connections.all() if link.peer == peer]
    return link


async def test_who_stops_reading_holds_up_nobody_else_and_costs_little(node, echoing):
    async with node({**echoing, FEED: feed}) as a, node() as silent, node() as friend:
        await friend.dial(a.peer, a.addresses())
        stream = await friend.open_stream(a.peer, [ECHO])
        await silent.dial(a.peer, a.addresses())
        for _ in range(10):
            await silent.open_stream(a.peer, [FEED])
        [link] = silent._connections.all()
        reading = trio.Event()

        async def deaf(n=None):
            await reading.wait()
            return b""

        before = psutil.Process().memory_info().rss
        link.conn.muxed_conn.secured_conn.read = deaf  # from now on it reads nothing from its socket
        await trio.sleep(0.3)
        for _ in range(50):
            await exchange(stream)
        held = link_of(a, silent.peer).conn.get_streams()
        assert [stream.get_protocol() for stream in held].count(FEED) == 10
        assert psutil.Process().memory_info().rss - before < 16 * WINDOW
        reading.set()


async def test_who_fills_many_streams_is_cut_off_before_the_memory_is_full(node, echoing):
    refused, handlers = [], {**echoing, DEAF: deaf_after_a_while}
    opened = open_network(Identity.generate(), LOCAL, handlers, observe=refused.append)
    async with opened as a, node() as b, node() as friend:
        await friend.dial(a.peer, a.addresses())
        stream = await friend.open_stream(a.peer, [ECHO])
        await b.dial(a.peer, a.addresses())
        muxed, highest = link_of(a, b.peer).conn.muxed_conn, 0
        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(fill, b, a.peer)
            with trio.fail_after(10):
                while b.peer in [info.peer for info in a.connections()]:
                    highest = max(highest, muxed.unread())
                    await exchange(stream)
            nursery.cancel_scope.cancel()
        assert MAX_UNREAD // 2 < highest <= MAX_UNREAD
        assert codes(refused) == [(b.peer, "memory")]
        await exchange(stream)


async def test_many_who_fill_the_memory_together_are_closed_the_fullest_first(node, echoing, eventually):
    refused = []
    config = msgspec.structs.replace(LOCAL, max_unread=2 * WINDOW, prune_every_s=0.1)
    handlers = {**echoing, DEAF: deaf_after_a_while}
    async with (
        open_network(Identity.generate(), config, handlers, observe=refused.append) as a,
        node() as modest,
        node() as greedy,
        trio.open_nursery() as nursery,
    ):
        await modest.dial(a.peer, a.addresses())
        nursery.start_soon(fill, modest, a.peer)
        await greedy.dial(a.peer, a.addresses())
        for _ in range(3):
            nursery.start_soon(fill, greedy, a.peer)
        await eventually(lambda: [info.peer for info in a.connections()] == [modest.peer])
        await trio.sleep(0.3)
        assert [info.peer for info in a.connections()] == [modest.peer]
        assert codes(refused) == [(greedy.peer, "memory")]
        nursery.cancel_scope.cancel()


async def test_a_flood_of_yamux_pings_holds_up_nobody_else(node, echoing):
    async with node(echoing) as a, node() as b, node() as friend:
        await friend.dial(a.peer, a.addresses())
        stream = await friend.open_stream(a.peer, [ECHO])
        await b.dial(a.peer, a.addresses())
        [link] = b._connections.all()
        ping = bytes.fromhex("000200010000000000000001")

        async def flood():
            with contextlib.suppress(Exception):
                while True:
                    await link.conn.muxed_conn.secured_conn.write(ping * 2000)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            for _ in range(30):
                await exchange(stream)
            nursery.cancel_scope.cancel()
