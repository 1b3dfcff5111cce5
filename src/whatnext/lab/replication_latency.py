"""How long an edit takes to devices that are far away: `python -m whatnext.lab.replication_latency`.

Three whole nodes in hosts of their own, `mesh` or `line` (see `whatnext.lab.far_nodes`), at each round-trip time and
loss. As root. One JSON object a line; a table in Markdown follows on stderr.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from whatnext.lab.far_nodes import Edits, FarNodes, Shape, Spread, spread
from whatnext.lab.lab import Lab

RECONNECTS = 5
HURRIED, EVERY_S = 40, 0.05
IDLE_S = 10.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One network.

    `rtt_measured_ms`: bare UDP packets between A and B. `calm_…`: edits one at a time, from the call on A until B (C)
    tells of it; `hurried_…`: one every 50 ms, whatever has arrived. `bytes_per_edit`: what one calm edit puts on the
    networks, all three devices together, frames with their headers, less what they say while nobody edits.
    `joined_ms`: B's joining; `reconnect_ms`: from C's `connect` until it is in sync again, median of five.
    """

    shape: Shape
    rtt_ms: float
    loss: float
    edits: int
    rtt_measured_ms: float
    calm_b: Spread
    calm_c: Spread
    hurried_b: Spread
    hurried_c: Spread
    bytes_per_edit: float
    joined_ms: float
    reconnect_ms: float


def measure(shape: Shape, rtt_ms: float, loss: float, edits: int, idle_s: float = IDLE_S) -> Result:
    """Build one network and edit on it. Raises `WhatNextError` when an edit does not arrive."""
    rtt_s = rtt_ms / 1000
    with Lab() as lab, TemporaryDirectory(prefix="whatnext-far-") as top:
        nodes = FarNodes(lab, Path(top), shape, rtt_s, loss)
        measured = nodes.round_trip_s()
        running = Edits(nodes)
        idle, began = nodes.bytes_sent(), time.perf_counter()
        time.sleep(idle_s)
        idle_rate = (nodes.bytes_sent() - idle) / (time.perf_counter() - began)
        before, began = nodes.bytes_sent(), time.perf_counter()
        calm = running.calm(edits, 0.1 + 2 * rtt_s)
        time.sleep(1.0)
        spent = nodes.bytes_sent() - before - idle_rate * (time.perf_counter() - began)
        hurried = running.hurried(HURRIED, EVERY_S)
        running.close()
        reconnects = [nodes.reconnect_s() for _ in range(RECONNECTS)]
        return Result(
            shape=shape,
            rtt_ms=rtt_ms,
            loss=loss,
            edits=edits,
            rtt_measured_ms=round(measured * 1000, 1),
            calm_b=spread(calm[0]),
            calm_c=spread(calm[1]),
            hurried_b=spread(hurried[0]),
            hurried_c=spread(hurried[1]),
            bytes_per_edit=round(spent / edits),
            joined_ms=round(nodes.joined_s * 1000),
            reconnect_ms=round(median(reconnects) * 1000),
        )


def table(found: list[Result]) -> str:
    """A row a network."""
    lines = [
        "| shape | RTT ms | loss | B: p50 / p95 | C: p50 / p95 | hurried, C | bytes | join | again |",
        "|---" * 9 + "|",
    ]
    for each in found:
        cells = [each.shape, f"{each.rtt_ms:g}", f"{each.loss:.0%}"]
        cells += [f"{s.p50:g} / {s.p95:g}" for s in (each.calm_b, each.calm_c, each.hurried_c)]
        cells += [f"{each.bytes_per_edit:g}", f"{each.joined_ms:g}", f"{each.reconnect_ms:g}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(words: list[str]) -> None:
    """Run the experiment that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m whatnext.lab.replication_latency")
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--rtt-ms", type=float, nargs="+", default=[0, 50, 100, 500])
    parser.add_argument("--loss", type=float, nargs="+", default=[0, 0.02], help="0.02 is 2 %% each way")
    parser.add_argument("--shape", nargs="+", choices=("mesh", "line"), default=["mesh", "line"])
    asked = parser.parse_args(words)
    found: list[Result] = []
    for shape in asked.shape:
        for loss in asked.loss:
            for rtt_ms in asked.rtt_ms:
                found.append(measure(shape, rtt_ms, loss, asked.edits))
                sys.stdout.write(msgspec.json.encode(found[-1]).decode() + "\n")
                sys.stdout.flush()
    sys.stderr.write("\n" + table(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
