"""Live edits through the nodes of several source trees, in turns within one run: what one commit costs beside another.

    python tools/live_in_turns.py [--rounds 12] [--edits 40] [--entries 100] TREE TREE…

A tree is a directory with `src` in it, as `git archive COMMIT src | tar x -C TREE` makes it. Two runs of `whatnext
bench live` differ by what the machine does meanwhile; here that falls on all trees alike. Prints a line for each:
milliseconds until both other nodes told, and the processor milliseconds of an edit on each node (median of the rounds).
"""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from whatnext.bench.chance import DEFAULT_SEED, seeded
from whatnext.bench.live import WARM_UP, Run, percentile
from whatnext.bench.nodes import Node
from whatnext.bench.sharing import share_playlist

PAUSE_S = 0.005
NODES = 3


class Team:
    """Three nodes of one tree that share a playlist."""

    def __init__(self, tree: Path, directory: Path, entries: int, stack: ExitStack) -> None:
        self.tree = tree
        self.slowest: list[float] = []
        self.computed: list[list[float]] = []
        os.environ["PYTHONPATH"] = str(
            tree.resolve() / "src"
        )  # for the nodes; this process has its own already
        self._nodes = [Node(directory / f"peer{number}") for number in range(NODES)]
        for node in self._nodes:
            stack.callback(node.stop)
            node.start()
        self._run = Run(
            self._nodes[0],
            self._nodes[1:],
            share_playlist(self._nodes, entries),
            seeded(DEFAULT_SEED),
        )
        stack.callback(self._run.close)

    def edit(self, edits: int, *, counts: bool = True) -> None:
        """Make so many edits and note how long they took."""
        before = [_computed_ms(node) for node in self._nodes]
        for _ in range(edits):
            time.sleep(PAUSE_S)
            seen = self._run.edit().seen
            if counts:
                self.slowest.append(max(ms if ms is not None else float("inf") for ms in seen))
        after = [_computed_ms(node) for node in self._nodes]
        if counts:
            self.computed.append([(now - then) / edits for then, now in zip(before, after, strict=True)])

    def line(self) -> str:
        """The figures."""
        took = ", ".join(
            f"p{percent} {percentile(self.slowest, percent):.2f}" for percent in (10, 50, 90, 99)
        )
        computed = " ".join(f"{median(node):.2f}" for node in zip(*self.computed, strict=True))
        return f"{self.tree.name:20} {took} ms; processor {computed} ms"


def _computed_ms(node: Node) -> float:
    tasks = Path(f"/proc/{node.pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e6


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--edits", type=int, default=40)
    parser.add_argument("--entries", type=int, default=100)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="whatnext-bench-") as top, ExitStack() as stack:
        teams = [
            Team(tree, Path(top) / str(number), asked.entries, stack)
            for number, tree in enumerate(asked.trees)
        ]
        for team in teams:
            team.edit(WARM_UP, counts=False)
        for number in range(asked.rounds):
            for team in teams if number % 2 else reversed(teams):
                team.edit(asked.edits)
        for team in teams:
            sys.stdout.write(f"{team.line()}\n")


if __name__ == "__main__":
    main()
