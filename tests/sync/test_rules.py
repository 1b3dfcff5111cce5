"""The small pure rules: frames, interest hashes, conduct, versions, batches."""

import random
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whatnext.errors import ProtocolViolation
from whatnext.rates import TokenBucket
from whatnext.records.ids import LogKey
from whatnext.records.judge import Head
from whatnext.sync import discipline, frames, limits, opens_stream
from whatnext.sync.batches import took
from whatnext.sync.discipline import Discipline, OffenceKind, Verdict
from whatnext.sync.frames import Ack, Bye, FrameReader, Heads, Hello, Interest, Join, Records, Refuse
from whatnext.sync.interest import InterestKey

logs = st.builds(LogKey, st.binary(min_size=32, max_size=32), st.binary(min_size=8, max_size=8))
heads = st.builds(
    Head,
    st.integers(0, 2**53 - 1),
    st.binary(min_size=32, max_size=32),
    st.none() | st.integers(1, 2**53 - 1),
)
record = st.builds(frames.SignedRecord, st.binary(max_size=50), st.binary(min_size=64, max_size=64))
authors = st.dictionaries(logs, heads, max_size=4).map(lambda found: frames.group(found.items()))
playlists = st.binary(min_size=20, max_size=20)
serials = st.integers(0, 127)
short = st.text(max_size=40)
messages = st.one_of(
    st.builds(
        Hello,
        short,
        short,
        st.lists(short, max_size=3),
        st.binary(min_size=16, max_size=16),
        st.integers(0, 2**53),
    ),
    st.builds(Interest, st.lists(st.binary(min_size=16, max_size=16), max_size=5)),
    st.builds(Heads, playlists, authors, st.booleans(), st.booleans()),
    st.builds(Records, serials, st.lists(record, min_size=1, max_size=3)),
    st.builds(Ack, serials, authors, st.just([])),
    st.builds(Join, playlists, record),
    st.builds(Refuse, playlists, short, short, st.none() | serials),
    st.builds(Bye, short, short),
)


@given(st.lists(messages, max_size=6), st.randoms(use_true_random=False))
def test_messages_survive_framing_in_any_pieces(sent, rng):
    data = b"".join(map(frames.encode, sent))
    reader, received, at = FrameReader(), [], 0
    while at < len(data):
        step = rng.randrange(1, 200)
        received += map(frames.decode, reader.feed(data[at : at + step]))
        at += step
    assert received == sent
    assert reader.buffered == 0


@given(st.dictionaries(logs, heads, max_size=20))
def test_heads_survive_grouping(found):
    assert frames.ungroup(frames.group(found.items())) == found


def test_more_heads_than_one_frame_holds_go_in_several():
    rng = random.Random(1)
    found = {
        LogKey(rng.randbytes(32), rng.randbytes(8)): Head(5, rng.randbytes(32))
        for _ in range(limits.HEADS_PER_FRAME + 7)
    }
    parts = [
        frames.decode(p)
        for f in frames.heads_frames(b"p" * 20, found, partial=False)
        for p in FrameReader().feed(f)
    ]
    assert [part.more for part in parts] == [True, False]
    merged = {}
    for part in parts:
        merged |= frames.ungroup(part.authors)
    assert merged == found


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_decoder_do_anything_but_refuse(data):
    reader = FrameReader()
    with suppress(ProtocolViolation):
        for payload in reader.feed(data):
            assert isinstance(frames.decode(payload), msgspec.Struct)
    assert reader.buffered <= limits.MAX_FRAME_BYTES + len(data)


@given(messages, st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_damaged_message_is_refused_or_another_message(message, at, noise):
    payload = bytearray(msgspec.msgpack.encode(message))
    at %= len(payload)
    payload[at : at + len(noise)] = noise
    with suppress(ProtocolViolation):
        assert isinstance(frames.decode(bytes(payload)), msgspec.Struct)


def test_nesting_without_end_is_a_violation_and_no_crash():
    depth = 100_000
    with pytest.raises(ProtocolViolation):
        frames.decode(b"\x93\x08\xa1a" + b"\x91" * depth)


def test_a_length_over_the_limit_is_refused_before_a_byte_of_the_frame_came():
    with pytest.raises(ProtocolViolation, match="1048577"):
        list(FrameReader().feed(b"\x81\x80\x40"))


def test_interest_hashes_depend_on_both_nonces_the_sender_and_the_playlist():
    a, b = b"a" * 16, b"b" * 16
    tags = {
        InterestKey(a, b, "anna").tag(b"p" * 20),
        InterestKey(b, a, "anna").tag(b"p" * 20),
        InterestKey(a, b, "ben").tag(b"p" * 20),
        InterestKey(a, b, "anna").tag(b"q" * 20),
        InterestKey(a, b"c" * 16, "anna").tag(b"p" * 20),
    }
    assert len(tags) == 5
    assert {len(tag) for tag in tags} == {16}
    assert InterestKey(a, b, "anna").tag(b"p" * 20) in tags


def test_one_side_of_a_pair_opens_the_stream():
    assert opens_stream("12D3A", "12D3B")
    assert not opens_stream("12D3B", "12D3A")


def test_a_score_decays_and_a_slip_now_and_then_never_blocks():
    conduct = Discipline()
    for hour in range(48):
        assert conduct.report("peer", OffenceKind.FLOOD, hour * 3600.0) is Verdict.TOLERATE
    assert conduct.score("peer", 48 * 3600.0 + 3600) < 1
    assert conduct.score("nobody", 0.0) == 0


def test_blocks_grow_and_are_forgotten_after_a_week():
    conduct, now, lengths = Discipline(), 0.0, []
    for _ in range(4):
        while conduct.report("peer", OffenceKind.INVALID_RECORD, now) is not Verdict.BLOCK:
            pass
        lengths.append(conduct.blocked_for("peer", now))
        now += lengths[-1] + 1
        assert conduct.blocked_for("peer", now) == 0
    assert lengths == [60, 120, 240, 480]
    now += discipline.FORGET_BLOCKS_S + 1
    while conduct.report("peer", OffenceKind.INVALID_RECORD, now) is not Verdict.BLOCK:
        pass
    assert conduct.blocked_for("peer", now) == 60


def test_a_crowd_of_invented_peers_do_not_push_out_a_blocked_one():
    conduct = Discipline()
    for _ in range(2):
        conduct.report("bad", OffenceKind.VIOLATION, 0.0)
    for number in range(discipline.MAX_PEERS + 200):
        conduct.join_failed(f"peer{number}", 1.0)
    assert conduct.blocked_for("bad", 2.0) > 50
    assert len(conduct._peers) <= discipline.MAX_PEERS


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5)), max_size=30))
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(steps):
    bucket, now, given_out = TokenBucket(2.0, 5.0, 0.0), 0.0, 0.0
    for wait, amount in steps:
        now += wait
        if bucket.take(amount, now):
            given_out += amount
        assert given_out <= 5.0 + 2.0 * now + 1e-6


def test_a_log_is_sent_on_only_if_the_peer_took_it():
    end, before = Head(9, b"9"), Head(5, b"5")
    assert took(end, before, Head(9, b"9"))
    assert took(end, before, Head(12, b"c"))
    assert not took(end, before, Head(5, b"5"))
    assert not took(end, before, Head(7, b"7"))
    assert took(end, before, Head(4, b"4", 5))
    assert not took(end, Head(20, b"x"), Head(20, b"y"))
    assert not took(end, Head(4, b"4", 5), Head(4, b"4", 5))
