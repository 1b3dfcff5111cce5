"""Defects of stock py-libp2p 0.8.1 and aioquic 1.7 in QUIC, WebRTC and mplex, shown to be still there.

A test that FAILS here is good news: take the workaround out (its module is named in the test), run
`tests/net/test_transports.py`, and delete the canary.
"""

import asyncio
from collections import deque
from types import SimpleNamespace

import pytest
import trio
import trio.testing
from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import StreamDataReceived
from aioquic.quic.stream import QuicStream
from libp2p.stream_muxer.exceptions import MuxedStreamEOF
from libp2p.stream_muxer.mplex.constants import BUFFER_SIZE, MPLEX_MESSAGE_CHANNEL_SIZE, HeaderTags
from libp2p.stream_muxer.mplex.datastructures import StreamID
from libp2p.stream_muxer.mplex.mplex import Mplex
from libp2p.transport.quic.config import QUICTransportConfig
from libp2p.transport.quic.exceptions import QUICStreamTimeoutError
from libp2p.transport.quic.listener import QUICListener
from libp2p.transport.quic.stream import QUICStream, StreamDirection
from libp2p.transport.webrtc._asyncio_bridge import AsyncioBridge
from libp2p.transport.webrtc.connection import WebRTCConnection
from libp2p.transport.webrtc.pb.webrtc_pb2 import Message
from libp2p.transport.webrtc.stream import WebRTCStream, _frame

from whatnext.net.quic_transport import SafeQuicListener

MEBIBYTE = 1 << 20


class QuicBelow:
    """A QUIC connection that only remembers what was asked of it."""

    def __init__(self):
        self.asked = []
        self._transport = SimpleNamespace(_config=QUICTransportConfig())
        self._quic = self

    def remote_peer_id(self):
        return None

    def __getattr__(self, name):
        def remember(*args, **settings):
            self.asked.append(name)

        return remember

    async def _transmit(self):
        pass

    def stream_send_buffer_size(self, stream_id):
        return 0


@pytest.fixture
def below():
    return QuicBelow()


@pytest.fixture
def stream(below):
    return QUICStream(below, 0, StreamDirection.INBOUND, ("192.0.2.1", 4001))


async def test_quic_drops_what_does_not_fit_and_goes_on(stream):
    """net/inbox.py, net/quic_streams.py: bounded by the window, or lost with an error."""
    for _ in range(3):
        await stream.handle_data_received(bytes(MEBIBYTE), end_stream=False)
    await stream.handle_data_received(b"", end_stream=True)
    assert len(await stream.read()) == 2 * MEBIBYTE
    with pytest.raises(MuxedStreamEOF):
        await stream.read()


def test_aioquic_widens_the_window_for_what_arrived_though_nobody_read_it():
    """net/quic_windows.py: by what was read."""
    quic, stream = QuicConnection(configuration=QuicConfiguration()), QuicStream(1, max_stream_data_local=100)
    stream.receiver.highest_offset = 60
    quic._write_stream_limits(SimpleNamespace(start_frame=lambda *a, **k: Buffer(capacity=64)), None, stream)
    assert stream.max_stream_data_local == 200


async def test_a_quic_stream_dies_when_its_reader_waits_30_seconds(stream, autojump_clock):
    """net/quic_streams.py: waits as long as the connection lives."""
    with pytest.raises(QUICStreamTimeoutError):
        await stream.read(1)
    assert stream.is_reset()


async def test_a_quic_stream_whose_connection_ended_looks_finished(stream):
    """net/quic_connections.py: lost. Stock closes every stream when the peer closes without an error code."""
    await stream.handle_data_received(b"half a mess", end_stream=False)
    ends = []

    async def reading():
        assert await stream.read() == b"half a mess"
        try:
            await stream.read()
        except MuxedStreamEOF:
            ends.append("the end")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reading)
        await trio.testing.wait_all_tasks_blocked()
        await stream.close()
    assert ends == ["the end"]


async def test_a_quic_stream_finished_by_us_and_then_by_the_peer_stays_in_the_table(stream, below):
    """net/quic_streams.py: leaves it."""
    await stream.close_write()
    await stream.handle_data_received(b"", end_stream=True)
    assert stream.is_closed()
    await stream.close()
    assert "_remove_stream" not in below.asked


async def test_a_quic_stream_given_up_does_not_tell_its_peer_to_stop(stream, below):
    """net/quic_streams.py: STOP_SENDING as well as RESET_STREAM."""
    await stream.reset()
    assert "reset_stream" in below.asked
    assert "stop_stream" not in below.asked


async def test_a_quic_stream_that_its_peer_reset_stays_open_in_our_direction(stream, below):
    """net/quic_streams.py: is over in both, and no longer one of the 128 that the peer may have."""
    await stream.handle_reset(0)
    assert "reset_stream" not in below.asked


@pytest.mark.parametrize(("listener", "left"), [(QUICListener, 0), (SafeQuicListener, 1)])
async def test_what_a_quick_quic_dialler_sends_is_lost_while_it_is_promoted(listener, left, monkeypatch):
    """net/quic_transport.py: stays with the connection."""

    async def promoted(*_):
        pass

    monkeypatch.setattr(listener, "_promote_pending_connection", promoted)
    made = listener(None, None, {}, QUICTransportConfig())
    events = deque([StreamDataReceived(data=b"request", end_stream=False, stream_id=0)])
    quic = SimpleNamespace(
        _events=events, _handshake_complete=True, next_event=lambda: events.popleft() if events else None
    )
    await made._registry.register_pending(b"cid", quic, ("192.0.2.1", 4001), 0)
    await made._process_quic_events(quic, ("192.0.2.1", 4001), b"cid")
    assert len(events) == left


async def test_webrtc_drops_what_does_not_fit_and_goes_on():
    """net/webrtc_streams.py: a window between WhatNext peers, a reset for others."""
    stream = WebRTCStream(SimpleNamespace(), 1, is_initiator=False)
    for _ in range(100):
        stream.on_data(_frame(Message(message=b"x")))
    got = b""
    with trio.move_on_after(0.05):
        while True:
            got += await stream.read()
    assert len(got) == 64


async def test_a_finished_webrtc_stream_stays_in_the_table(autojump_clock):
    """net/webrtc_connections.py: leaves it. After 256 streams stock opens no more."""
    connection = WebRTCConnection(None, SimpleNamespace(is_running=False), is_initiator=False)
    stream = connection.on_datachannel(1)

    async def nowhere(_):
        pass

    stream._send_callback = nowhere
    stream.on_data(_frame(Message(flag=Message.FIN)))
    stream.on_data(_frame(Message(flag=Message.FIN_ACK)))
    await stream.close()
    assert 1 in connection._streams


async def test_waiting_for_asyncio_takes_a_thread_each_until_there_are_none():
    """net/webrtc_bridge.py: waits in trio."""
    threads = int(trio.to_thread.current_default_thread_limiter().total_tokens)
    async with AsyncioBridge() as bridge:
        with trio.move_on_after(0.5):
            async with trio.open_nursery() as nursery:
                for _ in range(threads):
                    nursery.start_soon(bridge.run_coro, asyncio.sleep(60))
                await trio.testing.wait_all_tasks_blocked()
                await trio.to_thread.run_sync(lambda: None)
                pytest.fail("a thread was left: the canary's workaround is no longer needed")


async def test_mplex_buffers_eight_kilobytes_and_then_holds_up_the_connection():
    """net/mplexing.py: a mebibyte."""
    assert (BUFFER_SIZE, MPLEX_MESSAGE_CHANNEL_SIZE) == (4096, 1)


async def test_a_cancelled_mplex_write_leaves_half_a_frame():
    """net/mplexing.py: whole frames or none."""
    written = bytearray()

    class Wire:
        is_initiator = True

        async def write(self, data):
            written.extend(data[:3])
            await trio.lowlevel.checkpoint()
            written.extend(data[3:])

    muxer, scope = Mplex(Wire(), None), trio.CancelScope()
    scope.cancel()
    with scope:
        await muxer.send_message(HeaderTags.MessageInitiator, b"hello", StreamID(0, is_initiator=True))
    assert len(written) == 3


async def test_aiortc_dies_of_a_channel_opened_again_before_it_saw_the_last_close():
    """net/webrtc_connections.py: takes the next number, not the lowest."""
    sctp = pytest.importorskip("aiortc.rtcsctptransport", reason="the extra webrtc is not installed")
    association = object.__new__(sctp.RTCSctpTransport)
    association._data_channels = {2: "closing"}
    opening = bytes([sctp.DATA_CHANNEL_OPEN]) + bytes(11)
    with pytest.raises(AssertionError):
        await association._data_channel_receive(2, sctp.WEBRTC_DCEP, opening)
