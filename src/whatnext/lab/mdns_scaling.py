"""How mDNS behaves as a network grows: `python -m whatnext.lab.mdns_scaling 10 20 50`; one JSON object a line.

Each node is a process in its own namespace on one bridge. All are loaded first, then told to begin at one moment.
"""

import os
import selectors
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from whatnext.errors import LocalError
from whatnext.lab.host import Host
from whatnext.lab.lab import Lab
from whatnext.lab.mdns_peer import Line, identity_of
from whatnext.lab.usage import Counters, counters, memory_mb

STEADY_S = 60.0
"""How long the network is watched once everybody knows everybody."""
PATIENCE_S = 60.0


class Result(msgspec.Struct, frozen=True):
    """One network of `nodes`. Times in seconds from the common beginning; the rest is per node, median."""

    nodes: int
    open_last_s: float
    full_view_median_s: float
    full_view_last_s: float
    first_10s_cpu_ms: float
    first_10s_sent: float
    first_10s_received: float
    steady_cpu_ms_per_min: float
    steady_sent_per_min: float
    steady_received_per_min: float
    steady_received_bytes_per_min: float
    overflowed_total: int
    lost_wrongly: int
    memory_mb: float


class Node:
    """One process of `whatnext.lab.mdns_peer`; `opened_at` its discovery ran, `full_at` it knew all others."""

    def __init__(self, host: Host, number: int, nodes: int) -> None:
        self.opened_at = 0.0
        self.full_at: float | None = None
        self.lost = 0
        self._known: set[str] = set()
        self._others = nodes - 1
        self._own = identity_of(str(number)).peer_id
        self._rest = b""
        self.process: subprocess.Popen[bytes] = host.python(
            "-m", "whatnext.lab.mdns_peer", str(number), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ready(self) -> None:
        """Wait until everything is loaded."""
        assert self.process.stdout is not None
        if not self.process.stdout.readline().startswith(b"ready"):
            raise LocalError("a node of the experiment did not start; its words are above")

    def begin(self) -> None:
        """Let discovery begin."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def read(self) -> None:
        """Take what it printed."""
        assert self.process.stdout is not None
        *lines, self._rest = (self._rest + os.read(self.process.stdout.fileno(), 1 << 16)).split(b"\n")
        for line in (msgspec.json.decode(line, type=Line) for line in lines):
            if line.event == "Open":
                self.opened_at = line.at
            if line.event == "Found":
                self._known.add(line.peer)
            self.lost += line.event == "Lost"
            if len(self._known) == self._others and self.full_at is None:
                self.full_at = line.at

    def counters(self) -> Counters:
        """What it has used until now."""
        return counters(self.process.pid)


def measure(count: int, steady_s: float = STEADY_S) -> Result:
    """Build a network of `count` nodes and watch it. Raises `LocalError` when not everybody found everybody."""
    with Lab() as lab:
        lan = lab.lan("home")
        nodes = []
        for number in range(count):
            host = lab.host(f"node {number}")
            lan.attach(host)
            nodes.append(Node(host, number, count))
        for node in nodes:
            node.ready()
        before = [node.counters() for node in nodes]
        began = time.monotonic()
        for node in nodes:
            node.begin()
        _watch(nodes, began + PATIENCE_S, until_full=True)
        late = [node for node in nodes if node.full_at is None]
        if late:
            raise LocalError(f"{len(late)} of {count} nodes did not find all others in {PATIENCE_S:g} s")
        _watch(nodes, began + 10)
        early = [node.counters() for node in nodes]
        _watch(nodes, began + 10 + steady_s)
        return _result(nodes, began, before, early, steady_s)


def _watch(nodes: Sequence[Node], deadline: float, *, until_full: bool = False) -> None:
    with selectors.DefaultSelector() as selector:
        for node in nodes:
            assert node.process.stdout is not None
            selector.register(node.process.stdout, selectors.EVENT_READ, node)
        while (left := deadline - time.monotonic()) > 0:
            if until_full and all(node.full_at is not None for node in nodes):
                return
            for key, _ in selector.select(left):
                key.data.read()


def _result(
    nodes: Sequence[Node], began: float, before: list[Counters], early: list[Counters], steady_s: float
) -> Result:
    after = [node.counters() for node in nodes]
    times = sorted(node.full_at - began for node in nodes if node.full_at is not None)
    per_min = 60 / steady_s

    def first(field: str) -> float:
        return _median([_get(b, field) - _get(a, field) for a, b in zip(before, early, strict=True)])

    def steady(field: str) -> float:
        return _median(
            [(_get(b, field) - _get(a, field)) * per_min for a, b in zip(early, after, strict=True)]
        )

    return Result(
        nodes=len(nodes),
        open_last_s=round(max(node.opened_at for node in nodes) - began, 2),
        full_view_median_s=round(_median(times), 2),
        full_view_last_s=round(times[-1], 2),
        first_10s_cpu_ms=round(first("cpu_s") * 1000),
        first_10s_sent=first("sent"),
        first_10s_received=first("received"),
        steady_cpu_ms_per_min=round(steady("cpu_s") * 1000),
        steady_sent_per_min=round(steady("sent"), 1),
        steady_received_per_min=round(steady("received"), 1),
        steady_received_bytes_per_min=round(steady("received_bytes")),
        overflowed_total=sum(counters.overflowed for counters in after),
        lost_wrongly=sum(node.lost for node in nodes),
        memory_mb=round(_median([memory_mb(node.process.pid) for node in nodes])),
    )


def _get(counters: Counters, field: str) -> float:
    value: Any = getattr(counters, field)
    return float(value)


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


if __name__ == "__main__":
    for size in map(int, sys.argv[1:] or ("10", "20", "50")):
        print(msgspec.json.encode(measure(size)).decode(), flush=True)  # noqa: T201
