"""That our side of each canary in `test_canaries.py` holds."""

import logging
import socket
import subprocess
import sys

import pytest
import trio
import trio.testing
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from whatnext.errors import ConnectionLost, LocalError
from whatnext.identity import Identity
from whatnext.net import host as net_host
from whatnext.net.carrier import Carrier
from whatnext.net.closing import close_connection
from whatnext.net.departed import Departed
from whatnext.net.muxing import WINDOW, SafeYamux
from whatnext.net.negotiation import known_protocols

pytestmark = pytest.mark.real

ECHO = "/test/echo/1.0.0"


async def drained(stream):
    while await stream.receive_some():
        pass


async def deaf(stream):
    await trio.sleep_forever()


def muxed(network):
    """The yamux connection of a node with one connection."""
    [link] = network._connections.all()
    return link.conn.muxed_conn


async def test_another_libp2p_is_refused(node, monkeypatch):
    monkeypatch.setattr(net_host.importlib.metadata, "version", lambda _: "0.9.0")
    with pytest.raises(LocalError, match=r"needs libp2p 0\.8\.1 exactly and found 0\.9\.0"):
        async with node():
            pass


async def test_inbound_places_are_given_back(node, eventually):
    async with node(max_connections=2) as a, node() as b:
        for _ in range(5):
            await b.dial(a.peer, a.addresses())
            await b.disconnect(a.peer)
            await eventually(lambda: not a.connections())
        limiter = a._swarm._inbound_limiter
        await eventually(lambda: limiter.borrowed_tokens == 0)


async def test_a_dial_returns_as_soon_as_it_succeeded(node):
    async with node() as a, node() as b:
        started = trio.current_time()
        await b.dial(a.peer, a.addresses())
        assert trio.current_time() - started < 0.2


async def test_a_failed_dial_does_not_ban_the_peer(node, dead_port):
    async with node() as a, node() as b:
        with pytest.raises(Exception, match="refused"):
            await b.dial(a.peer, [f"/ip4/127.0.0.1/tcp/{dead_port}"])
        assert (await b.dial(a.peer, a.addresses())).peer == a.peer


async def test_a_peer_that_restarted_is_known_by_its_new_address_and_protocols(node, echoing, eventually):
    device = Identity.generate()
    async with node() as b:
        async with node(identity=device) as before:
            await b.dial(before.peer, before.addresses())
            await eventually(lambda: b.addresses_of(device.peer_id))
            old = b.addresses_of(device.peer_id)
        await eventually(lambda: not b.connections())
        assert b.addresses_of(device.peer_id) == old  # where it was last is worth knowing
        async with node(echoing, identity=device) as after:
            await b.dial(after.peer, after.addresses())
            await eventually(lambda: b.addresses_of(device.peer_id) != old)
            assert ECHO in known_protocols(b.host, ID.from_string(device.peer_id))


async def test_only_the_last_peers_that_left_are_remembered(node):
    async with node() as a:
        departed = Departed(a.host, remembered=3)
        peers = [ID.from_string(Identity.generate().peer_id) for _ in range(10)]
        for peer in peers:
            a.host.get_peerstore().add_addrs(peer, [Multiaddr("/ip4/192.0.2.1/tcp/1")], 60)
            departed.left(peer)
        departed.came(peers[-1])
        kept = [peer for peer in peers if a.addresses_of(str(peer))]
        assert kept == peers[-3:]
        departed.left(peers[0])
        assert [peer for peer in peers if a.addresses_of(str(peer))] == peers[-3:]


async def test_nobody_is_dialled_unasked(node):
    async with node() as a, node() as b:
        b.host.get_peerstore().add_addrs(
            ID.from_string(a.peer),
            [Multiaddr(address.partition("/p2p/")[0]) for address in a.addresses()],
            60,
        )
        await b._swarm.auto_connector.maybe_connect()
        assert b.connections() == a.connections() == []


async def test_a_close_that_is_cancelled_still_forgets_the_connection(node):
    async with node() as a, node() as b:
        await b.dial(a.peer, a.addresses())
        [link] = b._connections.all()
        with trio.CancelScope() as scope:
            scope.cancel()
            await close_connection(b._swarm, link.conn)
        assert b._swarm.get_connections() == []


async def test_a_close_that_never_ends_is_ended_and_its_socket_cut(node, eventually):
    async with node() as a, node() as b:
        await b.dial(a.peer, a.addresses())
        [link] = b._connections.all()
        link.conn.close = trio.sleep_forever
        started = trio.current_time()
        await close_connection(b._swarm, link.conn)
        assert trio.current_time() - started < 2
        assert b._swarm.get_connections() == []
        await eventually(lambda: not a.connections())


async def test_a_close_the_library_cancels_itself_is_cleaned_up_after(node, eventually):
    async with node() as a, node() as b:
        await b.dial(a.peer, a.addresses())
        [link] = b._connections.all()
        with trio.move_on_after(0):
            await link.conn.close()
        await eventually(lambda: not b.connections() and not b._swarm.get_connections())


async def test_a_cancelled_send_hurts_no_other_stream(node, echoing):
    async with node(echoing) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        kept = await b.open_stream(a.peer, [ECHO])
        for _ in range(30):
            stream = await b.open_stream(a.peer, [ECHO])
            for ticks in range(1, 8):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(stream.send_all, b"x" * 100)
                    for _ in range(ticks):
                        await trio.lowlevel.checkpoint()
                    nursery.cancel_scope.cancel()
            await stream.reset()
        await kept.send_all(b"kept")
        assert await kept.receive_some() == b"kept"


async def test_a_send_cancelled_in_the_middle_resets_its_stream(node, eventually):
    lost = []

    async def never_read(stream):
        await eventually(lambda: lost, within=10)
        with pytest.raises(ConnectionLost):
            await drained(stream)
        lost.append("there")

    async with node({"/test/deaf/1.0.0": never_read}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, ["/test/deaf/1.0.0"])
        with trio.move_on_after(0.2):
            await stream.send_all(bytes(4 * WINDOW))
        lost.append("here")
        with pytest.raises(ConnectionLost):
            await stream.send_all(b"x")
        await eventually(lambda: "there" in lost)


async def test_what_arrived_is_read_even_after_the_connection_ended(node, eventually):
    async def last_words(stream):
        await stream.send_all(b"the last words")
        await trio.sleep_forever()

    async with node({"/test/last/1.0.0": last_words}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, ["/test/last/1.0.0"])
        await eventually(lambda: any(muxed(b).stream_buffers.values()))
        await a.disconnect(b.peer)
        await eventually(lambda: not b.connections())
        assert await stream.receive_some() == b"the last words"
        with pytest.raises(ConnectionLost):
            await stream.receive_some()


async def test_a_lost_connection_is_a_loss_to_who_is_reading(node, echoing):
    async with node(echoing) as a, node() as b, trio.open_nursery() as nursery:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, [ECHO])
        nursery.start_soon(a.disconnect, b.peer)
        with pytest.raises(ConnectionLost):
            await stream.receive_some()


async def test_a_slow_reader_loses_nothing_and_costs_a_bounded_buffer(node):
    async def slow(stream):
        await trio.sleep(0.5)
        assert sum(map(len, muxed(a).stream_buffers.values())) <= WINDOW
        total = 0
        while total < 8 * WINDOW:
            total += len(await stream.receive_some(1 << 20))
        await stream.send_all(b"all")

    async with node({"/test/slow/1.0.0": slow}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, ["/test/slow/1.0.0"])
        await stream.send_all(bytes(8 * WINDOW))
        assert await stream.receive_some() == b"all"


async def test_a_reader_that_never_reads_costs_the_stream_after_the_set_time(node):
    async with node({"/test/deaf/1.0.0": deaf}) as a, node(stall_timeout_s=0.5) as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, ["/test/deaf/1.0.0"])
        with pytest.raises(ConnectionLost, match=r"has not read for 0\.5 s"):
            await stream.send_all(bytes(4 * WINDOW))
        assert await b.ping(a.peer) > 0


async def test_a_writer_is_woken_when_the_window_opens(autojump_clock):
    class Wire:
        is_initiator = True

        async def write(self, data):
            await trio.lowlevel.checkpoint()

    stream = await SafeYamux(Wire(), None).open_stream()
    stream.send_window = 0
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.wait_for_room)
        await trio.testing.wait_all_tasks_blocked()
        stream.send_window += 10
    assert trio.current_time() == began


async def test_small_reads_send_no_window_updates(node, echoing):
    async with node(echoing) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, [ECHO])
        written = []
        write = muxed(b).secured_conn.write

        async def counted(data):
            written.append(data)
            await write(data)

        muxed(b).secured_conn.write = counted
        for _ in range(50):
            await stream.send_all(b"x" * 100)
            await stream.receive_some()
        updates = [frame for frame in written if frame[1] == 1 and frame[2:4] == b"\0\0"]
        assert updates == []


async def test_a_carrier_reads_whole_messages_however_small_the_pieces():
    class Trickle:
        left = 500

        async def read(self, n=None):
            self.left -= 1
            return b"x" if self.left >= 0 else b""

    carrier = Carrier(Trickle(), None)
    assert await carrier.read(300) == b"x" * 300
    assert await carrier.read(300) == b"x" * 200
    assert await carrier.read(1) == b""


async def test_a_read_from_a_carrier_that_is_cancelled_loses_nothing():
    class Halting:
        pieces = (b"ab", None, b"cd")

        def __init__(self):
            self.rest = list(self.pieces)

        async def read(self, n=None):
            piece = self.rest.pop(0)
            if piece is None:
                await trio.sleep_forever()
            return piece

    carrier = Carrier(Halting(), None)
    with trio.move_on_after(0.01):
        await carrier.read(4)
    assert await carrier.read(4) == b"abcd"


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
@pytest.mark.parametrize("family", ["ip4/127.0.0.1", "ip6/::1"])
@pytest.mark.parametrize("suffix", ["", "/ws"])
async def test_each_side_knows_the_address_of_the_other(node, family, suffix):
    if family.startswith("ip6"):
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind(("::1", 0))
            except OSError:
                pytest.skip("no IPv6 loopback here")
    async with node(listen=(f"/{family}/tcp/0{suffix}",)) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        [here], [there] = b.connections(), a.connections()
        assert here.address == a.addresses()[0].partition("/p2p/")[0]
        assert there.address.startswith(f"/{family}/tcp/")
        assert there.transport == here.transport == (suffix.strip("/") or "tcp")


async def test_noise_alone_is_offered_and_yamux_before_mplex(node):
    async with node() as a:
        upgrader = a._swarm.upgrader
        assert list(upgrader.security_multistream.transports) == ["/noise"]
        assert list(upgrader.muxer_multistream.transports) == ["/yamux/1.0.0", "/mplex/6.7.0"]


async def test_both_ends_send_small_messages_at_once(node):
    async with node() as a, node() as b:
        await b.dial(a.peer, a.addresses())
        for network in (a, b):
            sock = muxed(network).secured_conn.conn.conn.stream._socket.socket
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_ordinary_failures_print_nothing(node, dead_port, capfd, caplog):
    root = logging.getLogger()
    handlers = list(root.handlers)
    async with node() as a, node() as b:
        with pytest.raises(Exception, match="refused"):
            await b.dial(a.peer, [f"/ip4/127.0.0.1/tcp/{dead_port}", f"/ip4/127.0.0.1/tcp/{dead_port}/ws"])
        await b.dial(a.peer, a.addresses())
        await b.disconnect(a.peer)
    assert capfd.readouterr().err == ""
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert root.handlers == handlers


async def test_a_silent_peer_is_given_up_after_a_missed_heartbeat(node, eventually):
    async with node(heartbeat_s=0.2, heartbeat_timeout_s=0.4) as a, node(heartbeat_s=60) as b:
        await b.dial(a.peer, a.addresses())
        await eventually(lambda: a.connections()[0].latency_ms is not None)

        async def swallowed(data):
            await trio.lowlevel.checkpoint()

        muxed(b).secured_conn.write = swallowed  # as if the cable were cut
        with a.events() as events:
            gone = await anext(events)
        assert (gone.peer, gone.reason) == (b.peer, "it no longer answers")
        assert a.connections() == []


async def test_a_peer_without_the_ping_protocol_counts_as_alive(node, eventually):
    async with node(heartbeat_s=0.1, heartbeat_timeout_s=0.5) as a, node(heartbeat_s=60) as b:
        b.host.remove_stream_handler("/ipfs/ping/1.0.0")
        await b.dial(a.peer, a.addresses())
        await eventually(lambda: a.connections()[0].latency_ms is not None)
        await trio.sleep(0.5)
        assert len(a.connections()) == 1


def test_importing_the_package_does_not_load_libp2p():
    code = "import sys, whatnext.net; sys.exit('libp2p' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
