"""The connection manager on real sockets: who gets in, who has to go, who is told why.

Its rules alone are in `test_admission_rules.py`.
"""

import contextlib

import msgspec
import pytest
import trio

from whatnext.errors import ConnectionLost, Unreachable, UserError
from whatnext.identity import Identity
from whatnext.net import Disconnected, NetConfig, open_network
from whatnext.net.config import PerIp
from whatnext.net.observing import Refused
from whatnext.net.standing import Standing

pytestmark = pytest.mark.real

LOCAL = NetConfig(listen=("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"))
ECHO = "/test/echo/1.0.0"


class Manager:
    """Standings that a test sets, and the refusals it wants to see."""

    def __init__(self):
        self.standings = {}
        self.refused = []

    def judge(self, peer):
        return self.standings.get(peer, Standing.STRANGER)

    def observe(self, observation):
        if isinstance(observation, Refused):
            self.refused.append(observation)

    def codes(self):
        return [refusal.code for refusal in self.refused]

    def network(self, handlers=None, **settings):
        config = msgspec.structs.replace(LOCAL, **settings)
        return open_network(Identity.generate(), config, handlers, standing=self.judge, observe=self.observe)


@pytest.fixture
def manager():
    return Manager()


class Ceiling(trio.abc.Instrument):
    """Looks at a network's tables after every step of every task."""

    def __init__(self, network):
        self._network = network
        self.swarm = self.ours = 0

    def after_task_step(self, task):
        self.swarm = max(self.swarm, len(self._network._swarm.get_connections()))
        self.ours = max(self.ours, len(self._network._connections.all()))


@contextlib.contextmanager
def watched(network):
    ceiling = Ceiling(network)
    trio.lowlevel.add_instrument(ceiling)
    try:
        yield ceiling
    finally:
        trio.lowlevel.remove_instrument(ceiling)


def muxed(network):
    [link] = network._connections.all()
    return link.conn.muxed_conn


async def test_a_blocked_peer_is_refused_as_soon_as_it_shows_who_it_is(manager, node):
    async with manager.network() as a, node() as b:
        manager.standings[b.peer] = Standing.BLOCKED
        for address in a.addresses():
            with pytest.raises(Unreachable, match="hung up once it knew who this is"):
                await b.dial(a.peer, [address])
        assert a.connections() == a._swarm.get_connections() == []
        assert [(refusal.peer, refusal.code) for refusal in manager.refused] == [(b.peer, "blocked")] * 2


async def test_a_blocked_peer_is_refused_over_quic_too(manager, node, eventually):
    listen = ("/ip4/127.0.0.1/udp/0/quic-v1",)
    async with manager.network(listen=listen) as a, node(listen=listen) as b:
        assert (await b.dial(a.peer, a.addresses())).transport == "quic-v1"
        await b.disconnect(a.peer)
        await eventually(lambda: not a.connections())
        manager.standings[b.peer] = Standing.BLOCKED
        with contextlib.suppress(Unreachable):  # QUIC is done with its handshake before anybody is asked
            await b.dial(a.peer, a.addresses())
        await eventually(lambda: not b.connections())
        assert set(manager.codes()) == {"blocked"}
        assert a.connections() == a._swarm.get_connections() == []


async def test_a_blocked_peer_is_not_dialled_and_the_user_hears_why(manager, node):
    async with manager.network() as a, node() as b:
        manager.standings[b.peer] = Standing.BLOCKED
        with pytest.raises(UserError, match=r"blocked on this device.*unblock it first"):
            await a.dial(b.peer, b.addresses())
        manager.standings.clear()
        assert (await a.dial(b.peer, b.addresses())).peer == b.peer


async def test_a_peer_blocked_while_connected_is_put_out_and_told(manager, node):
    async with manager.network() as a, node() as b, node() as c:
        await b.dial(a.peer, a.addresses())
        connection = muxed(b)
        await c.dial(a.peer, a.addresses())
        manager.standings[b.peer] = Standing.BLOCKED
        with a.events() as here, b.events() as there:
            await a.reconsider()
            assert await anext(here) == Disconnected(b.peer, "this peer is blocked here")
            assert await anext(there) == Disconnected(a.peer, "the peer refuses this device")
        assert [info.peer for info in a.connections()] == [c.peer]
        assert connection.heard == 0x1007


async def test_a_peer_blocked_in_the_middle_of_connecting_does_not_stay(manager, node, eventually):
    async with manager.network() as a, node() as b:
        connected = a._connections.connected

        async def blocked_meanwhile(network, conn):
            manager.standings[b.peer] = Standing.BLOCKED
            await connected(network, conn)

        a._connections.connected = blocked_meanwhile
        with contextlib.suppress(Unreachable):
            await b.dial(a.peer, a.addresses())
        await eventually(lambda: manager.codes() == ["blocked"] and not a._swarm.get_connections())
        assert a.connections() == []


async def test_a_member_takes_the_place_of_the_idlest_stranger(manager, node, eventually):
    async with manager.network(max_connections=2) as a, node() as b, node() as c, node() as d:
        await b.dial(a.peer, a.addresses())
        connection = muxed(b)
        await c.dial(a.peer, a.addresses())
        with pytest.raises(Unreachable, match="hung up once it knew who this is: it has no room"):
            await d.dial(a.peer, a.addresses()[:1])
        assert manager.codes() == ["full"]
        manager.standings[d.peer] = Standing.MEMBER
        with watched(a) as ceiling:
            await d.dial(a.peer, a.addresses())
            await eventually(lambda: {info.peer for info in a.connections()} == {c.peer, d.peer})
        assert (ceiling.swarm, ceiling.ours) == (2, 2)
        assert manager.refused[-1].peer == b.peer
        await eventually(lambda: connection.heard == 0x1005)
        assert await d.ping(a.peer) > 0


async def test_a_full_table_does_not_dial_either_unless_somebody_less_can_go(manager, node):
    async with manager.network(max_connections=1) as a, node() as b, node() as c:
        manager.standings[b.peer] = manager.standings[c.peer] = Standing.MEMBER
        await b.dial(a.peer, a.addresses())
        with pytest.raises(Unreachable, match="this node has its maximum of 1 connections already"):
            await a.dial(c.peer, c.addresses())
        manager.standings[b.peer] = Standing.STRANGER
        assert (await a.dial(c.peer, c.addresses())).peer == c.peer
        assert [info.peer for info in a.connections()] == [c.peer]


async def test_a_peer_holds_only_so_many_connections(manager, node, eventually):
    from libp2p.peer.id import ID
    from multiaddr import Multiaddr

    async with manager.network(max_connections_per_peer=2, replace_grace_s=60) as a, node() as b:
        there = Multiaddr(a.addresses()[0]), ID.from_string(a.peer)
        for _ in range(2):
            await b._swarm.dial_addr(*there)
        with pytest.raises(Exception, match="mux"):
            await b._swarm.dial_addr(*there)
        assert manager.codes() == ["peer_limit"]
        assert len(a._swarm.get_connections()) == 2


@pytest.mark.parametrize(("visitors", "maximum"), [(24, 8), pytest.param(100, 32, marks=pytest.mark.soak)])
async def test_the_maximum_holds_at_every_instant_of_a_rush_and_members_stay(
    manager, node, visitors, maximum
):
    async with contextlib.AsyncExitStack() as stack:
        a = await stack.enter_async_context(manager.network({}, max_connections=maximum))
        others = [await stack.enter_async_context(node()) for _ in range(visitors)]
        friends = others[: maximum // 4]
        for friend in friends:
            manager.standings[friend.peer] = Standing.MEMBER
            await friend.dial(a.peer, a.addresses())

        async def visit(other, dialler):
            with contextlib.suppress(Unreachable):
                if dialler is a:
                    await a.dial(other.peer, other.addresses())
                else:
                    await other.dial(a.peer, a.addresses())

        with watched(a) as ceiling:
            async with trio.open_nursery() as nursery:
                for number, other in enumerate(others[len(friends) :]):
                    nursery.start_soon(visit, other, a if number % 3 == 0 else other)
            # Late friends come into the full house, all at once.
            late = others[-maximum // 4 :]
            manager.standings |= {friend.peer: Standing.MEMBER for friend in late}
            expected = {friend.peer for friend in (*friends, *late)}
            with trio.fail_after(30):
                while not expected <= {info.peer for info in a.connections()}:
                    async with trio.open_nursery() as nursery:  # as contacts do, a friend tries again
                        for friend in late:
                            nursery.start_soon(visit, friend, friend)
        assert ceiling.swarm == ceiling.ours == maximum
        assert not {friend.peer for friend in friends} & {refusal.peer for refusal in manager.refused}


async def test_above_the_high_watermark_strangers_go_until_the_low_one(manager, node, eventually):
    settings = {"max_connections": 8, "high_watermark": 0.7, "low_watermark": 0.4, "prune_every_s": 0.05}
    async with contextlib.AsyncExitStack() as stack:
        a = await stack.enter_async_context(manager.network(**settings, prune_grace_s=0.3))
        others = [await stack.enter_async_context(node()) for _ in range(7)]
        manager.standings[others[0].peer] = Standing.MEMBER
        for other in others[:6]:
            await other.dial(a.peer, a.addresses())
        await trio.sleep(0.5)
        assert len(a.connections()) == 6  # the high watermark itself
        await others[6].dial(a.peer, a.addresses())
        await eventually(lambda: len(a.connections()) == 4)
        assert others[0].peer in {info.peer for info in a.connections()}
        assert manager.codes() == ["pruned"] * 3


async def test_a_stream_in_use_outlives_idle_connections(manager, node, echoing, eventually):
    settings = {"max_connections": 4, "high_watermark": 0.5, "low_watermark": 0.5, "prune_grace_s": 0.0}
    async with contextlib.AsyncExitStack() as stack:
        a = await stack.enter_async_context(manager.network(echoing, **settings, prune_every_s=0.05))
        busy, *idle = [await stack.enter_async_context(node()) for _ in range(3)]
        await busy.dial(a.peer, a.addresses())
        stream = await busy.open_stream(a.peer, [ECHO])
        for other in idle:
            await other.dial(a.peer, a.addresses())
        await eventually(lambda: manager.refused)
        assert {refusal.peer for refusal in manager.refused} <= {other.peer for other in idle}
        assert busy.peer in {info.peer for info in a.connections()}
        await stream.send_all(b"still here")
        assert await stream.receive_some() == b"still here"


async def dial_from(network, other, source):
    """Dial from one address of this device."""
    from libp2p.peer.id import ID
    from multiaddr import Multiaddr

    address = Multiaddr(other.addresses()[0])
    return await network._swarm.dial_addr(address, ID.from_string(other.peer), (source, 0))


async def test_one_address_cannot_fill_the_table_alone(manager, node):
    few = PerIp(connections=2, handshakes=50, rate_per_s=100, burst=100)
    async with contextlib.AsyncExitStack() as stack:
        a = await stack.enter_async_context(manager.network(per_near_ip=few))
        others = [await stack.enter_async_context(node()) for _ in range(5)]
        for other in others[:2]:
            await dial_from(other, a, "127.0.0.1")
        with pytest.raises(Exception, match="mux"):
            await dial_from(others[2], a, "127.0.0.1")
        assert manager.codes() == ["ip_limit"]
        await dial_from(others[3], a, "127.0.0.2")
        manager.standings[others[4].peer] = Standing.MEMBER
        await dial_from(others[4], a, "127.0.0.1")
        assert len(a.connections()) == 4


async def test_silent_strangers_from_one_address_keep_no_other_out(manager, node, eventually):
    few = PerIp(connections=50, handshakes=3, rate_per_s=100, burst=100)
    async with manager.network(per_near_ip=few, max_handshakes=4) as a, node() as b:
        port = int(a.addresses()[0].split("/")[4])
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(10)]
        await eventually(lambda: manager.codes().count("handshake_limit") == 7)
        assert a._swarm.gate.handshakes == 3
        await dial_from(b, a, "127.0.0.2")
        assert [info.peer for info in a.connections()] == [b.peer]
        for stream in silent:
            await stream.aclose()
        await eventually(lambda: a._swarm.gate.handshakes == 0)


async def test_an_address_that_connects_too_often_waits_and_others_do_not(manager, node):
    few = PerIp(connections=50, handshakes=50, rate_per_s=0.01, burst=3)
    async with manager.network(per_near_ip=few) as a, node() as b:
        port = int(a.addresses()[0].split("/")[4])
        for _ in range(8):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            await stream.aclose()
        with pytest.raises(Unreachable, match="hung up during the handshake"):
            await b.dial(a.peer, a.addresses()[:1])
        assert manager.codes() == ["rate"] * 6
        assert manager.refused[0].peer is None
        await dial_from(b, a, "127.0.0.2")
        assert len(a.connections()) == 1


async def test_refusals_without_end_write_few_lines(manager, eventually, caplog):
    few = PerIp(connections=50, handshakes=50, rate_per_s=0.01, burst=1)
    async with manager.network(per_near_ip=few) as a:
        port = int(a.addresses()[0].split("/")[4])
        with caplog.at_level("INFO", "whatnext.net.admission"):
            for _ in range(60):
                await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
            await eventually(lambda: len(manager.refused) == 59)
        lines = [record for record in caplog.records if "refused" in record.getMessage()]
        assert 20 <= len(lines) <= 25


async def test_a_flood_of_streams_closes_the_connection_with_its_reason(manager, node, echoing, eventually):
    async with manager.network(echoing, stream_rate_per_s=1, stream_burst=20) as a, node() as b, node() as c:
        await c.dial(a.peer, a.addresses())
        calm = await c.open_stream(a.peer, [ECHO])
        await b.dial(a.peer, a.addresses())
        [link] = b._connections.all()
        with a.events() as here, b.events() as there:
            with contextlib.suppress(Exception):
                for _ in range(60):
                    await link.conn.new_stream()
            assert await anext(here) == Disconnected(b.peer, "it opened more than 1 streams a second")
            told = Disconnected(a.peer, "the peer closed the connection: too much came from here")
            assert await anext(there) == told
        assert link.conn.muxed_conn.heard == 0x1002
        assert manager.codes() == ["rate"]
        await calm.send_all(b"not concerned")
        assert await calm.receive_some() == b"not concerned"


async def test_each_stream_past_the_limit_is_told_of(manager, node, eventually):
    async def deaf(stream):
        await trio.sleep_forever()

    async with manager.network({"/test/deaf/1.0.0": deaf}, max_streams_per_connection=3) as a, node() as b:
        await b.dial(a.peer, a.addresses())

        async def hoard():
            while True:
                await b.open_stream(a.peer, ["/test/deaf/1.0.0"])

        with pytest.raises(ConnectionLost):
            await hoard()
        await eventually(lambda: manager.refused)
        assert (manager.refused[0].peer, manager.refused[0].code) == (b.peer, "stream_limit")


async def test_silent_websockets_are_refused_past_the_limit_and_cut_after_the_patience(
    manager, node, eventually
):
    few = PerIp(connections=50, handshakes=3, rate_per_s=100, burst=100)
    settings = {"per_near_ip": few, "max_handshakes": 4, "handshake_timeout_s": 1.0}
    async with manager.network(**settings) as a, node() as b:
        [websocket] = [address for address in a.addresses() if "/ws" in address]
        await b.dial(a.peer, [websocket])  # the first socket is not counted
        await b.disconnect(a.peer)
        port = int(websocket.split("/")[4])
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(10)]
        await eventually(lambda: manager.codes().count("handshake_limit") == 7)
        upgrades = a._swarm.http_upgrades
        assert upgrades.under_way == 3
        await eventually(lambda: upgrades.under_way == 0)
        assert (await b.dial(a.peer, [websocket])).transport == "ws"
        assert (upgrades.under_way, a._swarm.gate.handshakes) == (0, 0)
        for stream in silent:
            await stream.aclose()
