"""What a stream received and nobody read yet: in order, bounded, and with one clear end."""

from types import SimpleNamespace

import pytest
import trio
import trio.testing
from aioquic.quic.stream import QuicStream
from hypothesis import given
from hypothesis import strategies as st
from libp2p.stream_muxer.exceptions import MuxedStreamEOF, MuxedStreamError
from libp2p.transport.quic.config import QUICTransportConfig
from libp2p.transport.quic.stream import QUICStream, StreamDirection

from whatnext.net.inbox import MAX_UNREAD, WINDOW, Inbox, InboxStream
from whatnext.net.quic_streams import SafeQuicStream
from whatnext.net.quic_windows import ReadStream


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 17)), st.integers(0, 200))
def test_what_fits_is_read_in_order_and_what_does_not_is_refused_whole(pieces, sizes, limit):
    async def run():
        inbox, kept, read = Inbox(limit), b"", b""
        sizes_left = iter(sizes)
        for piece in pieces:
            fits = len(inbox) + len(piece) <= limit
            assert inbox.put(piece) is fits
            kept += piece if fits else b""
            if len(inbox) and (size := next(sizes_left, 0)):
                read += await inbox.receive_some(size)
            assert len(inbox) <= limit
        inbox.finish()
        while part := await inbox.receive_some(9):
            read += part
        assert read == kept

    trio.run(run)


async def test_a_reader_wakes_when_something_comes(autojump_clock):
    inbox, got = Inbox(10), []

    async def reading():
        got.append(await inbox.receive_some(10))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reading)
        await trio.testing.wait_all_tasks_blocked()
        inbox.put(b"news")
    assert got == [b"news"]


async def test_a_lost_stream_gives_what_it_has_and_then_the_reason_every_time():
    inbox = Inbox(10)
    inbox.put(b"rest")
    inbox.lose("the connection was lost")
    inbox.put(b"late")
    assert await inbox.receive_some(10) == b"rest"
    for _ in range(2):
        with pytest.raises(MuxedStreamError, match="the connection was lost"):
            await inbox.receive_some(10)


async def test_the_first_end_is_the_one_that_counts():
    finished, lost = Inbox(10), Inbox(10)
    finished.finish()
    finished.lose("too late")
    lost.lose("reset by the peer")
    lost.finish()
    assert await finished.receive_some(1) == b""
    with pytest.raises(MuxedStreamError, match="reset by the peer"):
        await lost.receive_some(1)


async def test_a_cancelled_read_loses_nothing():
    inbox = Inbox(10)
    with trio.move_on_after(0):
        await inbox.receive_some(1)
    inbox.put(b"ab")
    with trio.CancelScope() as scope:
        scope.cancel()
        await inbox.receive_some(1)
    assert await inbox.receive_some(2) == b"ab"


async def test_the_library_reads_and_writes_such_a_stream_as_its_own():
    class Echoing(InboxStream):
        def __init__(self):
            self.inbox = Inbox(100)

        async def send_some(self, data):
            self.inbox.put(bytes(data[:3]))
            return min(3, len(data))

    stream = Echoing()
    await stream.write(b"in parts")
    assert await stream.read(0) == b""
    assert await stream.read(2) + await stream.read() == b"in parts"
    stream.inbox.finish()
    with pytest.raises(MuxedStreamEOF):
        await stream.read(1)


async def test_a_quic_stream_beyond_its_window_or_its_connections_bound_is_lost():
    class Below(SimpleNamespace):
        held = 0

        def unread(self):
            return self.held

        async def transmit(self):
            pass

    quic = SimpleNamespace(stop_stream=lambda *_: None, reset_stream=lambda *_: None, _streams={})
    below = Below(
        _quic=quic, _transport=SimpleNamespace(_config=QUICTransportConfig()), _signal_activity=list
    )
    below.remote_peer_id, below._remove_stream, below._transmit = (lambda: None), print, below.transmit

    async def received(*pieces):
        stream = QUICStream(below, 0, StreamDirection.INBOUND, ("192.0.2.1", 4001))
        stream.__class__ = SafeQuicStream
        stream.adopt()
        for piece in pieces:
            await stream.handle_data_received(piece, end_stream=False)
        return stream

    whole = await received(bytes(WINDOW - 1), b"x")
    assert (whole.inbox.lost, len(whole.inbox)) == (None, WINDOW)
    assert (await received(bytes(WINDOW), b"x")).inbox.lost == "reset by this node"
    below.held = MAX_UNREAD
    assert (await received(b"first")).inbox.lost is None
    assert (await received(b"first", b"more")).inbox.lost == "reset by this node"


@given(st.lists(st.integers(1, WINDOW)))
def test_a_quic_window_is_never_more_than_what_was_read_and_one_window(reads):
    stream = QuicStream(0, max_stream_data_local=WINDOW)
    stream.__class__ = ReadStream
    stream.max_stream_data_local *= 2  # as aioquic does for what arrived
    assert stream.max_stream_data_local == WINDOW
    total = 0
    for wanted in reads:
        count = min(wanted, stream.max_stream_data_local - total)  # nobody reads what was not allowed
        total += count
        stream.read_of(count)
        assert total + WINDOW // 2 <= stream.max_stream_data_local <= total + WINDOW
