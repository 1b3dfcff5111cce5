"""Each defect of stock py-libp2p 0.8.1 that we work around, shown to be still there.

A test that FAILS here is good news: the library no longer needs that workaround. Take the workaround out (its module
is named in the test), run `tests/net`, and delete the canary. `test_workarounds.py` shows that ours hold.
"""

import importlib.metadata
import importlib.util
import logging
import socket
from types import SimpleNamespace

import pytest
import trio
import trio.testing
from libp2p.host.ping import PingService
from libp2p.io.exceptions import IncompleteReadError
from libp2p.io.utils import read_exactly
from libp2p.network.connection import swarm_connection
from libp2p.network.stream.exceptions import StreamEOF, StreamError
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.protocol_muxer.multiselect_client import MultiselectClient
from libp2p.stream_muxer.exceptions import MuxedStreamError
from libp2p.stream_muxer.yamux import yamux
from multiaddr import Multiaddr

from whatnext.identity import Identity
from whatnext.net.host import LIBP2P_VERSION

pytestmark = pytest.mark.real

ECHO = "/stock/echo/1.0.0"


def info(host, *addresses):
    return PeerInfo(host.get_id(), [Multiaddr(address) for address in addresses] or host.get_addrs())


def plain(host):
    """Listening address without `/p2p/`."""
    return host.get_transport_addrs()[0]


async def echo(stream):
    while data := await stream.read(65536):
        await stream.write(data)


async def deaf(stream):
    await trio.sleep_forever()


class Wire:
    """A secured connection that only remembers what was written."""

    is_initiator = True

    def __init__(self):
        self.written = []

    async def write(self, data):
        self.written.append(data)

    async def close(self):
        pass


def test_the_library_is_exactly_the_version_these_workarounds_were_written_for():
    assert importlib.metadata.version("libp2p") == LIBP2P_VERSION == "0.8.1"


async def test_inbound_places_are_never_given_back(stock, eventually):  # swarm.py
    async with stock(max_connections=2, min_connections=0, low_watermark=0, high_watermark=2) as full:
        for _ in range(2):
            async with stock() as visitor:
                await visitor.connect(info(full))
        await eventually(lambda: not full.get_network().get_connections())
        async with stock() as visitor:
            with pytest.raises(Exception, match="unable to connect"):
                await visitor.connect(info(full))


async def test_connecting_waits_a_quarter_second_after_success(stock):  # dialing.py
    async with stock() as a, stock() as b:
        started = trio.current_time()
        await b.connect(info(a))
        assert trio.current_time() - started >= 0.25


async def test_one_dead_address_hides_a_live_one_of_the_same_transport(stock):  # dialing.py
    async with stock() as a, stock() as b:
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))
            first = f"/ip4/127.0.0.1/tcp/{dead.getsockname()[1]}"
            with pytest.raises(Exception, match="unable to connect"):
                await b.connect(info(a, first, str(plain(a))))
        with pytest.raises(Exception, match="negative cache"):  # and then the peer is refused for a minute
            await b.connect(info(a))


async def test_the_auto_connector_dials_known_peers_unasked(stock):  # swarm.py
    async with stock() as a, stock() as b:
        b.get_peerstore().add_addrs(a.get_id(), [plain(a)], 60)
        await b.get_network().auto_connector.maybe_connect()
        assert b.get_connected_peers() == [a.get_id()]


async def test_a_cancelled_close_leaves_the_connection_in_the_table(stock):  # closing.py
    async with stock() as a, stock() as b:
        await b.connect(info(a))
        conn = b.get_network().get_connections()[0]
        with trio.move_on_after(0):
            await conn.close()
        assert conn.is_closed
        assert conn in b.get_network().get_connections()


async def test_a_cancelled_write_kills_the_whole_connection(stock, eventually):  # muxing.py
    async with stock() as a, stock() as b:
        a.set_stream_handler(ECHO, echo)
        await b.connect(info(a))
        stream = await b.new_stream(a.get_id(), [ECHO])
        conn = b.get_network().get_connections()[0].muxed_conn
        other = a.get_network().get_connections()[0].muxed_conn
        sealed = trio.Event()
        encrypt = conn.secured_conn.conn.encrypt

        def encrypt_and_tell(data):
            sealed.set()
            return encrypt(data)

        conn.secured_conn.conn.encrypt = encrypt_and_tell
        raw = conn.secured_conn.conn.conn.stream
        async with (
            raw.write_lock,
            trio.open_nursery() as nursery,
        ):  # another writer holds the socket for a moment
            nursery.start_soon(stream.write, b"lost")
            await sealed.wait()
            nursery.cancel_scope.cancel()
        await b.get_network().get_connections()[0].new_stream()
        await eventually(lambda: other.is_closed)


async def opened_between(a, b, eventually):
    """Both ends of a stream from b to a, and nobody reading."""
    opened = []

    async def keep(stream):
        opened.append(stream)
        await trio.sleep_forever()

    a.set_stream_handler(ECHO, keep)
    await b.connect(info(a))
    stream = await b.new_stream(a.get_id(), [ECHO])
    await eventually(lambda: opened)
    return opened[0], stream


async def test_what_was_not_read_yet_is_dropped_when_the_connection_ends(stock, eventually):  # streams.py
    async with stock() as a, stock() as b:
        there, here = await opened_between(a, b, eventually)
        await there.write(b"the last words")
        await eventually(lambda: any(here.muxed_conn.stream_buffers.values()))
        await a.close()
        await eventually(lambda: here.muxed_conn.is_closed)
        with pytest.raises(StreamError):
            await here.read(100)


async def test_a_lost_connection_looks_like_a_clean_end_to_who_is_reading(stock, eventually):  # streams.py
    async with stock() as a, stock() as b, trio.open_nursery() as nursery:
        there, here = await opened_between(a, b, eventually)

        async def cut():
            await there.muxed_conn.secured_conn.close()

        nursery.start_soon(cut)
        with pytest.raises(StreamEOF):
            await here.read(100)


async def test_a_reader_that_pauses_five_seconds_loses_its_stream(autojump_clock):  # streams.py
    conn = yamux.Yamux(Wire(), None, is_initiator=True)
    stream = await conn.open_stream()
    stream.send_window = 0
    with pytest.raises(MuxedStreamError, match="5 seconds"):
        await stream.write(b"x")


async def test_every_read_is_answered_by_a_window_update(autojump_clock):  # muxing.py
    wire = Wire()
    conn = yamux.Yamux(wire, None, is_initiator=True)
    stream = await conn.open_stream()
    sent = len(wire.written)
    for _ in range(3):
        conn.stream_buffers[stream.stream_id].extend(b"tiny")
        stream.recv_window -= 4
        await stream.read(100)
    assert len(wire.written) == sent + 3


async def test_a_peer_that_ignores_its_window_is_only_warned_about(stock, eventually):  # muxing.py
    async with stock() as a, stock() as b:
        a.set_stream_handler(ECHO, deaf)
        await b.connect(info(a))
        stream = (await b.new_stream(a.get_id(), [ECHO])).muxed_stream
        there = a.get_network().get_connections()[0].muxed_conn
        for _ in range(3):
            stream.send_window = 16 * 1024 * 1024
            await stream.write(bytes(16 * 1024 * 1024))
        await eventually(lambda: sum(map(len, there.stream_buffers.values())) >= 48 * 1024 * 1024)
        assert not there.is_closed


async def test_the_yamux_we_ask_for_is_not_the_one_we_get(stock):  # muxing.py
    from libp2p import new_host
    from libp2p.custom_types import TProtocol

    class Ours(yamux.Yamux):
        pass

    async with stock() as a:
        host = new_host(muxer_opt={TProtocol(yamux.PROTOCOL_ID): Ours})
        async with host.run([]):
            await host.connect(info(a))
            assert type(host.get_network().get_connections()[0].muxed_conn) is yamux.Yamux
            await host.close()


async def test_a_peer_that_never_answers_is_never_noticed(autojump_clock):  # heartbeat.py
    conn = yamux.Yamux(Wire(), None, is_initiator=True)
    with trio.move_on_after(600):
        await conn._measure_rtt_loop()
    assert not conn.event_shutting_down.is_set()


async def test_reading_gives_up_after_a_hundred_small_pieces(autojump_clock):  # carrier.py
    class Trickle:
        async def read(self, n=None):
            return b"x"

    with pytest.raises(IncompleteReadError):
        await read_exactly(Trickle(), 500)


async def test_a_websocket_has_no_remote_address_and_is_kept_for_ever(stock):  # carrier.py, transports.py
    async with stock(("/ip4/127.0.0.1/tcp/0/ws",)) as a, stock(("/ip4/127.0.0.1/tcp/0/ws",)) as b:
        await b.connect(info(a))
        conn = b.get_network().get_connections()[0]
        assert conn.muxed_conn.get_remote_address() is None
        await b.disconnect(a.get_id())
        transports = b.get_network().transport_manager.get_transports()
        assert any(getattr(transport, "_connections", None) for transport in transports)


async def test_an_ipv6_connection_has_no_remote_address():  # carrier.py
    from libp2p.io.trio import TrioTCPStream

    class Socket:
        def getpeername(self):
            return ("::1", 4001, 0, 0)

    class Inner:
        socket = Socket()

    assert TrioTCPStream(Inner()).get_remote_address() is None


def leaves(error):
    """The exceptions inside nested groups."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in leaves(inner)]


async def test_one_stream_in_invalid_utf8_ends_the_whole_swarm(stock):  # swarm.py
    async def talk():
        async with stock() as a, stock() as b:
            await b.connect(info(a))
            raw = await b.get_network().get_connections()[0].new_stream()
            await raw.write(b"\x13/multistream/1.0.0\n" + b"\x03\xff\xfe\n")
            await trio.sleep(5)  # cancelled long before, by the end of the swarm

    with pytest.raises(BaseExceptionGroup) as caught:
        await talk()
    assert any(isinstance(leaf, UnicodeDecodeError) for leaf in leaves(caught.value))


async def test_a_peer_that_comes_back_changed_is_not_asked_again(stock, eventually):  # departed.py
    async with stock() as a, stock() as b:
        store, peer = b.get_peerstore(), a.get_id()
        await b.connect(info(a))
        await eventually(lambda: peer in store.peer_ids() and store.get_protocols(peer))
        await b.disconnect(peer)
        a.set_stream_handler(ECHO, echo)
        await b.connect(info(a))
        await trio.sleep(0.3)  # identify takes a few milliseconds when it runs
        assert ECHO not in store.get_protocols(peer)


async def test_hosts_tell_others_to_dial_0_0_0_0(stock):  # host.py
    async with stock(("/ip4/0.0.0.0/tcp/0",)) as a:
        assert all("/0.0.0.0/" in str(address) for address in a.get_addrs())


async def test_plaintext_is_offered_by_default(stock):  # host.py
    async with stock() as a:
        offered = a.get_network().upgrader.security_multistream.transports
        assert "/plaintext/2.0.0" in offered


async def test_two_hosts_share_one_port_without_a_word(stock):  # the profile's lock; said in network.py
    async with stock() as a, stock((str(plain(a)),)) as b:
        assert plain(a) == plain(b)


def test_connections_log_through_the_root_logger():  # logs.py
    fresh = importlib.util.spec_from_file_location("fresh_swarm_connection", swarm_connection.__file__)
    module = importlib.util.module_from_spec(fresh)
    fresh.loader.exec_module(module)
    assert module.logging is logging


class PingStream:
    """An inbound stream of pings on which nothing comes."""

    def __init__(self, peer):
        self.muxed_conn = SimpleNamespace(peer_id=peer)
        self.was_reset = False

    async def read(self, n=None):
        await trio.sleep_forever()

    async def reset(self):
        self.was_reset = True


async def test_a_third_stream_of_pings_is_refused_and_who_pinged_is_remembered_for_ever():  # heartbeat.py
    service, peer = PingService(None), ID.from_string(Identity.generate().peer_id)
    streams = [PingStream(peer) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        for stream in streams:
            nursery.start_soon(service.handle_ping, stream)
            await trio.testing.wait_all_tasks_blocked()
        assert [stream.was_reset for stream in streams] == [False, False, True]
        nursery.cancel_scope.cancel()
    assert peer in service._inbound_streams


class Unanswered:
    """The far end of a negotiation, before its first answer has come."""

    def __init__(self):
        self.heard = []

    async def write(self, msg_str):
        self.heard.append(msg_str)

    async def read(self):
        await trio.sleep_forever()


async def test_a_client_names_no_protocol_before_its_greeting_is_answered(autojump_clock):  # multistream.py
    other = Unanswered()
    with trio.move_on_after(1):
        await MultiselectClient().select_one_of([ECHO], other)
    assert other.heard == ["/multistream/1.0.0"]
