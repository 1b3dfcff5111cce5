"""How many whole nodes one network bears: `python -m whatnext.lab.lan_scaling 20`; one JSON object a line.

Each node is `whatnext node` on a new profile in a host of its own on one bridge, with no route to anywhere. They are
started at one moment; then some leave and come back one by one; then all rest; then all share one playlist and rest.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from whatnext.lab.lab import Lab
from whatnext.lab.usage import Counters, counters, memory_mb
from whatnext.lab.whole_node import WholeNode, wait_until

REST_S = 60.0
"""How long the network is watched while nobody does anything."""
ARRIVALS = 5
PATIENCE_S = 120.0
_LOOK_S = 0.25  # between looks at all lists: often enough, as the lists themselves know since when


class Rest(msgspec.Struct, frozen=True):
    """While nobody does anything: per node and minute, median."""

    connections: float
    cpu_ms: float
    sent: float
    received: float
    received_bytes: float


class Result(msgspec.Struct, frozen=True):
    """One network of `nodes`; seconds.

    `together`: all started at one moment, from the last node's ready line until each list was complete (below 0: it
    was complete earlier). `newcomer`: from the ready line of one that comes later until its list is complete;
    `noticed`: until each other one lists it. Packets are those of a node until all lists were complete.
    """

    nodes: int
    start_last_s: float
    together_median_s: float
    together_last_s: float
    together_cpu_s: float
    together_sent: float
    together_received: float
    newcomer_median_s: float
    newcomer_last_s: float
    noticed_median_s: float
    noticed_last_s: float
    alone: Rest
    sharing: Rest
    overflowed_total: int
    memory_mb: float


def measure(count: int, rest_s: float = REST_S) -> Result:
    """Build a network of `count` whole nodes and watch it. Raises `WhatNextError` when a list stays incomplete."""
    with Lab() as lab, TemporaryDirectory(prefix="whatnext-lan-") as top:
        lan, nodes = lab.lan("home"), []
        for number in range(count):
            host = lab.host(f"node {number}")
            lan.attach(host)
            nodes.append(WholeNode(host, Path(top) / str(number)))
        began = time.monotonic()
        for node in nodes:
            node.launch()
        ready = max([node.wait_ready() for node in nodes])
        together = [at - ready for at in _complete(nodes)]
        spent = [_counters(node) for node in nodes]
        newcomer, noticed = _arrivals(nodes)
        alone = _rest(nodes, rest_s)
        _share(nodes)
        sharing = _rest(nodes, rest_s)
        return Result(
            nodes=count,
            start_last_s=round(ready - began, 1),
            together_median_s=round(_median(together), 2),
            together_last_s=round(max(together), 2),
            together_cpu_s=round(_median([each.cpu_s for each in spent]), 2),
            together_sent=_median([each.sent for each in spent]),
            together_received=_median([each.received for each in spent]),
            newcomer_median_s=round(_median(newcomer), 2),
            newcomer_last_s=round(max(newcomer), 2),
            noticed_median_s=round(_median(noticed), 2),
            noticed_last_s=round(max(noticed), 2),
            alone=alone,
            sharing=sharing,
            overflowed_total=sum(_counters(node).overflowed for node in nodes),
            memory_mb=round(_median([memory_mb(_pid(node)) for node in nodes])),
        )


def _complete(nodes: Sequence[WholeNode]) -> list[float]:
    """Wait until everybody lists everybody; when each list became complete (monotonic seconds)."""
    everybody = {node.peer for node in nodes}
    return [max(_listed(node, everybody - {node.peer}).values()) for node in nodes]


def _listed(node: WholeNode, wanted: set[str]) -> dict[str, float]:
    """Wait until a node lists these peers; since when each (monotonic seconds)."""
    since: dict[str, float] = {}

    def complete() -> bool:
        rows, now = node.neighbours(), time.monotonic()
        since.update({peer: now - rows[peer]["sinceMs"] / 1000 for peer in wanted & rows.keys()})
        return wanted <= rows.keys()

    wait_until(complete, PATIENCE_S, f"{node.host.name} lists all others", look_s=_LOOK_S)
    return since


def _arrivals(nodes: Sequence[WholeNode]) -> tuple[list[float], list[float]]:
    """Let some leave and come back: seconds until their lists were complete, and until each other one listed them."""
    newcomer, noticed = [], []
    everybody = {node.peer for node in nodes}
    for node in nodes[:ARRIVALS]:
        others = [other for other in nodes if other is not node]
        node.stop()
        for other in others:
            wait_until(partial(_is_gone, node.peer, other), PATIENCE_S, "who left is gone", look_s=_LOOK_S)
        ready = node.start()
        newcomer.append(max(_listed(node, everybody - {node.peer}).values()) - ready)
        noticed += [_listed(other, {node.peer})[node.peer] - ready for other in others]
    return newcomer, noticed


def _share(nodes: Sequence[WholeNode]) -> None:
    """Let all have one playlist, and every two who can a connection."""
    first, *others = nodes
    playlist = first.ask("playlist.create", name="All of us")["id"]
    link = first.ask("invite.create", playlist=playlist)["link"]
    for other in others:
        other.ask("join", link=link)
    for node in nodes:
        wait_until(partial(_has_met, node, len(others)), PATIENCE_S, "all are connected", look_s=_LOOK_S)


def _is_gone(peer: str, other: WholeNode) -> bool:
    return peer not in other.neighbours()


def _has_met(node: WholeNode, others: int) -> bool:
    return _connections(node) >= others


def _rest(nodes: Sequence[WholeNode], rest_s: float) -> Rest:
    before = [_counters(node) for node in nodes]
    time.sleep(rest_s)
    after = [_counters(node) for node in nodes]
    pairs = list(zip(before, after, strict=True))
    per_min = 60 / rest_s
    return Rest(
        connections=_median([_connections(node) for node in nodes]),
        cpu_ms=round(_median([b.cpu_s - a.cpu_s for a, b in pairs]) * per_min * 1000),
        sent=round(_median([b.sent - a.sent for a, b in pairs]) * per_min, 1),
        received=round(_median([b.received - a.received for a, b in pairs]) * per_min, 1),
        received_bytes=round(_median([b.received_bytes - a.received_bytes for a, b in pairs]) * per_min),
    )


def _connections(node: WholeNode) -> int:
    return len(node.ask("node.status")["connections"])


def _counters(node: WholeNode) -> Counters:
    return counters(_pid(node))


def _pid(node: WholeNode) -> int:
    assert node.process is not None, "it runs"
    return node.process.pid


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


if __name__ == "__main__":
    for size in map(int, sys.argv[1:] or ("20",)):
        print(msgspec.json.encode(measure(size)).decode(), flush=True)  # noqa: T201
