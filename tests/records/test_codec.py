import os
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import World

from whatnext.errors import InvalidRecord, LimitExceeded
from whatnext.identity import Identity
from whatnext.records import codec
from whatnext.records.codec import Body, SignedRecord, Write, decode, decode_and_verify, sign

DEVICE = Identity(b"\x02" * 32)
ENTRY = "abcdefghij234567"


def body(*writes: Write, **changes) -> Body:
    fields = {
        "version": 1,
        "playlist": bytes(20),
        "author": DEVICE.public_key,
        "epoch": bytes(8),
        "seq": 1,
        "prev": b"",
        "hlc": 1,
        "writes": list(writes) or [Write("entries", ENTRY, {"title": "One"})],
    }
    return Body(**(fields | changes))


def forged(raw: Body) -> SignedRecord:
    return SignedRecord(msgspec.msgpack.encode(raw), bytes(64))


def test_a_record_survives_the_wire_unchanged():
    record = sign(body(), DEVICE)
    wire = msgspec.msgpack.decode(msgspec.msgpack.encode(record.signed), type=SignedRecord)
    assert decode_and_verify(wire) == record


def test_two_signatures_over_one_body_are_one_record():
    record = sign(body(), DEVICE)
    assert decode(SignedRecord(record.signed.body, bytes(64))) == record


def test_any_flipped_bit_of_the_body_is_noticed():
    record = sign(body(), DEVICE)
    for at in range(len(record.signed.body)):
        changed = bytearray(record.signed.body)
        changed[at] ^= 1
        with pytest.raises(InvalidRecord):
            decode_and_verify(SignedRecord(bytes(changed), record.signed.signature))


@pytest.mark.parametrize(
    ("writes", "sentence"),
    [
        ([Write("songs", ENTRY, {"title": "x"})], "no collection “songs”"),
        ([Write("entries", ENTRY, {"colour": "red"})], "have no field “colour”"),
        ([Write("entries", "../../etc", {"title": "x"})], "is no id in entries"),
        ([Write("entries", ENTRY, {})], "without fields"),
        ([Write("entries", ENTRY, {"title": "x" * 501})], "a text of 501 characters"),
        ([Write("entries", ENTRY, {"title": 7})], "entries.title does not take 7"),
        ([Write("entries", ENTRY, {"durationMs": True})], "durationMs does not take True"),
        ([Write("entries", ENTRY, {"position": "a 0"})], "position does not take"),
        ([Write("entries", ENTRY, {"note": "é" * 40_000})], "a text of 40000 characters"),
        ([Write("votes", ENTRY, {"value": 1})], "is no id in votes"),
        ([Write("entries", ENTRY, {"title": "x"}), Write("entries", ENTRY, {"note": "y"})], "two writes"),
    ],
)
def test_what_does_not_fit_the_schema_is_refused_here_and_from_elsewhere_with_the_reason(writes, sentence):
    with pytest.raises(LimitExceeded, match=sentence):
        sign(body(*writes), DEVICE)
    with pytest.raises(InvalidRecord, match=sentence):
        decode(forged(body(*writes)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": 2}, "update WhatNext"),
        ({"playlist": b"short"}, "a playlist id of 5 bytes"),
        ({"seq": 2}, "names a previous record of 0 bytes"),
        ({"prev": bytes(32)}, "names a previous record of 32 bytes"),
        ({"playlist": b"", "seq": 2, "prev": bytes(32)}, "a first record that is not number 1"),
        ({"author": b"short"}, "not a record"),
        ({"seq": 0}, "not a record"),
        ({"hlc": -1}, "not a record"),
        ({"writes": []}, "not a record"),
    ],
)
def test_a_body_out_of_form_is_refused_with_the_reason(changes, sentence):
    with pytest.raises(InvalidRecord, match=sentence):
        decode(forged(body(**changes)))


def test_a_record_over_the_limit_is_refused_here_and_from_elsewhere():
    writes = [
        Write("entries", f"abcdefghij2345{a}{b}", {"note": "x" * 60_000}) for a in "ab" for b in "cdefg"
    ]
    with pytest.raises(LimitExceeded, match="split it"):
        sign(body(*writes), DEVICE)
    with pytest.raises(InvalidRecord, match="the limit is 262144"):
        decode(forged(body(*writes)))


@given(st.binary(max_size=300), st.binary(min_size=64, max_size=64))
def test_any_bytes_are_a_record_or_an_invalid_one(raw, signature):
    with pytest.raises(InvalidRecord):
        decode_and_verify(SignedRecord(raw, signature))


def mutate(rng: random.Random, raw: bytes) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data)) if data else 0
        match rng.randrange(5):
            case 0 if data:
                data[at] = rng.randrange(256)
            case 1 if data:
                del data[at : at + rng.randint(1, 8)]
            case 2:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
            case 3 if data:
                data[at] ^= 1 << rng.randrange(8)
            case 4:
                piece = raw[rng.randrange(len(raw)) :][:16]
                data[at:at] = piece
    return bytes(data)


def test_mutated_records_are_refused_or_equal_in_form_and_never_crash_the_decoder():
    """A short run; `WHATNEXT_FUZZ=1000000` runs the long one (docs/notes/note-261122-record-fuzzing.md)."""
    rng = random.Random(int(os.environ.get("WHATNEXT_FUZZ_SEED", "1")))
    world = World(3)
    for step in range(60):
        world.step(step, step % 4, step)
    corpus = [record.signed for record in world.records]
    refused = 0
    for _ in range(int(os.environ.get("WHATNEXT_FUZZ", "20000"))):
        source = rng.choice(corpus)
        changed = SignedRecord(mutate(rng, source.body), source.signature)
        try:
            record = decode(changed)
        except InvalidRecord:
            refused += 1
            continue
        if changed.body != source.body:
            assert not record.is_authentic()
        assert codec.decode(record.signed).body == record.body
    assert refused
