"""The peers this device knows: who they are and how they stand."""

from collections.abc import Iterable

from whatnext.cli.arguments import Given
from whatnext.cli.tables import print_table
from whatnext.cli.words import moment
from whatnext.node.views import PeerView
from whatnext.playlists.requests import Nothing


def peers(*, context: Given) -> None:
    """List known peers: connected, greeted and in sync are three things."""
    found = context.ask("peers.list", Nothing(), list[PeerView])
    if context.show(found):
        return
    rows = [
        (
            p.name or ("(a relay)" if p.relay else ""),
            p.peer,
            "blocked" if p.blocked else mark(p.connected),
            mark(p.handshaken),
            mark(p.in_sync),
            p.path or "",
            "" if p.latency_ms is None else f"{p.latency_ms:.1f}",
            total(s.pending_out for s in p.playlists),
            total(s.pending_in for s in p.playlists),
            moment(p.last_seen),
        )
        for p in found
    ]
    columns = ("NAME", "PEER", "CONNECTED", "GREETED", "IN SYNC", "PATH", "MS", "TO SEND", "TO GET", "SEEN")
    print_table(columns, rows, frozenset({"MS", "TO SEND", "TO GET"}))
    if not found:
        context.say("No peers yet. Connect to one: whatnext connect ADDRESS; or: whatnext join LINK")


def mark(yes: bool) -> str:
    """`yes` or `no`."""
    return "yes" if yes else "no"


def total(counts: Iterable[int | None]) -> str:
    """What is pending over several playlists; a question mark while any of it cannot be known."""
    known = list(counts)
    return "?" if None in known else str(sum(count or 0 for count in known))
