"""Addresses in messages: read as far as they are known here, whatever else stands among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.net.packed_addresses import packed, unpacked

ADDRESSES = [
    "/ip4/192.0.2.1/tcp/4001",
    "/ip6/2001:db8::1/udp/4001/quic-v1",
    "/dns4/relay.example/tcp/443/wss",
]


def test_what_was_packed_is_read_again():
    assert unpacked(map(packed, ADDRESSES)) == ADDRESSES


def test_what_is_unknown_or_empty_is_left_out_and_the_rest_is_read():
    newer = b"\xff\xff\x7f" + b"rubbish"
    assert unpacked([b"", packed(ADDRESSES[0]), newer, packed(ADDRESSES[1])]) == ADDRESSES[:2]


def test_what_is_no_address_cannot_be_packed():
    with pytest.raises(ValueError, match=r"192\.0\.2\.1:4001"):
        packed("192.0.2.1:4001")


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_read_without_an_error(raw):
    assert len(unpacked(raw)) <= len(raw)
