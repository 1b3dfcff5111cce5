"""`whatnext bench NAME`: one JSON object on stdout, progress on stderr."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from whatnext.bench.chance import DEFAULT_SEED
from whatnext.errors import UserError

Measure = Callable[[argparse.Namespace], msgspec.Struct]


def run(argv: list[str]) -> int:
    """Run one bench; 1 when it shows a loss or devices that disagree, 2 when the words make no sense."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said why, or printed its help
        return 0 if not stop.code else UserError.exit_status
    measure: Measure = options.measure
    report = measure(options)
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    sys.stdout.flush()
    return 0 if _holds(report) else 1


def _holds(report: msgspec.Struct) -> bool:
    return (
        not getattr(report, "lost", 0)
        and getattr(report, "converged", True)
        and getattr(report, "same_order", True)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="whatnext bench", description=__doc__)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of everything random (%(default)s)")
    benches = parser.add_subparsers(metavar="NAME", required=True)
    for add in (
        _add_live,
        _add_cold,
        _add_size,
        _add_trace,
        _add_start,
        _add_rxdb,
        _add_relay,
        _add_relay_hour,
        _add_all,
    ):
        add(benches)
    return parser


Benches: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse names it nowhere else


def _bench(benches: Benches, name: str, text: str, measure: Measure) -> argparse.ArgumentParser:
    made = benches.add_parser(name, help=text, description=text)
    made.set_defaults(measure=measure)
    return made


def _add_live(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import live

        return live.measure(
            live.Options(
                peers=o.peers,
                edits=o.edits,
                entries=o.entries,
                pause_ms=o.pause_ms,
                seed=o.seed,
                shape=o.shape,
                stages=o.stages,
            )
        )

    made = _bench(benches, "live", "an edit on one node until all others tell of it", measure)
    made.add_argument("--peers", type=_at_least(2), default=3, help="nodes, each a process (%(default)s)")
    made.add_argument(
        "--edits", type=_at_least(1), default=200, help="measured, after 30 to warm up (%(default)s)"
    )
    made.add_argument(
        "--entries", type=_at_least(0), default=100, help="in the playlist before (%(default)s)"
    )
    made.add_argument(
        "--stages", action="store_true", help="say where the time goes; timing costs some itself"
    )
    made.add_argument("--pause-ms", type=float, default=5.0, help="between two edits (%(default)s)")
    made.add_argument(
        "--shape", choices=("mesh", "star"), default="mesh", help="who is connected (%(default)s)"
    )


def _add_cold(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import cold

        return cold.measure(o.entries, o.per_record, o.seed)

    made = _bench(benches, "cold", "a large playlist comes to a device that has nothing of it", measure)
    made.add_argument("--entries", type=_at_least(1), default=10_000, help="(%(default)s)")
    made.add_argument(
        "--per-record", type=_at_least(1), default=100, help="entries in one change (%(default)s)"
    )


def _add_size(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import size

        return size.measure(o.entries, o.repeats, o.seed)

    made = _bench(benches, "size", "bytes on the wire for one change", measure)
    made.add_argument(
        "--entries", type=_at_least(4), default=1000, help="in the playlist before (%(default)s)"
    )
    made.add_argument("--repeats", type=_at_least(1), default=50, help="(%(default)s)")


def _add_trace(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import trace

        return trace.measure(o.file, o.devices, o.every, o.seed)

    text = "a real edit history on devices that edit while apart; FILE as in whatnext/bench/trace.py"
    made = _bench(benches, "trace", text, measure)
    made.add_argument("file", type=Path, metavar="FILE", help="JSON, may be gzipped")
    made.add_argument("--devices", type=_at_least(2), default=4, help="(%(default)s)")
    made.add_argument(
        "--every", type=_at_least(1), default=20, help="edits between two meetings (%(default)s)"
    )


def _add_start(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import start

        return start.measure(o.repeats, o.entries)

    made = _bench(benches, "start", "a node's start, its memory, and what a command costs", measure)
    made.add_argument("--repeats", type=_at_least(1), default=5, help="(%(default)s)")
    made.add_argument(
        "--entries", type=_at_least(1), default=1000, help="in the profile's playlist (%(default)s)"
    )


def _add_rxdb(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import rxdb

        return rxdb.measure(
            rxdb.Options(
                entries=o.entries, batch=o.batch, runs=o.runs, edits=o.edits, deaf=o.deaf, seed=o.seed
            )
        )

    made = _bench(benches, "rxdb", "real RxDB clients of a node, beside RxDB's own master", measure)
    made.add_argument("--entries", type=_at_least(1), default=10_000, help="of the cold pull (%(default)s)")
    made.add_argument("--batch", type=_at_least(1), default=1000, help="of the cold pull (%(default)s)")
    made.add_argument("--runs", type=_at_least(1), default=5, help="cold pulls from each (%(default)s)")
    made.add_argument("--edits", type=_at_least(2), default=200, help="after 30 to warm up (%(default)s)")
    made.add_argument("--deaf", type=_at_least(0), default=20, help="clients that read nothing (%(default)s)")


def _add_relay(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import relay

        return relay.measure(o.clients, o.circuits, o.seconds, o.other)

    text = "what circuits cost a relay, and what the way through it costs its users"
    made = _bench(benches, "relay", text, measure)
    made.add_argument("--clients", type=_at_least(2), default=100, help="half of them wait (%(default)s)")
    made.add_argument("--circuits", type=_at_least(1), default=50, help="(%(default)s)")
    made.add_argument(
        "--seconds", type=float, default=20.0, help="for which they all send edits (%(default)s)"
    )
    made.add_argument("--other", metavar="MULTIADDR", help="another relay, to compare the way through it")


def _add_relay_hour(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import relay_hour

        return relay_hour.measure(o.users, o.seconds)

    text = "what a user costs a relay's line in an hour; in a network namespace of its own"
    made = _bench(benches, "relay-hour", text, measure)
    made.add_argument("--users", type=_at_least(2), default=10, help="half of them call (%(default)s)")
    made.add_argument(
        "--seconds", type=float, default=120.0, help="for which each state is watched (%(default)s)"
    )


def _add_all(benches: Benches) -> None:
    def measure(o: argparse.Namespace) -> msgspec.Struct:
        from whatnext.bench import goals

        return goals.measure(o.trace)

    made = _bench(benches, "all", "every bench once, and a table against the goals of design §11", measure)
    made.add_argument(
        "--trace", type=Path, action="append", default=[], metavar="FILE", help="repeat for several"
    )


def _at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"at least {least}")
        return value

    read.__name__ = "number"
    return read
