"""`bench live`: from the edit call on one node until the feeds of all others have told of it."""

import selectors
import time
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from statistics import median

import msgspec

from whatnext.bench import stages
from whatnext.bench.chance import seeded
from whatnext.bench.disk import commit_ms
from whatnext.bench.echo import round_trips
from whatnext.bench.material import tracks
from whatnext.bench.nodes import Node, entry_ids, nodes
from whatnext.bench.progress import say
from whatnext.bench.sharing import Shape, share_playlist
from whatnext.bench.wire import Caller, Watcher, ready_sockets
from whatnext.errors import WhatNextError

WARM_UP = 30
LOST_S = 10.0
ECHO_BYTES = 300
"""About one record of an added track with its frame."""
_WRITTEN = 'whatnext_sync_bytes_total{direction="out"}'

Request = tuple[str, dict[str, object]]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure."""

    peers: int
    edits: int
    entries: int
    pause_ms: float
    seed: int
    shape: Shape = "mesh"
    stages: bool = False


class LiveReport(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from sending the call on A until the last of the others has told of the change on its feed.

    `echo_…` is a plain libp2p round trip of a record's size between two processes in the same run; `ratio` is
    `p50_ms / echo_p50_ms`. `api_call_ms` is A's own answer, `driver_ms` what the measuring process itself takes to read
    one event, `disk_commit_ms` a bare SQLite commit here; a change needs two in turn, A's and the other's.
    Of each node, A first: `cpu_ms_per_edit` it computed, `sync_bytes_per_edit` it wrote to its peers, before
    encryption, `resident_mb` (10^6 bytes) at the end.
    """

    bench: str = "live"
    peers: int
    shape: Shape
    edits: int
    entries: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    each_p50_ms: list[float]
    api_call_ms: float
    lost: int
    echo_p50_ms: float
    echo_p99_ms: float
    ratio: float
    driver_ms: float
    disk_commit_ms: float
    pause_ms: float
    cpu_ms_per_edit: list[float]
    sync_bytes_per_edit: list[float]
    resident_mb: list[float]
    stages_ms: dict[str, float] | None = None


class _Timed(msgspec.Struct):
    """One edit: when it began (seconds), milliseconds until the answer and until each was told (None: never)."""

    began: float
    answered: float
    seen: list[float | None]
    made: list[str]


class Run:
    """Edits on one node, watched on the others."""

    def __init__(self, editor: Node, watchers: list[Node], playlist: str, rng: Random) -> None:
        self._caller = Caller(editor)
        self._watchers = [Watcher(node) for node in watchers]
        self._edits = _edits(playlist, entry_ids(editor, playlist), rng)
        self._selector = selectors.DefaultSelector()
        self._readers: list[Caller | Watcher] = [self._caller, *self._watchers]
        for reader in self._readers:
            self._selector.register(reader.socket, selectors.EVENT_READ, reader)
        self.reading_s = 0.0
        self.reads = 0

    def edit(self) -> _Timed:
        """Make one edit and wait until everybody has told of it, or 10 s; one that changes nothing is made anew."""
        while (timed := self._try(*next(self._edits))) is None:
            pass
        return timed

    def _try(self, operation: str, request: dict[str, object]) -> _Timed | None:
        body = msgspec.json.encode(request)
        for watcher in self._watchers:
            watcher.events.clear()
        answered = 0.0
        made: list[str] = []
        seen: list[float | None] = [None] * len(self._watchers)
        began = time.perf_counter()
        self._caller.send(operation, body)
        while (not answered or None in seen) and time.perf_counter() - began < LOST_S:
            for reader in ready_sockets(self._selector, LOST_S):
                if isinstance(reader, Caller):
                    answer = reader.read()
                    if answer is not None:
                        answered = (time.perf_counter() - began) * 1000
                        record, made = _made(operation, *answer)
                        if record is None:
                            return None
                elif isinstance(reader, Watcher):
                    at = self._told(reader)
                    if at is not None:
                        number = self._watchers.index(reader)
                        seen[number] = seen[number] or (at - began) * 1000
        return _Timed(began, answered, seen, made)

    def close(self) -> None:
        """Close all connections."""
        self._selector.close()
        for reader in self._readers:
            reader.close()

    def _told(self, watcher: Watcher) -> float | None:
        """When a change was told, if this read brought one; also measures what reading costs this process."""
        began = time.perf_counter()
        watcher.read()
        told = next((e.at for e in watcher.events if e.kind == "change" and not e.data["local"]), None)
        self.reading_s += time.perf_counter() - began
        self.reads += 1
        return told


def measure(options: Options) -> LiveReport:
    """Start the nodes, let them share a playlist, edit it on the first and measure."""
    with ExitStack() as stack:
        say(f"starting {options.peers} nodes")
        module = stages.MODULE if options.stages else "whatnext"
        running = stack.enter_context(nodes(options.peers, module=module))
        playlist = share_playlist(running, options.entries, options.shape)
        run = Run(running[0], running[1:], playlist, seeded(options.seed))
        stack.callback(run.close)
        say(f"{WARM_UP} edits to warm up, then {options.edits}")
        _edit(run, WARM_UP, options.pause_ms)
        spent = _Spent(running)
        timed = _edit(run, options.edits, options.pause_ms)
        spent.stop()
        lost = _lost(running[1:], playlist, timed)
        parts = _stages(running, timed) if options.stages else None
        say("the same link without us: libp2p echo")
        echoes = round_trips(max(options.edits, 200), ECHO_BYTES)
    return _report(options, run, timed, lost, echoes, spent, parts)


class _Spent:
    """What each node has spent between its making and `stop`."""

    def __init__(self, running: list[Node]) -> None:
        self._running = running
        self.written = [node.metric(_WRITTEN) for node in running]
        self.resident_mb: list[float] = []
        self.cpu_s = [node.cpu_s() for node in running]

    def stop(self) -> None:
        """Count what was spent, before anything else is asked of the nodes."""
        self.cpu_s = [n.cpu_s() - before for n, before in zip(self._running, self.cpu_s, strict=True)]
        self.resident_mb = [node.resident_mb() for node in self._running]
        self.written = [
            n.metric(_WRITTEN) - before for n, before in zip(self._running, self.written, strict=True)
        ]


def _edit(run: Run, edits: int, pause_ms: float) -> list[_Timed]:
    timed = []
    for number in range(1, edits + 1):
        time.sleep(pause_ms / 1000)
        timed.append(run.edit())
        if number % 100 == 0:
            say(f"  {number} edits")
    return timed


def _stages(running: list[Node], timed: list[_Timed]) -> dict[str, float]:
    for node in running:
        node.stop()
    editor, *watchers = [stages.load(node.directory) for node in running]
    whole = [
        (t.began, [t.began + s / 1000 for s in t.seen if s is not None]) for t in timed if None not in t.seen
    ]
    return stages.breakdown(whole, editor, watchers)


def _report(
    options: Options,
    run: Run,
    timed: list[_Timed],
    lost: int,
    echoes: list[float],
    spent: "_Spent",
    parts: dict[str, float] | None,
) -> LiveReport:
    slowest = [max(s for s in each.seen if s is not None) for each in timed if None not in each.seen]
    by_watcher = [[t.seen[n] for t in timed] for n in range(options.peers - 1)]
    p50, echo_p50 = median(slowest), median(echoes)
    return LiveReport(
        peers=options.peers,
        shape=options.shape,
        edits=len(timed),
        entries=options.entries,
        p50_ms=round(p50, 2),
        p95_ms=round(percentile(slowest, 95), 2),
        p99_ms=round(percentile(slowest, 99), 2),
        max_ms=round(max(slowest), 2),
        each_p50_ms=[round(median(s for s in seen if s is not None), 2) for seen in by_watcher],
        api_call_ms=round(median(t.answered for t in timed), 2),
        lost=lost,
        echo_p50_ms=round(echo_p50, 3),
        echo_p99_ms=round(percentile(echoes, 99), 3),
        ratio=round(p50 / echo_p50, 2),
        driver_ms=round(run.reading_s / max(run.reads, 1) * 1000, 3),
        disk_commit_ms=round(commit_ms(), 3),
        pause_ms=options.pause_ms,
        cpu_ms_per_edit=[round(seconds * 1000 / len(timed), 2) for seconds in spent.cpu_s],
        sync_bytes_per_edit=[round(written / len(timed)) for written in spent.written],
        resident_mb=[round(each, 1) for each in spent.resident_mb],
        stages_ms=parts,
    )


def percentile(values: list[float], percent: float) -> float:
    """Nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def _edits(playlist: str, known: list[str], rng: Random) -> Iterator[Request]:
    """Half additions, the rest moves, votes and notes, all as a user makes them."""
    source = tracks(len(known))
    number = 0
    while True:
        number += 1
        if number % 2 or len(known) < 4:
            track = msgspec.to_builtins(next(source))
            yield "playlist.add", {"playlist": playlist, "tracks": [track]}
        elif number % 8 == 2:
            entry, after = rng.sample(known[1:], 2)
            yield "playlist.move", {"playlist": playlist, "entries": [entry], "after": after}
        elif number % 8 == 6:
            yield (
                "playlist.vote",
                {"playlist": playlist, "entry": rng.choice(known), "value": 1 - number % 16 // 8 * 2},
            )
        else:
            yield (
                "playlist.edit",
                {"playlist": playlist, "entry": rng.choice(known), "note": f"note {number}"},
            )


def _made(operation: str, status: int, body: bytes) -> tuple[str | None, list[str]]:
    """The record that an edit made, if any, and the ids of entries it added."""
    answer = msgspec.json.decode(body)
    if status != 200:
        raise WhatNextError(f"{operation}: {answer.get('detail', answer)}")
    return answer["record"], list(answer["ids"]) if operation == "playlist.add" else []


def _lost(watchers: list[Node], playlist: str, timed: list[_Timed]) -> int:
    """Edits that some node never told of, or whose added entry it does not show."""
    shown = [set(entry_ids(node, playlist)) for node in watchers]
    return sum(1 for each in timed if None in each.seen or any(set(each.made) - ids for ids in shown))
