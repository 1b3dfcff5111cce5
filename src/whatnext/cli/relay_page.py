"""The relay's status page on a terminal; the relay runs on this machine and tells it over loopback."""

import http.client
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from whatnext.cli.context import Context
from whatnext.cli.tables import print_table
from whatnext.cli.words import short_peer
from whatnext.errors import ConnectionLost, NodeNotRunning
from whatnext.node.state_file import is_alive
from whatnext.relay.status import RelayStatus, read_word

_PATIENCE_S = 10.0
_CLEAR = "\x1b[H\x1b[2J"
_UNITS = ("B", "kB", "MB", "GB", "TB")


def ask(directory: Path) -> RelayStatus:
    """The page of the relay that runs on this directory; raises `NodeNotRunning`, `ConnectionLost`."""
    word = read_word(directory)
    if word is None or not is_alive(word.pid):
        raise NodeNotRunning(
            f"no relay runs on {directory}: start one with `whatnext relay`, or name its directory with --profile"
        )
    connection = http.client.HTTPConnection(urlsplit(word.url).netloc, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/status", headers={"Authorization": f"Bearer {word.token}"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionLost(f"the relay does not answer at {word.url}: {error}") from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise ConnectionLost(f"what answers at {word.url} is not the relay of {directory} ({answer.status})")
    return msgspec.json.decode(body, type=RelayStatus)


def show(status: RelayStatus, context: Context, *, again: bool = False) -> None:
    """Print a page; `again` in the place of the last one on a terminal, as one line elsewhere."""
    if context.show(status):
        return
    if again and not sys.stdout.isatty():
        context.print(_line(status))
        sys.stdout.flush()
        return
    if again:
        sys.stdout.write(_CLEAR)
    _print_page(status, context)
    sys.stdout.flush()


def _print_page(status: RelayStatus, context: Context) -> None:
    limits = status.limits
    state = "stopping" if status.draining else f"access: {status.access}"
    context.print(f"{status.peer} · up {period(status.uptime_s)} · {state} · WhatNext {status.version}")
    for address in status.addresses:
        context.print(f"  {address}")
    context.print(
        f"connected {status.connections:,} of {limits.max_connections:,}"
        f" · waiting {len(status.waiting):,} of {limits.reservations:,}"
        f" · circuits {len(status.talking):,} of {limits.circuits:,}"
        f" · at the meeting point {status.rendezvous_entries:,}"
    )
    context.print(
        f"carried {size(status.bytes_to_target)} there and {size(status.bytes_to_source)} back"
        f" in {status.circuits_opened:,} circuits"
    )
    if status.endings:
        context.print(f"circuits ended: {_counts(status.endings)}")
    if status.refusals:
        context.print(f"refused: {_counts(status.refusals)}")
    waiting = [
        (short_peer(w.peer), w.origin, period(w.expires_in_s), str(w.circuits)) for w in status.waiting
    ]
    print_table(("WAITING", "FROM", "FOR", "CIRCUITS"), waiting, frozenset({"CIRCUITS"}))
    talking = [
        (
            str(t.number),
            short_peer(t.source),
            short_peer(t.target),
            t.origin,
            "opening" if t.age_s is None else period(t.age_s),
            size(t.to_target),
            size(t.to_source),
        )
        for t in status.talking
    ]
    columns = ("CIRCUIT", "BY", "TO", "FROM", "SINCE", "THERE", "BACK")
    print_table(columns, talking, frozenset({"THERE", "BACK"}))


def _line(status: RelayStatus) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(status.at))
    return (
        f"{at} connected {status.connections} waiting {len(status.waiting)} circuits {len(status.talking)}"
        f" there {status.bytes_to_target} back {status.bytes_to_source} refused {sum(status.refusals.values())}"
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


def period(seconds: float) -> str:
    """A length of time in its two largest units, as `3 h 12 min`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def size(count: int) -> str:
    """Bytes as people read them: `1.4 MB`."""
    amount = float(count)
    for unit in _UNITS[:-1]:
        if amount < 1000:
            return f"{amount:.1f} {unit}" if unit != "B" else f"{count} B"
        amount /= 1000
    return f"{amount:.1f} {_UNITS[-1]}"
