"""Messages of `/whatnext/sync/1.0.0` and their frames: an unsigned varint length, then one msgpack array.

The array's first element is the message's number. Receivers ignore elements behind those they know, so a later 1.x
may append some. The specification is README.md in this directory.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, TypeAlias

import msgspec

from whatnext.errors import UNREADABLE, ProtocolViolation
from whatnext.records.codec import MAX_SEQ, Author, Epoch, SignedRecord
from whatnext.records.ids import PLAYLIST_ID_BYTES, LogKey
from whatnext.records.judge import Head
from whatnext.sync import limits

NONCE_BYTES = 16
TAG_BYTES = 16
SERIALS = 128
"""Batches are numbered modulo this: one byte in msgpack, and at most one is ever in flight."""

Playlist = Annotated[bytes, msgspec.Meta(min_length=PLAYLIST_ID_BYTES, max_length=PLAYLIST_ID_BYTES)]
Serial = Annotated[int, msgspec.Meta(ge=0, lt=SERIALS)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
Code = Annotated[str, msgspec.Meta(max_length=40)]
Tag = Annotated[bytes, msgspec.Meta(min_length=TAG_BYTES, max_length=TAG_BYTES)]


class HeadRow(msgspec.Struct, array_like=True, frozen=True):
    """Head of one log: its epoch, number and hash; `fork_at` is 0 where no fork is proven."""

    epoch: Epoch
    seq: Seq
    hash: Annotated[bytes, msgspec.Meta(max_length=32)]
    fork_at: Seq = 0


class AuthorHeads(msgspec.Struct, array_like=True, frozen=True):
    """Heads of one author's logs."""

    author: Author
    logs: list[HeadRow]


class RefusedRecord(msgspec.Struct, array_like=True, frozen=True):
    """A record that does not count at the receiver, and why (`whatnext.records.judge.Refusal`)."""

    author: Author
    epoch: Epoch
    seq: Seq
    code: Code


class Hello(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """First message each way: who speaks, its clock, and the nonce that keys the other side's hashes too."""

    agent: Text
    name: Text
    features: Annotated[list[Code], msgspec.Meta(max_length=32)]
    nonce: Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    wall_ms: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Interest(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """All playlists of the sender as keyed hashes; replaces what it said before."""

    tags: Annotated[list[Tag], msgspec.Meta(max_length=limits.MAX_INTEREST)]


class Heads(msgspec.Struct, array_like=True, frozen=True, tag=3):
    """How far the sender has every log of a playlist; replaces what was known.

    `partial`: only the owner's logs are shown, since the receiver is no member the sender knows.
    `more`: another frame continues the list.
    """

    playlist: Playlist
    authors: list[AuthorHeads]
    partial: bool
    more: bool


class Records(msgspec.Struct, array_like=True, frozen=True, tag=4):
    """A batch, all of the playlist that its first record names; answered by `Ack` or `Refuse` with its serial."""

    serial: Serial
    records: Annotated[list[SignedRecord], msgspec.Meta(min_length=1, max_length=limits.MAX_BATCH_RECORDS)]


class Ack(msgspec.Struct, array_like=True, frozen=True, tag=5):
    """The batch is durable. `authors` lists the heads of those of its logs that do not now end with it.

    `known`: some of it was here already, so others feed this device too.
    """

    serial: Serial
    authors: list[AuthorHeads]
    refused: Annotated[list[RefusedRecord], msgspec.Meta(max_length=limits.MAX_BATCH_RECORDS)]
    known: bool = False


class Join(msgspec.Struct, array_like=True, frozen=True, tag=6):
    """The sender's own admission, proving an invite; answered by `Heads` or `Refuse`."""

    playlist: Playlist
    record: SignedRecord


class Refuse(msgspec.Struct, array_like=True, frozen=True, tag=7):
    """No, for one playlist; `serial` names the batch it answers, if any."""

    playlist: Playlist
    code: Code
    detail: Text
    serial: Serial | None = None


class Bye(msgspec.Struct, array_like=True, frozen=True, tag=8):
    """Last message: why the sender ends the link."""

    code: Code
    reason: Text


class Have(msgspec.Struct, array_like=True, frozen=True, tag=9):
    """Logs that the sender now has up to these heads, so that nobody sends them; adds to what was known."""

    playlist: Playlist
    authors: list[AuthorHeads]


class Presence(msgspec.Struct, array_like=True, frozen=True, tag=10):
    """What the sender listens to in a playlist right now, None: nothing there any more. Never kept, never passed on."""

    playlist: Playlist
    entry: Annotated[str, msgspec.Meta(max_length=16)] | None


Message: TypeAlias = Hello | Interest | Heads | Records | Ack | Join | Refuse | Bye | Have | Presence

_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """Frame of a message: length and payload."""
    payload = _encode(message)
    assert len(payload) <= limits.MAX_FRAME_BYTES
    return _varint(len(payload)) + payload


def decode(payload: bytes) -> Message:
    """Message in a frame's payload; raises `ProtocolViolation`."""
    try:
        return _decoder.decode(payload)
    # RecursionError: msgspec skips elements it does not know, however deep they nest.
    except UNREADABLE as error:
        raise ProtocolViolation(f"no message of this protocol: {error}") from error


class FrameReader:
    """Cuts a byte stream into payloads; holds at most one frame and what was fed last."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the payloads that are whole now; raises `ProtocolViolation` as soon as a length is out of bounds."""
        self._buffer += data
        start = 0
        try:
            while (found := self._next(start)) is not None:
                payload, start = found
                yield payload
        finally:
            del self._buffer[:start]

    def _next(self, start: int) -> tuple[bytes, int] | None:
        length = 0
        for index, byte in enumerate(self._buffer[start : start + 3]):
            length |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                break
        else:
            if len(self._buffer) - start < 3:
                return None
            raise ProtocolViolation(f"a frame longer than {limits.MAX_FRAME_BYTES} bytes")
        if not 0 < length <= limits.MAX_FRAME_BYTES:
            raise ProtocolViolation(f"a frame of {length} bytes; 1 to {limits.MAX_FRAME_BYTES} are allowed")
        begin = start + index + 1
        if len(self._buffer) - begin < length:
            return None
        return bytes(self._buffer[begin : begin + length]), begin + length


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def group(heads: Iterable[tuple[LogKey, Head]]) -> list[AuthorHeads]:
    """Heads as they travel, grouped by author."""
    authors: dict[bytes, list[HeadRow]] = {}
    for log, head in heads:
        row = HeadRow(log.epoch, head.seq, head.hash, head.fork_at or 0)
        authors.setdefault(log.author, []).append(row)
    return [AuthorHeads(author, rows) for author, rows in authors.items()]


def ungroup(authors: Iterable[AuthorHeads]) -> dict[LogKey, Head]:
    """Heads as `whatnext.store` takes them."""
    return {
        LogKey(each.author, row.epoch): Head(row.seq, row.hash, row.fork_at or None)
        for each in authors
        for row in each.logs
    }


def heads_frames(playlist: bytes, heads: Mapping[LogKey, Head], *, partial: bool) -> list[bytes]:
    """All heads of a playlist in as many frames as they need; at least one."""
    items = list(heads.items())
    step = limits.HEADS_PER_FRAME
    starts = range(0, max(1, len(items)), step)
    return [
        encode(Heads(playlist, group(items[at : at + step]), partial, more=at + step < len(items)))
        for at in starts
    ]
