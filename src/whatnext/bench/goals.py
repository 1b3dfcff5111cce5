"""`bench all`: every bench once, as a table against the goals of design §11."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from whatnext.bench.chance import DEFAULT_SEED
from whatnext.bench.progress import say

Report = msgspec.Struct


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """A number to reach: at most `most`, or exactly true."""

    what: str
    most: float | bool
    measured: float | bool
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is reached."""
        return self.measured is True if self.most is True else self.measured <= self.most


class AllReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every report, and the goals they are held to."""

    bench: str = "all"
    goals: list[Goal]
    reports: list[dict[str, Any]]

    @property
    def converged(self) -> bool:
        """Whether nothing was lost and no device disagreed; speed is another matter."""
        return all(goal.holds for goal in self.goals if goal.most is True or goal.most == 0)


# Per bench: its key, what a reader calls it, the goal of design §11 (True: must hold), the unit.
_LIVE = (
    ("p50_ms", "live edit, p50", 3, "ms"),
    ("p99_ms", "live edit, p99", 10, "ms"),
    ("lost", "live, lost", 0, ""),
)
_COLD = {
    100: (("seconds", "cold sync, 10,000 entries in bulk", 0.5, "s"),),
    1: (("seconds", "cold sync, 10,000 single records", 2, "s"),),
}
_SIZE = (("add", "wire bytes of one added track", 450, "B"),)
_START = (
    ("ready_s", "node start to ready", 2.5, "s"),
    ("rss_mb", "idle memory", 120, "MB"),
    ("cli_ms", "a command without network", 300, "ms"),
)
_RXDB = (
    ("cold_s", "RxDB: cold pull of 10,000", 0.25, "s"),
    ("node_p50_ms", "RxDB: node to client, p50", 1, "ms"),
    ("client_p50_ms", "RxDB: client to client, p50", 2, "ms"),
)
_TRACE = (("converged", "{name}: converged", True, ""), ("same_order", "{name}: same order", True, ""))


def measure(traces: Sequence[Path]) -> AllReport:
    """Run all of them, one after the other; a trace that is not there is left out, and said."""
    from whatnext.bench import cold, live, rxdb, size, start, trace

    live_options = live.Options(peers=3, edits=200, entries=100, pause_ms=5, seed=DEFAULT_SEED)
    benches: list[tuple[Callable[[], Report], Any]] = [
        (lambda: live.measure(live_options), _LIVE),
        (lambda: cold.measure(10_000, 100, DEFAULT_SEED), _COLD[100]),
        (lambda: cold.measure(10_000, 1, DEFAULT_SEED), _COLD[1]),
        (lambda: size.measure(1000, 50, DEFAULT_SEED), _SIZE),
        (lambda: start.measure(5, 1000), _START),
    ]
    if rxdb.command() is None:
        say("Node.js or RxDB is not there: rxdb is left out")
    else:
        benches.append((lambda: rxdb.measure(rxdb.Options(seed=DEFAULT_SEED)), _RXDB))
    for file in traces:
        if file.exists():
            benches.append((partial(trace.measure, file, 4, 20, DEFAULT_SEED), _TRACE))
        else:
            say(f"{file} is not there: left out")
    goals: list[Goal] = []
    reports: list[dict[str, Any]] = []
    for run, wanted in benches:
        report = msgspec.to_builtins(run())
        reports.append(report)
        goals += [
            Goal(what=what.format_map(report), most=most, measured=report[key], unit=unit)
            for key, what, most, unit in wanted
        ]
    say(table(goals))
    return AllReport(goals=goals, reports=reports)


def table(goals: Sequence[Goal]) -> str:
    """The goals as lines: what, goal, measured, whether it holds."""
    rows = [("", "goal", "measured", "")]
    for goal in goals:
        wanted = "yes" if goal.most is True else f"≤ {goal.most:g} {goal.unit}".strip()
        measured = (
            ("yes" if goal.measured else "no")
            if goal.most is True
            else f"{goal.measured:g} {goal.unit}".strip()
        )
        rows.append((goal.what, wanted, measured, "" if goal.holds else "SHORT"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{what:<{widths[0]}}  {wanted:>{widths[1]}}  {measured:>{widths[2]}}  {verdict}".rstrip()
        for what, wanted, measured, verdict in rows
    )
