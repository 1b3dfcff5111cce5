"""`bench start`: how long a node takes to be ready, what it weighs when idle, and what a command costs."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from whatnext.bench.bulk import fill
from whatnext.bench.chance import seeded
from whatnext.bench.device import Device
from whatnext.bench.nodes import Node, whatnext
from whatnext.bench.progress import say
from whatnext.identity import load_or_create
from whatnext.store.database import FILE

IDLE_S = 3.0


class StartReport(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of processes on a profile with one playlist; `cli_ms` is `whatnext playlist list` with no node running.

    `cli_node_ms` is the same command through the running node, `python_ms` an interpreter that does nothing.
    """

    bench: str = "start"
    ready_s: float
    ready_max_s: float
    rss_mb: float
    stop_s: float
    cli_ms: float
    cli_node_ms: float
    python_ms: float
    entries: int
    repeats: int


def measure(repeats: int, entries: int) -> StartReport:
    """Start and stop a node so many times, let the last one idle, then run commands."""
    with TemporaryDirectory(prefix="whatnext-bench-") as top:
        directory = Path(top) / "profile"
        directory.mkdir(mode=0o700)
        device = Device("peer", seeded(1), directory / FILE, load_or_create(directory))
        fill(device, device.create("Kitchen party"), entries, 100)
        device.close()
        node = Node(directory, listen=None)
        ready, stops = [], []
        try:
            for number in range(repeats + 1):  # the first start warms the file cache
                node.start()
                ready.append(node.ready_s)
                say(f"ready in {node.ready_s:.2f} s")
                if number < repeats:
                    stops.append(_timed(node.stop))
            time.sleep(IDLE_S)
            resident = node.resident_mb()
            through_node = _command_ms(directory, repeats)
        finally:
            node.stop()
        direct = _command_ms(directory, repeats)
        bare = [_timed(lambda: _run([whatnext(directory)[0], "-c", "pass"])) for _ in range(repeats)]
    return StartReport(
        ready_s=round(median(ready[1:]), 3),
        ready_max_s=round(max(ready[1:]), 3),
        rss_mb=round(resident, 1),
        stop_s=round(median(stops), 3),
        cli_ms=round(direct),
        cli_node_ms=round(through_node),
        python_ms=round(median(bare) * 1000),
        entries=entries,
        repeats=repeats,
    )


def _command_ms(directory: Path, repeats: int) -> float:
    command = [*whatnext(directory), "playlist", "list"]
    _run(command)
    return median(_timed(lambda: _run(command)) for _ in range(repeats)) * 1000


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
