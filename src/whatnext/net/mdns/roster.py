"""A list of neighbours for people: sans-IO, events and clock in, list out. It does not flicker when peers churn."""

import enum

import msgspec

from whatnext.net.mdns.sightings import Event, Found, Quiet

RETURN_S = 3.0
"""A peer that restarts says goodbye and is back within this; until then it is shown as quiet."""
SHOWN_GONE_S = 60.0
"""How long a peer that left is still listed as gone."""
MAX_GONE = 256
"""Peers listed as gone; the oldest make room."""


class State(enum.StrEnum):
    """How sure it is that a neighbour is there."""

    HERE = "here"
    QUIET = "quiet"
    GONE = "gone"


class Neighbour(msgspec.Struct, frozen=True):
    """A row of the list. `since` is when its state began, `first_seen` when it came; seconds of the clock given."""

    peer: str
    addresses: tuple[str, ...]
    whatnext: bool
    state: State
    first_seen: float
    since: float


class Roster:
    """Neighbours by PeerID."""

    def __init__(self) -> None:
        self._rows: dict[str, Neighbour] = {}

    def take(self, event: Event, now: float) -> None:
        """Note what discovery told at `now`; a word about an unknown peer that is not a `Found` changes nothing."""
        self._forget(now)
        row = self._rows.get(event.peer)
        if isinstance(event, Found):
            back = row is None or _shown(row, now).state is State.GONE
            first_seen = now if row is None or back else row.first_seen
            since = now if row is None or row.state is not State.HERE else row.since
            self._rows[event.peer] = Neighbour(
                event.peer, event.addresses, event.whatnext, State.HERE, first_seen, since
            )
        elif row is not None:
            state = State.QUIET if isinstance(event, Quiet) else State.GONE
            if row.state is not state and row.state is not State.GONE:
                self._rows[event.peer] = msgspec.structs.replace(row, state=state, since=now)

    def listing(self, now: float, *, foreign: bool = False) -> list[Neighbour]:
        """WhatNext neighbours (all libp2p nodes if `foreign`): who is here first, longest known first."""
        self._forget(now)
        order = list(State)
        rows = [_shown(row, now) for row in self._rows.values() if row.whatnext or foreign]
        return sorted(rows, key=lambda row: (order.index(row.state), row.first_seen, row.peer))

    def next_change(self, now: float) -> float | None:
        """Seconds until `listing` changes by time alone, or None."""
        waits = [
            end - now
            for row in self._rows.values()
            if row.state is State.GONE
            for end in (row.since + RETURN_S, row.since + SHOWN_GONE_S)
            if end > now
        ]
        return min(waits, default=None)

    def _forget(self, now: float) -> None:
        gone = sorted((r for r in self._rows.values() if r.state is State.GONE), key=lambda r: -r.since)
        for place, row in enumerate(gone):
            if place >= MAX_GONE or row.since + SHOWN_GONE_S <= now:
                del self._rows[row.peer]


def _shown(row: Neighbour, now: float) -> Neighbour:
    if row.state is State.GONE and now < row.since + RETURN_S:
        return msgspec.structs.replace(row, state=State.QUIET)
    return row
