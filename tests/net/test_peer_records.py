"""Signed peer records and the wire format beneath them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.peer.envelope import consume_envelope

from whatnext.errors import ProtocolViolation
from whatnext.identity import Identity
from whatnext.net.peer_records import MAX_BYTES, seal, unseal, worth_telling
from whatnext.net.protobuf import Message, number, octets

ANN, BEN = Identity(bytes(32)), Identity(bytes([1]) * 32)
ADDRESSES = ["/ip4/192.0.2.1/tcp/4001", "/ip6/2001:db8::1/tcp/4001/ws"]
RECORD = seal(ANN.peer_id, ANN.sign, ADDRESSES, 7)


def test_a_record_says_where_its_peer_is():
    assert unseal(RECORD.sealed) == RECORD
    assert (RECORD.peer, RECORD.addresses, RECORD.seq) == (ANN.peer_id, tuple(ADDRESSES), 7)


def test_py_libp2p_reads_what_we_sign():
    _, record = consume_envelope(RECORD.sealed, "libp2p-peer-record")
    assert (str(record.peer_id), [str(a) for a in record.addrs], record.seq) == (ANN.peer_id, ADDRESSES, 7)


def test_nobody_signs_for_another_peer():
    forged = seal(ANN.peer_id, BEN.sign, ADDRESSES, 8)
    with pytest.raises(ProtocolViolation, match="not signed by it"):
        unseal(forged.sealed)
    own = seal(BEN.peer_id, BEN.sign, ADDRESSES, 8)
    renamed = Message(own.sealed).octets(3).replace(Message(Message(own.sealed).octets(3)).octets(1), b"x")
    with pytest.raises(ProtocolViolation):
        unseal(octets(1, Message(own.sealed).octets(1)) + octets(3, renamed))


def test_the_key_in_the_envelope_must_be_the_one_in_the_peerid():
    payload = Message(RECORD.sealed).octets(3)
    public = number(1, 1) + octets(2, BEN.public_key)
    unsigned = b"".join(bytes([len(part)]) + part for part in (b"libp2p-peer-record", b"\x03\x01", payload))
    sealed = octets(1, public) + octets(2, b"\x03\x01") + octets(3, payload) + octets(5, BEN.sign(unsigned))
    with pytest.raises(ProtocolViolation, match="not made with its key"):
        unseal(sealed)


@given(st.integers(0, len(RECORD.sealed) - 1), st.integers(1, 255))
def test_no_byte_of_a_record_can_be_changed(at, change):
    altered = bytearray(RECORD.sealed)
    altered[at] ^= change
    try:
        found = unseal(bytes(altered))
    except ProtocolViolation:
        return
    assert (found.peer, found.seq, found.addresses) == (RECORD.peer, RECORD.seq, RECORD.addresses)


@given(st.binary(max_size=300))
def test_rubbish_is_no_record(rubbish):
    with pytest.raises(ProtocolViolation):
        unseal(rubbish)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_addresses_of_unknown_kinds_are_left_out(rubbish):
    payload = octets(1, Message(Message(RECORD.sealed).octets(3)).octets(1)) + number(2, 9)
    payload += b"".join(octets(3, octets(1, each)) for each in rubbish)
    unsigned = b"".join([b"\x12libp2p-peer-record\x02\x03\x01", _length(payload), payload])
    public = number(1, 1) + octets(2, ANN.public_key)
    sealed = octets(1, public) + octets(2, b"\x03\x01") + octets(3, payload) + octets(5, ANN.sign(unsigned))
    assert all(address.startswith("/") for address in unseal(sealed).addresses)


def _length(payload):
    return octets(1, payload)[1 : -len(payload)]


def test_a_record_that_is_too_long_is_refused_unread():
    with pytest.raises(ProtocolViolation, match="4,097 bytes"):
        unseal(bytes(MAX_BYTES + 1))


def test_loopback_is_told_only_when_there_is_nothing_else():
    assert worth_telling(["/ip4/127.0.0.1/tcp/1"]) == ["/ip4/127.0.0.1/tcp/1"]
    assert worth_telling(["/ip4/127.0.0.1/tcp/1", *ADDRESSES]) == ADDRESSES
    by_relay = ["/ip4/127.0.0.1/tcp/1", f"/ip4/192.0.2.9/tcp/1/p2p/{BEN.peer_id}/p2p-circuit"]
    assert worth_telling(by_relay) == by_relay


@given(st.lists(st.tuples(st.integers(1, 2**28), st.integers(0, 2**64 - 1) | st.binary(max_size=50))))
def test_fields_come_back_as_they_were_written(written):
    data = b"".join(number(f, v) if isinstance(v, int) else octets(f, v) for f, v in written)
    message, last = Message(data), dict(written)
    for field, value in last.items():
        try:
            assert (message.number(field) if isinstance(value, int) else message.octets(field)) == value
        except ProtocolViolation:
            assert {type(v) for f, v in written if f == field} == {int, bytes}


@pytest.mark.parametrize(
    "broken", [b"\x08", b"\x0a\x05abc", b"\x0b\x00", b"\x08" + b"\xff" * 11, b"\x09\x00", b"\x0d\x00"]
)
def test_a_broken_message_is_refused(broken):
    with pytest.raises(ProtocolViolation):
        Message(broken)


def test_a_field_of_another_type_is_refused():
    with pytest.raises(ProtocolViolation):
        Message(number(1, 5)).octets(1)
    with pytest.raises(ProtocolViolation):
        Message(octets(1, b"x")).number(1)
    with pytest.raises(ProtocolViolation):
        Message(octets(1, b"\xff")).text(1)
