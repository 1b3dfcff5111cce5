"""`bench cold`: a large playlist comes to a device that has nothing of it, over a real link."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from whatnext.bench.bulk import fill, take_over
from whatnext.bench.chance import seeded
from whatnext.bench.device import Device, Line
from whatnext.bench.disk import commit_ms
from whatnext.bench.nodes import Node, entry_ids, nodes
from whatnext.bench.progress import say
from whatnext.bench.wire import Watcher
from whatnext.errors import WhatNextError
from whatnext.identity import load_or_create
from whatnext.store.database import FILE

SHORTEST_S = 0.0001
"""A small playlist is in sync before the driver has read that it was accepted."""


class ColdReport(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds`: from the joiner's “accepted” until it is in sync, all records verified and on its disk.

    `from_join_s` counts from the user's join, dialling included. `in_process_s` is the same work between two libraries
    on disk without network or protocol, `sessions_s` with the protocol in memory. `bytes`: the sync stream, both ways.
    """

    bench: str = "cold"
    entries: int
    per_record: int
    records: int
    seconds: float
    from_join_s: float
    entries_per_s: float
    bytes: int
    in_process_s: float
    disk_commit_ms: float
    sessions_s: float


def measure(entries: int, per_record: int, seed: int) -> ColdReport:
    """Prepare the playlist in the first node's profile, start both nodes, join, measure."""
    made: dict[str, str] = {}

    def prepare(directory: Path) -> None:
        say(f"making {entries} entries, {per_record} a record")
        rng = seeded(seed)
        device = Device("peer0", rng, directory / FILE, load_or_create(directory))
        made["playlist"] = device.create("Kitchen party")
        fill(device, made["playlist"], entries, per_record)
        made["records"] = str(sum(head.seq for head in device.heads(made["playlist"]).values()))
        device.close()

    in_process_s, sessions_s, size = _in_process(entries, per_record, seed)
    with nodes(2, prepare) as (source, sink):
        seconds, from_join_s = _join(source, sink, made["playlist"])
        if entry_ids(sink, made["playlist"]) != entry_ids(source, made["playlist"]):
            raise WhatNextError("the joiner says that it is in sync and shows another order")
    return ColdReport(
        entries=entries,
        per_record=per_record,
        records=int(made["records"]),
        seconds=round(seconds, 3),
        from_join_s=round(from_join_s, 3),
        entries_per_s=round(entries / seconds),
        bytes=size,
        disk_commit_ms=round(commit_ms(), 3),
        in_process_s=round(in_process_s, 3),
        sessions_s=round(sessions_s, 3),
    )


def _join(source: Node, sink: Node, playlist: str) -> tuple[float, float]:
    link = source.ask("invite.create", playlist=playlist)["link"]
    watcher = Watcher(sink)
    began = time.perf_counter()
    sink.ask("join", link=link)
    accepted = watcher.wait("join", state="accepted").at
    say("accepted, receiving")
    done = watcher.wait("peer", within_s=120, state="in sync", playlist=playlist).at
    watcher.close()
    return max(done - accepted, SHORTEST_S), done - began


def _in_process(entries: int, per_record: int, seed: int) -> tuple[float, float, int]:
    """Seconds between two libraries, seconds and bytes between two sessions; databases on disk."""
    with TemporaryDirectory(prefix="whatnext-bench-") as top:
        rng = seeded(seed)
        source, plain, synced = (
            Device(name, seeded(rng.random()), Path(top) / f"{name}.db")
            for name in ("source", "plain", "synced")
        )
        playlist = source.create("Kitchen party")
        fill(source, playlist, entries, per_record)
        link = source.invite(playlist)
        plain.join(link)
        plain_s, _ = take_over(source, plain, playlist)
        synced.join(link)
        line = Line(source, synced)
        began = time.perf_counter()
        size = line.run()
        synced_s = time.perf_counter() - began
        if not source.order(playlist) == plain.order(playlist) == synced.order(playlist):
            raise WhatNextError("two libraries took the same records and show another order")
        return plain_s, synced_s, size
