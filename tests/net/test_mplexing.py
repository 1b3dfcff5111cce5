"""mplex: with a stock peer that has nothing else, and with peers that misbehave."""

from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from libp2p import new_host
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from libp2p.stream_muxer.mplex.constants import HeaderTags
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex
from libp2p.utils import encode_uvarint
from multiaddr import Multiaddr

from whatnext.net.inbox import MAX_UNREAD, WINDOW
from whatnext.net.mplexing import PATIENCE, SafeMplex

ECHO = "/test/echo/1.0.0"


class Wire:
    """A secured connection made of bytes: what the peer sends is fed, what we send is kept."""

    is_initiator = True

    def __init__(self):
        self.sent = bytearray()
        self.feed, self._coming = trio.open_memory_channel(10_000)
        self._left = bytearray()

    async def write(self, data):
        self.sent += data[:3]
        await trio.lowlevel.checkpoint()
        self.sent += data[3:]

    async def read(self, n):
        while len(self._left) < n:
            try:
                self._left += await self._coming.receive()
            except (trio.EndOfChannel, trio.ClosedResourceError):
                break
        taken = bytes(self._left[:n])
        del self._left[:n]
        return taken

    async def close(self):
        self.feed.close()


def frame(tag, data=b"", channel=0):
    return encode_uvarint(channel << 3 | tag.value) + encode_uvarint(len(data)) + data


def arrived(data=b"", channel=0):
    return frame(HeaderTags.MessageInitiator, data, channel)


@asynccontextmanager
async def muxer():
    wire = Wire()
    made = SafeMplex(wire, None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.start)
        await made.event_started.wait()
        yield made, wire
        await made.close()


@asynccontextmanager
async def incoming():
    async with muxer() as (made, wire):
        wire.feed.send_nowait(frame(HeaderTags.NewStream, b"0"))
        yield made, wire, await made.accept_stream()


@pytest.fixture
def only_mplex():
    """`async with only_mplex() as host:` — a stock host without yamux, echoing."""

    @asynccontextmanager
    async def make():
        async def echo(stream):
            try:
                while data := await stream.read(65536):
                    await stream.write(data)
            except StreamEOF:
                await stream.close()

        address = Multiaddr("/ip4/127.0.0.1/tcp/0")
        host = new_host(listen_addrs=[address], muxer_opt={MPLEX_PROTOCOL_ID: Mplex})
        host.set_stream_handler(ECHO, echo)
        async with host.run([address]):
            yield host
            with trio.move_on_after(3):
                await host.close()

    return make


@pytest.mark.real
async def test_a_stock_peer_with_nothing_but_mplex_is_dialled_and_echoes(node, only_mplex):
    data = bytes(range(256)) * 1024
    async with node() as here, only_mplex() as there:
        peer = str(there.get_id())
        await here.dial(peer, [str(address) for address in there.get_addrs()])
        async with await here.open_stream(peer, [ECHO]) as stream:
            got = bytearray()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stream.send_all, data)
                while len(got) < len(data):
                    got += await stream.receive_some()
            assert got == data
            await stream.close()
            assert await stream.receive_some() == b""
        assert await here.ping(peer) < 5


@pytest.mark.real
async def test_a_stock_peer_with_nothing_but_mplex_dials_us(node, echoing, only_mplex, eventually):
    from libp2p.peer.peerinfo import info_from_p2p_addr

    async with node(echoing) as here, only_mplex() as there:
        tcp = next(address for address in here.addresses() if "/ws" not in address)
        with trio.fail_after(10):
            await there.connect(info_from_p2p_addr(Multiaddr(tcp)))
            stream = await there.new_stream(here.host.get_id(), [ECHO])
            await stream.write(b"hello")
            assert await stream.read(5) == b"hello"
        (link,) = here._connections.all()
        assert isinstance(link.conn.muxed_conn, SafeMplex)


async def test_a_reader_a_mebibyte_behind_holds_the_connection_up_for_a_while_only(autojump_clock):
    async with incoming() as (made, wire, slow):
        wire.feed.send_nowait(frame(HeaderTags.NewStream, b"1", 1))
        quick = await made.accept_stream()
        for _ in range(WINDOW // 32768 + 1):
            wire.feed.send_nowait(arrived(bytes(32768)))
        wire.feed.send_nowait(arrived(b"hello", 1))
        began = trio.current_time()
        assert await quick.receive_some(9) == b"hello"
        assert trio.current_time() - began == PATIENCE
        assert len(await slow.receive_some(2 * WINDOW)) == WINDOW
        with pytest.raises(MuxedStreamError, match="reset"):
            await slow.receive_some(1)
        assert wire.sent == frame(HeaderTags.ResetReceiver)


async def test_a_connection_that_holds_too_much_unread_gives_streams_up_and_lives_on(autojump_clock):
    async with muxer() as (made, wire):
        full = MAX_UNREAD // WINDOW
        for number in range(full + 1):
            wire.feed.send_nowait(frame(HeaderTags.NewStream, b"", number))
        streams = [await made.accept_stream() for _ in range(full + 1)]
        for number in range(full + 1):
            for _ in range(WINDOW // 32768 - 1):
                wire.feed.send_nowait(arrived(bytes(32768), number))
        await trio.testing.wait_all_tasks_blocked()
        assert made.unread() <= MAX_UNREAD
        assert [stream.inbox.lost for stream in streams].count("reset by this node") == 1
        assert not made.event_shutting_down.is_set()


async def test_a_reader_that_catches_up_in_time_loses_nothing(autojump_clock):
    async with incoming() as (_, wire, stream), trio.open_nursery() as nursery:
        total = 3 * WINDOW
        for _ in range(total // 32768):
            wire.feed.send_nowait(arrived(bytes(32768)))
        wire.feed.send_nowait(frame(HeaderTags.CloseInitiator))
        got = []

        async def reading():
            while data := await stream.receive_some(1 << 20):
                await trio.sleep(PATIENCE / 2)
                got.append(len(data))

        nursery.start_soon(reading)
        await trio.sleep(60)
        assert sum(got) == total


async def test_a_cancelled_write_leaves_no_half_frame():
    async with incoming() as (_, wire, stream):
        with trio.CancelScope() as scope:
            wire_write = wire.write

            async def write(data):
                scope.cancel()
                await wire_write(data)

            wire.write = write
            await stream.write(b"hello")
        assert wire.sent == frame(HeaderTags.MessageReceiver, b"hello")


async def test_a_lost_connection_is_a_loss_to_who_reads_and_to_who_writes():
    async with incoming() as (made, wire, stream):
        wire.feed.send_nowait(arrived(b"half a mess"))
        assert await stream.receive_some(99) == b"half a mess"
        wire.feed.close()
        with pytest.raises(MuxedStreamError, match="connection was lost"):
            await stream.receive_some(99)
        with pytest.raises(MuxedStreamError):
            await stream.write(b"x")
        with pytest.raises(MuxedConnUnavailable):
            await made.open_stream()


async def test_streams_that_are_over_leave_the_table_and_late_frames_are_ignored():
    async with incoming() as (made, wire, stream):
        wire.feed.send_nowait(frame(HeaderTags.CloseInitiator))
        assert await stream.receive_some(1) == b""
        await stream.close()
        assert made._table == {}
        wire.feed.send_nowait(arrived(b"late"))
        wire.feed.send_nowait(frame(HeaderTags.NewStream, b"2", 2))
        assert (await made.accept_stream()).name == "2"


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_end_the_connection_or_are_frames(pieces):
    async def run():
        async with muxer() as (made, wire):

            async def accepting():
                with suppress(MuxedConnUnavailable):
                    while True:
                        await made.accept_stream()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(accepting)
                for piece in pieces:
                    if not wire.feed._closed:
                        wire.feed.send_nowait(piece)
                wire.feed.close()
            assert made.is_closed

    trio.run(run)
