"""Which connections to give up first. Pure.

Two watermarks with room between them, so that a table at its edge is not pruned at every newcomer: above the high one
connections are given up until the low one is reached. Members and relays are never given up this way.
"""

import math
from collections.abc import Sequence

import msgspec

from whatnext.net.admission.origins import Origin
from whatnext.net.standing import Standing


class Held(msgspec.Struct, frozen=True):
    """A connection that takes a place. `key` names it; times in seconds.

    `streams` are those of protocols that serve a user (ping and identify do not count); `idle_s` is 0 while there are
    any, else the time since there were.
    """

    key: int
    peer: str
    standing: Standing
    inbound: bool
    address: str = ""
    origin: Origin | None = None
    age_s: float = 0.0
    idle_s: float = 0.0
    streams: int = 0
    unread: int = 0
    """Bytes it sent that nobody here has read yet."""
    passing: bool = False
    """It is just entering the table or leaving it: it takes a place, and cannot be given up."""


def worth(held: Held) -> tuple[Standing, bool, float, int, float]:
    """Sort key, the least worth keeping first: standing; unused, longest unused; fewest streams; youngest."""
    return (held.standing, held.streams > 0, -held.idle_s, held.streams, held.age_s)


def watermark(share: float, maximum: int) -> int:
    """Connections that a share of the maximum stands for; of a small maximum, all of it."""
    return math.ceil(share * maximum - 1e-9)


def surplus(table: Sequence[Held], *, low: int, high: int, grace_s: float) -> list[Held]:
    """Connections to give up now: none up to `high`, else the least worth keeping until `low` are left.

    Those younger than `grace_s` are spared: whoever just came has not had time to show what for.
    """
    if len(table) <= high:
        return []
    given = [
        held
        for held in table
        if held.standing < Standing.MEMBER and held.age_s >= grace_s and not held.passing
    ]
    return sorted(given, key=worth)[: len(table) - low]


def hoarders(table: Sequence[Held], budget: int) -> list[Held]:
    """Connections whose unread bytes are more than this node can bear: those with the most, until the rest fit."""
    total, given = sum(held.unread for held in table), []
    for held in sorted(table, key=lambda held: held.unread, reverse=True):
        if total <= budget:
            break
        given.append(held)
        total -= held.unread
    return given
