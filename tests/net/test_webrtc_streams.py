"""WebRTC's frames and windows, without a network."""

from types import SimpleNamespace

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from libp2p.stream_muxer.exceptions import MuxedStreamError
from libp2p.transport.webrtc.pb.webrtc_pb2 import Message
from libp2p.transport.webrtc.stream import _decode_frames, _frame

from whatnext.net.inbox import WINDOW
from whatnext.net.webrtc_streams import FOREIGN_AHEAD, Frame, SafeWebRtcStream, decode, encode

FRAMES = st.builds(
    Frame,
    payload=st.binary(max_size=300),
    flag=st.none() | st.integers(0, 3),
    allowed=st.none() | st.integers(0, 2**40),
)


class Below:
    """A connection that only remembers what was sent."""

    def __init__(self):
        self.sent = bytearray()
        self.gone = []
        self.holds = True

    def post(self, channel_id, frame):
        self.sent += frame

    async def send(self, channel_id, frames):
        await trio.lowlevel.checkpoint()
        self.sent += b"".join(frames)

    async def queue_has_room(self, channel_id):
        await trio.lowlevel.checkpoint()

    def can_hold(self, count):
        return self.holds

    def let_go(self, channel_id):
        self.gone.append(channel_id)

    def told(self):
        frames, self.sent = decode(self.sent), bytearray()
        return frames


@pytest.fixture
def below():
    return Below()


@pytest.fixture
def stream(below):
    made = SafeWebRtcStream(below, 3, is_initiator=False)
    made.adopt()
    return made


@given(st.lists(FRAMES, max_size=8), st.integers(1, 64))
def test_frames_come_out_as_they_went_in_however_they_are_cut(frames, step):
    wire, buffer, got = b"".join(map(encode, frames)), bytearray(), []
    for at in range(0, len(wire), step):
        buffer += wire[at : at + step]
        got += decode(buffer)
    assert got == frames
    assert not buffer


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_refused(noise):
    try:
        decode(bytearray(noise))
    except ValueError:
        return


@given(FRAMES)
def test_peers_of_other_kinds_read_our_frames_without_the_window(frame):
    """Protobuf skips fields it does not know; stock py-libp2p stands for the others."""
    (message,) = _decode_frames(bytearray(encode(frame)))
    assert bytes(message.message) == frame.payload
    assert (message.flag if message.HasField("flag") else None) == frame.flag


def test_frames_of_other_kinds_are_read():
    assert decode(bytearray(_frame(Message(message=b"hi", flag=Message.FIN)))) == [Frame(b"hi", Message.FIN)]


async def test_a_writer_stops_at_the_window_and_goes_on_when_it_moves(stream, below):
    stream.on_data(encode(Frame(allowed=100)))
    written = []

    async def writing():
        await stream.write(bytes(250))
        written.append("all")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(writing)
        for allowed in (100, 200):
            await trio.testing.wait_all_tasks_blocked()
            assert sum(len(frame.payload) for frame in below.told()) == 100
            assert written == []
            stream.on_data(encode(Frame(allowed=allowed + 100)))
    assert written == ["all"]


async def test_an_old_word_about_the_window_takes_nothing_back(stream, below):
    stream.on_data(encode(Frame(allowed=100)) + encode(Frame(allowed=50)))
    await stream.write(bytes(100))
    assert sum(len(frame.payload) for frame in below.told()) == 100


async def test_a_window_that_never_moves_costs_the_write_after_the_set_time(stream, autojump_clock):
    stream.on_data(encode(Frame(allowed=1)))
    stream.stall_s = 7
    with pytest.raises(MuxedStreamError, match="has not read for 7 s"):
        await stream.write(b"two")
    assert trio.current_time() >= 7


async def test_the_peer_may_send_on_after_half_a_window_was_read(stream, below):
    stream.on_data(encode(Frame(bytes(16_000))) * 60)
    await stream.receive_some(WINDOW // 2 - 1)
    assert below.told() == []
    await stream.receive_some(1)
    assert below.told() == [Frame(allowed=WINDOW + WINDOW // 2)]


async def test_a_peer_that_knows_no_window_loses_the_stream_and_never_a_part_of_it(stream, below):
    for _ in range(FOREIGN_AHEAD // 16_000 + 1):
        stream.on_data(encode(Frame(bytes(16_000))))
    whole = FOREIGN_AHEAD // 16_000 * 16_000
    assert len(await stream.receive_some(2 * whole)) == whole
    with pytest.raises(MuxedStreamError, match="more than this node buffers"):
        await stream.receive_some(1)
    assert Frame(flag=Message.RESET) in below.told()
    assert below.gone == [3]


async def test_a_connection_that_holds_too_much_unread_gives_the_stream_up(stream, below):
    below.holds = False
    stream.on_data(encode(Frame(b"x")))
    with pytest.raises(MuxedStreamError, match="more than this node buffers"):
        await stream.receive_some(1)


async def test_bytes_that_are_no_frame_lose_the_stream(stream, below):
    stream.on_data(encode(Frame(b"ok")) + b"\xff\xff\xff\xff\xff\xff")
    with pytest.raises(MuxedStreamError, match="no frame"):
        await stream.receive_some(1)
    assert below.told() == [Frame(flag=Message.RESET)]


@pytest.mark.parametrize("we_first", [True, False])
async def test_a_stream_that_both_sides_finished_is_let_go(stream, below, we_first):
    if we_first:
        await stream.close()
    stream.on_data(encode(Frame(b"bye", Message.FIN)))
    await stream.close()
    assert below.gone == []
    stream.on_data(encode(Frame(flag=Message.FIN_ACK)))
    assert below.gone == [3]
    assert await stream.receive_some(9) == b"bye"
    assert await stream.receive_some(9) == b""
    assert sorted(frame.flag for frame in below.told()) == [Message.FIN, Message.FIN_ACK]


async def test_after_a_peer_stops_reading_a_write_fails_and_reading_goes_on(stream):
    stream.on_data(encode(Frame(flag=Message.STOP_SENDING)) + encode(Frame(b"still")))
    with pytest.raises(MuxedStreamError, match="closed for sending"):
        await stream.write(b"x")
    assert await stream.receive_some(9) == b"still"


@pytest.mark.parametrize(("role", "expected"), [("client", [2, 4, 8, 2, 4]), ("server", [1, 3, 7, 9, 1])])
def test_numbers_of_channels_go_round_and_leave_out_those_in_use(role, expected):
    sctp = SimpleNamespace(transport=SimpleNamespace(_role=role), maxChannels=10, _data_channels={5, 6})
    connection = SimpleNamespace(_pc=SimpleNamespace(sctp=sctp), _last_id=0)
    webrtc_connections = pytest.importorskip(
        "whatnext.net.webrtc_connections", reason="the extra webrtc is not installed"
    )
    free = webrtc_connections.SafeWebRtcConnection._free_id
    assert [free(connection) for _ in expected] == expected
