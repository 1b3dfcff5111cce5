"""Which routers let two homes meet directly: `python -m whatnext.lab.nat_matrix [--runs N] [ROUTER …]`.

Every pair of these routers (all by default), Ben with a place at a relay, Anna joining by his link; a JSON object a
line for each run, and at the end the table as Markdown on stderr.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from whatnext.errors import WhatNextError
from whatnext.lab.homes import Router, TwoHomes
from whatnext.lab.lab import Lab

DIRECT_S = 8.0
"""How long an upgrade is waited for: all rounds of hole punching take less."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One join. Seconds from the command: first edit here, first edit there, both sides direct (None: never)."""

    anna: str
    ben: str
    first_path: str
    path: str
    here_s: float
    there_s: float
    direct_s: float | None
    works: bool


def measure(homes: TwoHomes) -> Run:
    """Let Anna join, wait for what becomes of the path, and see that edits still go both ways."""
    link = homes.invite()
    here, there = homes.join(link)
    first = homes.path(homes.anna) or "none"
    upgrade = homes.wait_direct(DIRECT_S)
    return Run(
        anna=homes.anna.router,
        ben=homes.ben.router,
        first_path=first,
        path=homes.path(homes.anna) or "none",
        here_s=here,
        there_s=there,
        direct_s=None if upgrade is None else there + upgrade,
        works=homes.exchange("afterwards"),
    )


def pair(anna: Router, ben: Router, runs: int) -> Iterable[Run]:
    """As many joins through one pair of routers, each between new devices."""
    with tempfile.TemporaryDirectory() as directory, Lab() as lab:
        homes = TwoHomes(lab, anna, ben, Path(directory))
        homes.start()
        for number in range(runs):
            if number:
                homes.begin_anew()
            yield measure(homes)


def table(found: list[Run], routers: list[Router]) -> str:
    """Rows are Anna's routers (she calls), columns Ben's (he is called): the path, and the median time to it."""
    lines = ["| Anna ↓ Ben → | " + " | ".join(routers) + " |", "|---" * (len(routers) + 1) + "|"]
    for anna in routers:
        cells = [_cell([run for run in found if (run.anna, run.ben) == (anna, ben)]) for ben in routers]
        lines.append(f"| {anna} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(runs: list[Run]) -> str:
    direct = [run.direct_s for run in runs if run.direct_s is not None]
    if not direct:
        return f"relay {statistics.median(run.there_s for run in runs):.1f} s" if runs else "–"
    all_of_them = "" if len(direct) == len(runs) else f" ({len(direct)} of {len(runs)})"
    return f"direct {statistics.median(direct):.1f} s{all_of_them}"


def main(words: list[str]) -> None:
    """Run the experiment that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m whatnext.lab.nat_matrix")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("routers", nargs="*", type=Router, default=[])
    asked = parser.parse_args(words)
    routers = asked.routers or list(Router)
    found: list[Run] = []
    for anna in routers:
        for ben in routers:
            try:
                for run in pair(anna, ben, asked.runs):
                    found.append(run)
                    sys.stdout.write(msgspec.json.encode(run).decode() + "\n")
                    sys.stdout.flush()
            except WhatNextError as error:
                sys.stderr.write(f"{anna} × {ben}: {error}\n")
    sys.stderr.write(table(found, routers) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
