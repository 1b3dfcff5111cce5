"""Batches of records on a link: where each log of one ends, and the one that waits for its answer."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from whatnext.errors import UNREADABLE, InvalidRecord
from whatnext.records.codec import Author, Epoch, SignedRecord
from whatnext.records.ids import PLAYLIST_ID_BYTES, LogKey
from whatnext.records.judge import Head

if TYPE_CHECKING:
    from whatnext.sync.share import Share


class _Header(msgspec.Struct, array_like=True, frozen=True):
    """The beginning of a record's body: all that the link itself must know, without reading the writes."""

    version: int
    playlist: bytes
    author: Author
    epoch: Epoch
    seq: int


_decode_header = msgspec.msgpack.Decoder(_Header).decode


def ends(records: Sequence[SignedRecord]) -> tuple[bytes, dict[LogKey, Head]]:
    """Playlist of the first record, and the last record of each log; raises `InvalidRecord` on what is none."""
    last: dict[LogKey, tuple[int, bytes]] = {}
    playlist = b""
    for index, record in enumerate(records):
        try:
            header = _decode_header(record.body)
        except UNREADABLE as error:
            raise InvalidRecord(f"not a record: {error}") from error
        log = LogKey(header.author, header.epoch)
        if log not in last or header.seq > last[log][0]:
            last[log] = (header.seq, record.body)
        if index == 0:
            playlist = header.playlist or hashlib.sha256(record.body).digest()[:PLAYLIST_ID_BYTES]
    heads = {log: Head(seq, hashlib.sha256(body).digest()) for log, (seq, body) in last.items()}
    return playlist, heads


class InFlight(msgspec.Struct):
    """The batch that the peer has not answered yet."""

    serial: int
    share: "Share"
    count: int
    ends: dict[LogKey, Head]
    before: dict[LogKey, Head]
    """What the peer had of these logs when the batch was made."""
    started: float
    deadline: float | None = None
    """Set when the stream has taken the batch; until then the stream's own stall limit holds."""


def took(end: Head, before: Head, after: Head) -> bool:
    """Whether a peer's head shows that it took what was sent of a log, so that sending on makes sense.

    False for a head that did not change at all: the same records would go out again and again.
    """
    fork_found = after.fork_at is not None and (before.fork_at is None or after.fork_at < before.fork_at)
    if fork_found:
        return True
    return after.seq >= end.seq > before.seq
