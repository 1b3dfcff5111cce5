"""The network's interface, between nodes in one process on real loopback sockets."""

import contextlib
import logging

import pytest
import trio
import trio.testing
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from whatnext.errors import (
    ConnectionLost,
    LocalError,
    ProtocolViolation,
    Unreachable,
    UserError,
    VersionMismatch,
    WrongPeer,
)
from whatnext.identity import Identity
from whatnext.net import Connected, Disconnected, NetConfig, PathChanged, open_network
from whatnext.net.addresses import beyond_loopback

pytestmark = pytest.mark.real

ECHO = "/test/echo/1.0.0"


async def exchange(stream, data):
    await stream.send_all(data)
    got = b""
    while len(got) < len(data):
        got += await stream.receive_some()
    return got


@pytest.mark.parametrize("transport", ["tcp", "ws"])
async def test_a_stream_carries_a_megabyte_both_ways(node, echoing, transport):
    async with node(echoing) as a, node() as b:
        addresses = [address for address in a.addresses() if ("/ws" in address) == (transport == "ws")]
        info = await b.dial(a.peer, addresses)
        assert (info.transport, info.direction, info.peer) == (transport, "out", a.peer)
        stream = await b.open_stream(a.peer, [ECHO])
        assert (stream.peer, stream.protocol, stream.outbound) == (a.peer, ECHO, True)
        data = bytes(range(256)) * 4096
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, data)
            got = b""
            while len(got) < len(data):
                got += await stream.receive_some()
        assert got == data


async def test_closing_our_side_lets_the_peer_finish_and_then_ends_cleanly(node):
    async def count(stream):
        total = 0
        while part := await stream.receive_some():
            total += len(part)
        await stream.send_all(str(total).encode())

    async with node({"/test/count/1.0.0": count}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, ["/test/count/1.0.0"])
        await stream.send_all(b"x" * 300_000)
        await stream.close()
        assert await stream.receive_some() == b"300000"
        assert await stream.receive_some() == b""


async def test_both_sides_show_the_connection_and_its_latency(node, eventually):
    async with node() as a, node() as b:
        await b.dial(a.peer, a.addresses())
        await eventually(
            lambda: [info.latency_ms for n in (a, b) for info in n.connections()].count(None) == 0
        )
        [here], [there] = b.connections(), a.connections()
        assert (here.direction, there.direction) == ("out", "in")
        assert (here.peer, there.peer) == (a.peer, b.peer)
        assert here.path == there.path == "lan"
        assert 0 < there.latency_ms < 1000


async def test_dialling_a_connected_peer_returns_its_connection(node):
    async with node() as a, node() as b:
        first = await b.dial(a.peer, a.addresses())
        assert await b.dial(a.peer, []) == first
        assert len(b.connections()) == 1


async def test_many_at_once_who_dial_one_peer_share_one_connection(node):
    async with node() as a, node() as b:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(b.dial, a.peer, a.addresses())
        assert len(b.connections()) == len(a.connections()) == 1


async def test_two_who_dial_each_other_at_once_agree_on_one_connection(node, echoing, eventually):
    async with node(echoing, replace_grace_s=0.2) as a, node(echoing, replace_grace_s=0.2) as b:
        for _ in range(3):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(a.dial, b.peer, b.addresses())
                nursery.start_soon(b.dial, a.peer, a.addresses())
            for here, there in ((a, b), (b, a)):
                stream = await here.open_stream(there.peer, [ECHO])
                assert await exchange(stream, b"still here") == b"still here"
                await stream.close()
            await eventually(lambda: len(a.connections()) == len(b.connections()) == 1)
            assert {a.connections()[0].direction, b.connections()[0].direction} == {"in", "out"}
            assert await exchange(await a.open_stream(b.peer, [ECHO]), b"kept") == b"kept"
            await a.disconnect(b.peer)
            await eventually(lambda: not a.connections() and not b.connections())


async def test_of_two_connections_dialled_by_one_side_both_sides_keep_the_same(node, echoing, eventually):
    async with node(echoing, replace_grace_s=0.4) as a, node(replace_grace_s=0.4) as b:
        await b.dial(a.peer, a.addresses())
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(b._swarm.dial_addr, Multiaddr(a.addresses()[0]), ID.from_string(a.peer))
        assert len(b.connections()) > 1
        await eventually(lambda: len(a.connections()) == len(b.connections()) == 1)
        await trio.sleep(0.6)  # longer than the grace: nobody closes the last one
        assert await exchange(await b.open_stream(a.peer, [ECHO]), b"kept") == b"kept"


async def test_a_better_path_is_announced_and_ends_the_streams_on_the_worse(node, echoing, eventually):
    async with node(echoing, replace_grace_s=0.3) as one, node(echoing, replace_grace_s=0.3) as two:
        a, b = sorted((one, two), key=lambda network: network.peer)  # what a dials is preferred
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, [ECHO])
        with b.events() as events:
            await a._swarm.dial_addr(Multiaddr(b.addresses()[0]), ID.from_string(b.peer))
            changed = await anext(events)
        assert isinstance(changed, PathChanged)
        assert (changed.peer, changed.direction) == (a.peer, "in")
        with pytest.raises(ConnectionLost):
            await stream.receive_some()
        await eventually(lambda: len(a.connections()) == len(b.connections()) == 1)
        assert b.connections()[0].direction == "in"
        assert await exchange(await b.open_stream(a.peer, [ECHO]), b"anew") == b"anew"


async def test_events_tell_who_came_and_who_went_and_why(node):
    async with node() as a, node() as b:
        with a.events() as events:
            await b.dial(a.peer, a.addresses())
            came = await anext(events)
            assert isinstance(came, Connected)
            assert (came.peer, came.direction) == (b.peer, "in")
            await a.disconnect(b.peer, "the test is done with it")
            assert await anext(events) == Disconnected(b.peer, "the test is done with it")
        assert a.connections() == []


async def test_a_ping_takes_some_time_but_not_long(node):
    async with node() as a, node() as b:
        await b.dial(a.peer, a.addresses())
        assert 0 < await b.ping(a.peer) < 1
        assert 0 < await a.ping(b.peer) < 1


async def test_a_peer_that_is_not_connected_cannot_be_pinged_or_spoken_to(node):
    stranger = Identity.generate().peer_id
    async with node() as a:
        with pytest.raises(ConnectionLost, match="dial it first"):
            await a.ping(stranger)
        with pytest.raises(ConnectionLost, match="dial it first"):
            await a.open_stream(stranger, [ECHO])


async def test_addresses_are_dialable_and_never_a_wildcard(eventually):
    async with open_network(Identity.generate()) as a, open_network(Identity.generate()) as b:
        assert a.addresses()
        assert all(
            address.endswith(f"/p2p/{a.peer}") and "/0.0.0.0/" not in address for address in a.addresses()
        )
        assert "/127.0.0.1/" in a.addresses()[-1]
        await b.dial(a.peer, a.addresses())
        await eventually(lambda: b.addresses_of(a.peer))
        told = {f"{address}/p2p/{a.peer}" for address in b.addresses_of(a.peer)}
        assert told == set(beyond_loopback(a.addresses()))


async def test_addresses_of_a_stranger_are_unknown(node):
    async with node() as a:
        assert a.addresses_of(Identity.generate().peer_id) == []


async def test_another_peer_at_the_only_address_is_told_apart(node):
    expected = Identity.generate().peer_id
    async with node() as a, node() as b:
        [address, *_] = [address.partition("/p2p/")[0] for address in a.addresses()]
        with pytest.raises(WrongPeer, match="its key is not the PeerID dialled"):
            await b.dial(expected, [address])
        assert b.connections() == []


async def test_an_unreachable_peer_lists_every_address_and_its_reason(node, dead_port):
    expected = Identity.generate().peer_id
    async with node() as a, node() as b:
        other = a.addresses()[0].partition("/p2p/")[0]
        dead = f"/ip4/127.0.0.1/tcp/{dead_port}"
        with pytest.raises(Unreachable) as caught:
            await b.dial(expected, [dead, other, "nonsense", f"{dead}/p2p/{a.peer}", f"{dead}/quic-v1"])
        told = str(caught.value)
        assert f"{dead}: refused" in told
        assert f"{other}: another peer answered" in told
        assert "nonsense: is not a multiaddr" in told
        assert f"names another peer, {a.peer}" in told
        assert "quic-v1: no transport" in told


async def test_a_peer_that_hangs_up_at_once_is_named_with_its_address_and_why(node):
    async with node() as a, node() as b:
        at = a.addresses()[0].rpartition("/p2p/")[0]
        b._connections.best = lambda peer: None  # it is gone again before anybody looks
        with pytest.raises(Unreachable) as caught:
            await b.dial(a.peer, [at])
        assert f"{at}: answered, then it ended the connection at once" in str(caught.value)


async def test_a_peer_without_any_known_address_is_unreachable(node):
    async with node() as a:
        with pytest.raises(Unreachable, match="no address"):
            await a.dial(Identity.generate().peer_id, [])


async def test_one_live_address_among_dead_ones_is_enough(node, dead_port):
    async with node() as a, node() as b:
        dead = [f"/ip4/127.0.0.1/tcp/{dead_port}", f"/ip4/127.0.0.1/tcp/{dead_port}/ws"]
        info = await b.dial(a.peer, [*dead, *a.addresses()])
        assert info.peer == a.peer


async def test_a_malformed_peer_id_or_our_own_is_refused(node):
    async with node() as a:
        with pytest.raises(UserError, match="not a PeerID"):
            await a.dial("not-a-peer", ["/ip4/127.0.0.1/tcp/1"])
        with pytest.raises(UserError, match="does not dial itself"):
            await a.dial(a.peer, a.addresses())


async def test_the_newest_common_protocol_is_chosen(node, echoing):
    async with node({**echoing, "/test/echo/1.1.0": echoing[ECHO]}) as new, node(echoing) as old, node() as b:
        for peer, agreed in ((new, "/test/echo/1.1.0"), (old, ECHO)):
            await b.dial(peer.peer, peer.addresses())
            stream = await b.open_stream(peer.peer, ["/test/echo/1.1.0", ECHO])
            assert stream.protocol == agreed


async def test_no_common_version_says_who_should_update(node, echoing):
    async with node({"/whatnext/sync/2.1.0": echoing[ECHO]}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        with pytest.raises(VersionMismatch) as caught:
            await b.open_stream(a.peer, ["/whatnext/sync/1.0.0"])
        assert str(caught.value) == "peer speaks /whatnext/sync/2.x, this app 1.x: update WhatNext"
        with pytest.raises(VersionMismatch, match="is it a WhatNext peer"):
            await b.open_stream(a.peer, ["/whatnext/rxdb/1.0.0"])


async def test_a_failing_handler_is_logged_with_the_peer_and_hurts_nobody_else(node, echoing, caplog):
    async def fail(stream):
        await stream.receive_some()
        raise RuntimeError("a bug")

    async with node({**echoing, "/test/fail/1.0.0": fail}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        good = await b.open_stream(a.peer, [ECHO])
        bad = await b.open_stream(a.peer, ["/test/fail/1.0.0"])
        with caplog.at_level(logging.ERROR):
            await bad.send_all(b"x")
            with pytest.raises(ConnectionLost):
                await bad.receive_some()
        [said] = [record for record in caplog.records if "/test/fail/1.0.0" in record.getMessage()]
        assert said.peer == b.peer
        assert said.exc_info
        assert await exchange(good, b"alive") == b"alive"


async def test_a_peer_that_breaks_a_protocol_makes_one_line_and_no_traceback(node, caplog, eventually):
    async def strict(stream):
        raise ProtocolViolation("that is no question")

    async with node({"/test/strict/1.0.0": strict}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        with caplog.at_level(logging.INFO, "whatnext.net.network"), contextlib.suppress(ConnectionLost):
            stream = await b.open_stream(a.peer, ["/test/strict/1.0.0"])
            assert await stream.receive_some() is None, "the stream is reset"
        [said] = [record for record in caplog.records if "/test/strict/1.0.0" in record.getMessage()]
        assert "that is no question" in said.getMessage()
        assert said.peer == b.peer
        assert not said.exc_info


async def test_a_reset_is_seen_as_a_loss_on_the_other_side(node, eventually):
    seen = []

    async def watch(stream):
        try:
            await stream.receive_some()
        except ConnectionLost as error:
            seen.append(error)

    async with node({"/test/watch/1.0.0": watch}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, ["/test/watch/1.0.0"])
        await stream.reset()
        with pytest.raises(ConnectionLost):
            await stream.send_all(b"x")
        await eventually(lambda: seen)


async def test_leaving_with_open_streams_ends_in_time_and_leaves_no_task(node, echoing):
    before = trio.lowlevel.current_statistics().tasks_living
    async with node(echoing) as a:
        async with node() as b:
            await b.dial(a.peer, a.addresses())
            streams = [await b.open_stream(a.peer, [ECHO]) for _ in range(20)]
            for stream in streams:
                await stream.send_all(b"unread")
            started = trio.current_time()
        assert trio.current_time() - started < 2.5
        with pytest.raises(ConnectionLost):
            await streams[0].send_all(b"x")
    await trio.testing.wait_all_tasks_blocked()
    assert trio.lowlevel.current_statistics().tasks_living == before


async def test_an_error_inside_the_block_comes_out_as_itself(node):
    with pytest.raises(KeyError):
        async with node():
            raise KeyError("mine")


async def test_not_even_an_exit_is_swallowed(node):
    with pytest.raises(BaseExceptionGroup) as caught:
        async with node():
            raise SystemExit(3)
    assert caught.value.subgroup(SystemExit)


async def test_an_address_that_cannot_be_listened_on_is_named(node):
    for address, kind in (("/ip4/192.0.2.250/tcp/4001", LocalError), ("not-an-address", UserError)):
        with pytest.raises(kind, match=address):
            async with open_network(Identity.generate(), NetConfig(listen=(address,))):
                pass


async def test_the_maximum_of_connections_holds(node, eventually):
    async with node(max_connections=3) as a, trio.open_nursery() as nursery:
        tried = []
        leave = trio.Event()

        async def visit():
            async with node() as visitor:
                with contextlib.suppress(Unreachable):
                    await visitor.dial(a.peer, a.addresses()[:1])
                tried.append(visitor)
                await leave.wait()

        for _ in range(6):
            nursery.start_soon(visit)
        await eventually(lambda: len(tried) == 6, within=10)
        assert len(a.connections()) == 3
        leave.set()


async def test_coming_and_going_leaves_nothing_behind(node, echoing, eventually):
    async with node(echoing, max_connections=4) as a, node() as b:

        async def visit():
            await b.dial(a.peer, a.addresses())
            assert await exchange(await b.open_stream(a.peer, [ECHO]), b"hello") == b"hello"
            await b.disconnect(a.peer)
            await eventually(lambda: not a.connections())

        await visit()
        await trio.sleep(0.5)
        before = trio.lowlevel.current_statistics().tasks_living
        for _ in range(8):
            await visit()
        await eventually(lambda: trio.lowlevel.current_statistics().tasks_living <= before)


async def test_a_node_behind_a_forwarded_port_tells_others_that_port_and_not_its_own(node, eventually):
    forwarded = "/ip4/192.0.2.7/tcp/4001"
    async with node(announce=(forwarded,)) as behind, node() as other:
        assert behind.addresses() == [f"{forwarded}/p2p/{behind.peer}"]
        await behind.dial(other.peer, other.addresses())
        await eventually(lambda: other.addresses_of(behind.peer))
        assert other.addresses_of(behind.peer) == [forwarded]


async def test_an_announced_address_that_is_none_is_refused_by_name(node):
    with pytest.raises(UserError, match="nonsense"):
        async with node(announce=("nonsense",)):
            pass
