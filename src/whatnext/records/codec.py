"""Records as bytes: encode, sign, decode, verify.

A record is `[body bytes, signature]`. The body is msgpack, array-like:
`[version, playlist, author, epoch, seq, prev, hlc, [[collection, id, {field: value}], …], meta]`.
Its hash (SHA-256) covers the body alone: two signatures over one body are one record, not a fork.
The first record of a playlist leaves `playlist` empty, and its hash, cut to 20 bytes, is the playlist's id.
"""

import hashlib
from functools import cached_property
from typing import Annotated

import msgspec

from whatnext import identity
from whatnext.clock import MAX_HLC
from whatnext.errors import UNREADABLE, InvalidRecord, LimitExceeded
from whatnext.records import ids, schema
from whatnext.records.ids import LogKey
from whatnext.records.schema import Value

VERSION = 1
MAX_RECORD_BYTES = 256 * 1024
MAX_SEQ = 2**53 - 1
_CONTEXT = b"whatnext/record/1"

Author = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Epoch = Annotated[bytes, msgspec.Meta(min_length=ids.EPOCH_BYTES, max_length=ids.EPOCH_BYTES)]


class Write(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Some fields of one document."""

    collection: str
    id: str
    fields: dict[str, Value]


class Meta(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a change says about itself: the record it undoes, or the RxDB peer it was signed for."""

    undoes: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)] | None = None
    by: Annotated[str, msgspec.Meta(max_length=60)] | None = None


class Body(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What an author signs."""

    version: int
    playlist: Annotated[bytes, msgspec.Meta(max_length=ids.PLAYLIST_ID_BYTES)]
    author: Author
    epoch: Epoch
    seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQ)]
    prev: Annotated[bytes, msgspec.Meta(max_length=ids.HASH_BYTES)]
    hlc: Annotated[int, msgspec.Meta(ge=0, le=MAX_HLC)]
    writes: Annotated[list[Write], msgspec.Meta(min_length=1)]
    meta: Meta = Meta()


class SignedRecord(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A record as it travels and rests: body bytes and the signature over them."""

    body: bytes
    signature: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]


_encode = msgspec.msgpack.Encoder().encode
_decode_body = msgspec.msgpack.Decoder(Body).decode


class Record:
    """A decoded record; made only by `decode`, `recall` and `sign`, so every instance is well-formed and in limits."""

    def __init__(self, signed: SignedRecord, body: Body) -> None:
        self.signed = signed
        self.body = body
        self.hash: bytes = hashlib.sha256(signed.body).digest()
        self.log = LogKey(body.author, body.epoch)

    @property
    def seq(self) -> int:
        """Number in its log, from 1."""
        return self.body.seq

    @property
    def is_genesis(self) -> bool:
        """Whether it is the first record of a playlist."""
        return not self.body.playlist

    @property
    def playlist(self) -> bytes:
        """20-byte id of the playlist it belongs to."""
        return self.body.playlist or self.hash[: ids.PLAYLIST_ID_BYTES]

    @cached_property
    def stamp(self) -> tuple[int, bytes, bytes, int]:
        """What decides between two writes of one field: (hlc, author, epoch, seq)."""
        return (self.body.hlc, self.body.author, self.body.epoch, self.body.seq)

    @property
    def size(self) -> int:
        """Bytes of body and signature."""
        return len(self.signed.body) + len(self.signed.signature)

    def is_authentic(self) -> bool:
        """Whether the author named in the body signed it."""
        return identity.verify(self.body.author, _CONTEXT + self.signed.body, self.signed.signature)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        author = identity.peer_id(self.body.author)[-6:]
        return f"<Record …{author}/{self.body.epoch.hex()[:4]}#{self.seq} {self.hash.hex()[:8]}>"


def decode(signed: SignedRecord) -> Record:
    """Decode and check a record's form, not its signature; raises `InvalidRecord` naming the fault."""
    if len(signed.body) > MAX_RECORD_BYTES:
        raise InvalidRecord(f"a record of {len(signed.body)} bytes; the limit is {MAX_RECORD_BYTES}")
    record = recall(signed)
    problem = _fault(record.body)
    if problem:
        raise InvalidRecord(problem)
    return record


def recall(signed: SignedRecord) -> Record:
    """Decode a record that was checked before it was kept; raises `InvalidRecord` when it is none any more."""
    try:
        return Record(signed, _decode_body(signed.body))
    except UNREADABLE as error:
        raise InvalidRecord(f"not a record: {error}") from error


def decode_and_verify(signed: SignedRecord) -> Record:
    """Decode a record from elsewhere and check that its author signed it; raises `InvalidRecord`."""
    record = decode(signed)
    if not record.is_authentic():
        raise InvalidRecord(f"bad signature on {record!r}")
    return record


def sign(body: Body, device: identity.Identity) -> Record:
    """Sign a body made on this device; raises `LimitExceeded` when it would be no valid record."""
    raw = _encode(body)
    if len(raw) > MAX_RECORD_BYTES:
        raise LimitExceeded(f"one change of {len(raw)} bytes; the limit is {MAX_RECORD_BYTES}: split it")
    problem = _fault(body)
    if problem:
        raise LimitExceeded(problem)
    return Record(SignedRecord(raw, device.sign(_CONTEXT + raw)), body)


def _fault(body: Body) -> str | None:
    if body.version != VERSION:
        return f"record version {body.version}; this app knows {VERSION}: update WhatNext"
    if len(body.playlist) not in (0, ids.PLAYLIST_ID_BYTES):
        return f"a playlist id of {len(body.playlist)} bytes"
    if (body.seq == 1) != (body.prev == b"") or len(body.prev) not in (0, ids.HASH_BYTES):
        return f"record {body.seq} names a previous record of {len(body.prev)} bytes"
    if not body.playlist and body.seq != 1:
        return "a first record that is not number 1"
    seen: set[tuple[str, str]] = set()
    for write in body.writes:
        problem = schema.fault(write.collection, write.id, write.fields)
        if problem:
            return problem
        if (write.collection, write.id) in seen:
            return f"two writes to {write.collection} {write.id[:80]} in one record"
        seen.add((write.collection, write.id))
    return None
