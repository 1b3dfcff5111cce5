"""Frames and Circuit Relay v2 messages: what goes in comes out, and bytes from strangers only ever raise our error."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.identity import Identity
from whatnext.net.circuit_messages import (
    Call,
    CircuitLimit,
    Connect,
    HopAnswer,
    Reservation,
    Reserve,
    Status,
    decode_call,
    decode_call_answer,
    decode_hop_answer,
    decode_hop_request,
    encode_call,
    encode_call_answer,
    encode_connect,
    encode_hop_answer,
    encode_reserve,
)
from whatnext.net.framing import framed, read_message

PEER = Identity.generate().peer_id
DECODERS = (decode_hop_request, decode_hop_answer, decode_call, decode_call_answer)
limits = st.none() | st.builds(CircuitLimit, st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
reservations = st.none() | st.builds(
    Reservation,
    st.integers(0, 2**63),
    st.lists(st.sampled_from([f"/ip4/192.0.2.1/tcp/1/p2p/{PEER}", "/dns4/a.example/tcp/2/ws"])).map(tuple),
    st.binary(max_size=50),
)


class Pieces:
    """A stream that hands out what it has, at most `size` bytes at a time."""

    def __init__(self, data, size=1 << 16):
        self.data, self.size = data, size

    async def receive_some(self, max_bytes):
        taken, self.data = self.data[: min(max_bytes, self.size)], self.data[min(max_bytes, self.size) :]
        return taken


@pytest.mark.parametrize("size", [0, 1, 127, 128, 300, 16384])
async def test_a_message_is_read_whole_and_nothing_after_it(size):
    message = bytes(range(256)) * 64
    stream = Pieces(framed(message[:size]) + b"next", size=100)
    assert await read_message(stream, 1 << 20) == message[:size]
    assert stream.data == b"next"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (framed(b"x" * 101), "at most 100"),
        (b"\xff" * 20, "does not begin with its length"),
        (b"\x81\x00x", "longer than it need be"),
    ],
)
async def test_a_length_that_is_none_is_a_violation(data, error):
    with pytest.raises(ProtocolViolation, match=error):
        await read_message(Pieces(data), 100)


@pytest.mark.parametrize("data", [b"", b"\x85", framed(b"whole")[:-1]])
async def test_a_stream_that_ends_early_is_lost(data):
    with pytest.raises(ConnectionLost):
        await read_message(Pieces(data), 100)


@given(st.sampled_from(list(Status)), reservations, limits)
def test_an_answer_comes_out_as_it_went_in(status, reservation, limit):
    answer = HopAnswer(status, reservation, limit)
    assert decode_hop_answer(encode_hop_answer(answer)) == answer


@given(limits)
def test_requests_and_calls_come_out_as_they_went_in(limit):
    assert decode_hop_request(encode_reserve()) == Reserve()
    assert decode_hop_request(encode_connect(PEER)) == Connect(PEER)
    assert decode_call(encode_call(Call(PEER, limit))) == Call(PEER, limit)
    assert decode_call_answer(encode_call_answer(Status.CONNECTION_FAILED)) == 203


def test_whom_a_reserve_message_names_does_not_matter():
    forged = pb.HopMessage(
        type=pb.HopMessage.RESERVE, peer=pb.PeerId(id=b"somebody else")
    ).SerializeToString()
    assert decode_hop_request(forged) == Reserve()


@pytest.mark.parametrize(
    ("decode", "message"),
    [
        (decode_hop_request, pb.HopMessage(type=pb.HopMessage.STATUS)),
        (decode_hop_request, pb.HopMessage(type=pb.HopMessage.CONNECT)),
        (decode_hop_request, pb.HopMessage(type=pb.HopMessage.CONNECT, peer=pb.PeerId(id=b"x" * 65))),
        (decode_hop_request, pb.HopMessage()),
        (decode_hop_answer, pb.HopMessage(type=pb.HopMessage.RESERVE)),
        (decode_call, pb.StopMessage(type=pb.StopMessage.STATUS)),
        (decode_call, pb.StopMessage(type=pb.StopMessage.CONNECT)),
        (decode_call_answer, pb.StopMessage(type=pb.StopMessage.CONNECT)),
    ],
)
def test_a_message_out_of_place_is_a_violation(decode, message):
    with pytest.raises(ProtocolViolation):
        decode(message.SerializeToString())


def test_addresses_of_kinds_we_do_not_know_are_left_out():
    message = pb.HopMessage(type=pb.HopMessage.STATUS, status=pb.OK)
    message.reservation.addrs.extend([b"\xff\xff\xff", b"\x04\x7f\x00\x00\x01\x06\x10\x01", b""])
    answer = decode_hop_answer(message.SerializeToString())
    assert "/ip4/127.0.0.1/tcp/4097" in answer.reservation.addresses


seeds = st.sampled_from(
    [
        encode_reserve(),
        encode_connect(PEER),
        encode_call(Call(PEER, CircuitLimit(1, 2))),
        encode_call_answer(100),
        encode_hop_answer(
            HopAnswer(100, Reservation(9, (f"/ip4/192.0.2.1/tcp/1/p2p/{PEER}",), b"v"), CircuitLimit(1, 2))
        ),
    ]
)


@given(
    seeds, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6), st.binary(max_size=80)
)
def test_bytes_from_a_stranger_decode_or_are_a_violation(seed, changes, noise):
    mutated = bytearray(seed)
    for at, byte in changes:
        mutated[at % len(mutated)] = byte
    for data in (bytes(mutated), noise, bytes(mutated) + noise):
        for decode in DECODERS:
            with contextlib.suppress(ProtocolViolation):
                decode(data)
