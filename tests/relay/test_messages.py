"""The relay's messages: as the specification has them, and bytes from strangers only ever raise our error."""

import contextlib

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb

from whatnext.errors import ProtocolViolation
from whatnext.identity import Identity
from whatnext.relay.circuits import CircuitLimit, Status
from whatnext.relay.messages import (
    Connect,
    Granted,
    Reserve,
    decode_call_answer,
    decode_request,
    encode_call,
    encode_granted,
    encode_status,
)

PEER = Identity.generate().peer_id
RAW = base58.b58decode(PEER)
limits = st.builds(CircuitLimit, st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))


def hop(**fields):
    return pb.HopMessage(**fields).SerializeToString()


def stop(**fields):
    return pb.StopMessage(**fields).SerializeToString()


def test_the_statuses_are_those_of_the_specification():
    assert {"UNUSED": 0} | {status.name: int(status) for status in Status} == dict(pb.Status.items())


def test_requests_are_read():
    assert decode_request(hop(type=pb.HopMessage.RESERVE)) == Reserve()
    assert decode_request(hop(type=pb.HopMessage.CONNECT, peer=pb.PeerId(id=RAW))) == Connect(PEER)


def test_whom_a_reserve_message_names_does_not_matter():
    assert decode_request(hop(type=pb.HopMessage.RESERVE, peer=pb.PeerId(id=b"somebody else"))) == Reserve()


@given(st.sampled_from(list(Status)), st.none() | limits)
def test_a_status_carries_its_limit(status, limit):
    message = pb.HopMessage.FromString(encode_status(status, limit))
    assert (message.type, message.status) == (pb.HopMessage.STATUS, status)
    assert message.HasField("limit") == (limit is not None)
    assert limit is None or (message.limit.duration, message.limit.data) == (limit.duration_s, limit.bytes)


@given(st.integers(0, 2**63), st.binary(max_size=300), limits)
def test_a_reservation_carries_expiry_addresses_voucher_and_limit(expires, voucher, limit):
    addresses = (f"/ip4/192.0.2.1/tcp/4001/p2p/{PEER}", f"/dns4/relay.example/tcp/4002/ws/p2p/{PEER}")
    message = pb.HopMessage.FromString(encode_granted(Granted(expires, addresses, voucher), limit))
    assert message.status == pb.OK
    assert (message.reservation.expire, message.reservation.voucher) == (expires, voucher)
    assert len(message.reservation.addrs) == 2
    assert (message.limit.duration, message.limit.data) == (limit.duration_s, limit.bytes)


@given(limits)
def test_a_call_names_who_calls(limit):
    message = pb.StopMessage.FromString(encode_call(PEER, limit))
    assert (message.type, message.peer.id) == (pb.StopMessage.CONNECT, RAW)
    assert (message.limit.duration, message.limit.data) == (limit.duration_s, limit.bytes)


def test_the_answer_to_a_call_is_its_status():
    assert decode_call_answer(stop(type=pb.StopMessage.STATUS, status=pb.CONNECTION_FAILED)) == 203


@pytest.mark.parametrize(
    ("decode", "data"),
    [
        (decode_request, hop(type=pb.HopMessage.STATUS)),
        (decode_request, hop(type=pb.HopMessage.CONNECT)),
        (decode_request, hop(type=pb.HopMessage.CONNECT, peer=pb.PeerId(id=b"x" * 65))),
        (decode_request, b""),
        (decode_request, b"\xff"),
        (decode_call_answer, stop(type=pb.StopMessage.CONNECT)),
        (decode_call_answer, b""),
    ],
)
def test_a_message_out_of_place_is_a_violation(decode, data):
    with pytest.raises(ProtocolViolation):
        decode(data)


seeds = st.sampled_from(
    [
        hop(type=pb.HopMessage.RESERVE),
        hop(type=pb.HopMessage.CONNECT, peer=pb.PeerId(id=RAW, addrs=[b"\x04\x7f\x00\x00\x01"])),
        stop(type=pb.StopMessage.STATUS, status=pb.OK, limit=pb.Limit(duration=1, data=2)),
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
        for decode in (decode_request, decode_call_answer):
            with contextlib.suppress(ProtocolViolation):
                decode(data)
