"""Cutting a large change into records: none over the limits, an album in one piece."""

from collections.abc import Iterable

import msgspec

from whatnext.records.codec import Write

MAX_TRACKS = 100
"""Tracks added by one record: 10,000 imported ones are 100 records."""
MAX_WRITES = 2000
MAX_BYTES = 200 * 1024
"""Below the record's 256 KiB: what stands around the writes, and this device's introduction, fit as well."""

_encode = msgspec.msgpack.Encoder().encode


def in_batches(writes: Iterable[Write]) -> list[list[Write]]:
    """Writes in as few records as the limits allow, in their order."""
    batches: list[list[Write]] = []
    size = tracks = 0
    for write in writes:
        cost, is_track = len(_encode(write)), "title" in write.fields
        full = size + cost > MAX_BYTES or tracks + is_track > MAX_TRACKS
        if not batches or full or len(batches[-1]) >= MAX_WRITES:
            batches.append([])
            size = tracks = 0
        batches[-1].append(write)
        size += cost
        tracks += is_track
    return batches
