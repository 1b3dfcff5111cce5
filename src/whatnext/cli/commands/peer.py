"""One peer: what is known of it, and the life of each of its connections, step by step."""

import time

from whatnext.cli.arguments import Given, PeerRef
from whatnext.cli.commands.peers import total
from whatnext.cli.tables import print_table
from whatnext.cli.words import moment
from whatnext.node.requests import OfPeer
from whatnext.node.timeline import FIRST_STEPS
from whatnext.node.timeline_views import LifeView, PeerReport, StepView


def show(peer: PeerRef, *, context: Given) -> None:
    """Show one peer: addresses, playlists, and how each of its connections came to be and ended."""
    found = context.ask("peers.show", OfPeer(peer=peer.lstrip("…")), PeerReport)
    if context.show(found):
        return
    context.print(f"{found.name or 'no name'} · {found.peer}")
    told = [found.standing, found.agent, found.last_seen and f"seen {moment(found.last_seen)}"]
    context.print(" · ".join(each for each in told if each))
    for c in found.connections:
        latency = "" if c.latency_ms is None else f", {c.latency_ms:.1f} ms"
        context.print(f"connected by {c.transport} ({c.path}, {c.direction}{latency}) at {c.address}")
    if found.problem:
        context.print(f"problem: {found.problem}")
    _print_addresses(found)
    _print_playlists(found)
    for life in found.lives:
        context.print("")
        context.print(_headline(life))
        print_table(("TIME", "+MS", "STEP", "WHAT", "TOOK MS", "ADDRESS"), _rows(life), _RIGHT)
    if not found.lives:
        context.say("No connection in this run of the node. Try: whatnext connect PEER")


_RIGHT = frozenset({"+MS", "TOOK MS"})


def _print_addresses(found: PeerReport) -> None:
    rows = [(a.address, moment(a.worked_at), moment(a.failing_since)) for a in found.addresses]
    print_table(("ADDRESS", "WORKED", "FAILING SINCE"), rows)


def _print_playlists(found: PeerReport) -> None:
    rows = [(p.name, p.state or "", total([p.pending_out]), total([p.pending_in])) for p in found.playlists]
    print_table(("PLAYLIST", "SYNC", "TO SEND", "TO GET"), rows, frozenset({"TO SEND", "TO GET"}))


def _headline(life: LifeView) -> str:
    how = "no connection came of it" if not life.connected else "over" if life.over else "open"
    before = f", after {life.failed_before} attempts that came to nothing" if life.failed_before else ""
    return f"Connection {life.number}, {how}{before}. It began {_exact(life.began_at)}"


def _rows(life: LifeView) -> list[tuple[str, ...]]:
    rows = [_row(step) for step in life.steps]
    if life.skipped:
        rows.insert(FIRST_STEPS, ("", "", "…", f"{life.skipped} steps are not kept", "", ""))
    return rows


def _row(step: StepView) -> tuple[str, ...]:
    took = "" if step.took_ms is None else f"{step.took_ms:.1f}"
    clock = _exact(step.at).split(" ")[1]
    return (clock, f"{step.after_ms:.1f}", step.kind, step.text, took, step.address or "")


def _exact(ms: int) -> str:
    """A time in the local zone, to the millisecond."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms // 1000)) + f".{ms % 1000:03}"
