import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.errors import ProtocolViolation
from whatnext.rxdb import limits
from whatnext.rxdb.framing import Unframer, frame

MESSAGES = st.lists(st.binary(min_size=1, max_size=5000).map(lambda raw: b"{" + raw), max_size=6)


@given(MESSAGES, st.booleans(), st.integers(1, 4000))
def test_messages_come_out_as_they_went_in_however_the_stream_cuts_them(messages, packs, step):
    stream = b"".join(frame(message, packs=packs) for message in messages)
    unframer = Unframer()
    found = [m for at in range(0, len(stream), step) for m in unframer.feed(stream[at : at + step])]
    assert found == messages


def test_long_messages_are_packed_only_where_the_client_can_unpack_them():
    message = b"{" + b"a" * 5000
    assert len(frame(message, packs=True)) < 200
    assert len(frame(message, packs=False)) > 5000
    assert frame(b"{}", packs=True) == b"\x02{}"


@given(st.binary(max_size=300))
def test_any_bytes_are_messages_or_a_violation(data):
    try:
        for message in Unframer().feed(data):
            assert message
    except ProtocolViolation:
        pass


def test_a_length_past_the_limit_is_refused_before_anything_is_kept():
    with pytest.raises(ProtocolViolation, match="longer"):
        list(Unframer().feed(b"\xff\xff\xff\xff\x01"))


def test_a_packed_message_that_grows_past_the_limit_ends_there():
    bomb = zlib.compress(bytes(limits.MAX_MESSAGE_BYTES * 4))
    with pytest.raises(ProtocolViolation, match="more than"):
        list(Unframer().feed(frame(bomb, packs=False)))


@pytest.mark.parametrize("payload", [b"\x78", b"\x78\x9cnonsense", zlib.compress(b"{}" * 99)[:-3]])
def test_a_damaged_packed_message_is_refused(payload):
    with pytest.raises(ProtocolViolation, match="packed"):
        list(Unframer().feed(frame(payload, packs=False)))
