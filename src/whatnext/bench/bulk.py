"""A large playlist made quickly, and how fast one library takes it from another without any network."""

import time
from itertools import islice
from random import Random

from whatnext.bench.device import Device, raw_id
from whatnext.bench.material import tracks
from whatnext.playlists.editing import entry_fields
from whatnext.records import ids, positions
from whatnext.records.codec import Write
from whatnext.sync.limits import MAX_BATCH_BYTES, MAX_BATCH_RECORDS

_RECORDS_AT_ONCE = 500


def fill(device: Device, playlist: str, entries: int, per_record: int) -> None:
    """Append entries, `per_record` in each signed record; records share transactions, which only saves time here."""
    rng, last = device.rng, None
    pending: list[list[Write]] = []
    source = tracks()
    made = 0
    while made < entries:
        batch = list(islice(source, min(per_record, entries - made)))
        keys = _positions(last, len(batch), rng)
        last, made = keys[-1], made + len(batch)
        pending.append(
            [
                Write(
                    "entries",
                    ids.to_text(rng.randbytes(ids.ENTRY_ID_BYTES)),
                    {"position": key, **entry_fields(track)},
                )
                for key, track in zip(keys, batch, strict=True)
            ]
        )
        if len(pending) >= max(1, _RECORDS_AT_ONCE // per_record) or made == entries:
            device.library.write_all(raw_id(playlist), pending)
            pending = []


def _positions(last: str | None, count: int, rng: Random) -> list[str]:
    if count == 1:
        return [positions.between(last, None, rng)]
    return positions.run(last, None, count, rng)


def take_over(source: Device, sink: Device, playlist: str) -> tuple[float, int]:
    """Seconds and body bytes of bringing `sink`, which knows nothing of the playlist, up to date, batch by batch."""
    raw = raw_id(playlist)
    total = 0
    started = time.perf_counter()
    while batch := source.library.missing(
        raw, sink.library.heads(raw), max_records=MAX_BATCH_RECORDS, max_bytes=MAX_BATCH_BYTES
    ):
        total += sum(len(signed.body) + len(signed.signature) for signed in batch)
        sink.library.receive(raw, batch)
    return time.perf_counter() - started, total
