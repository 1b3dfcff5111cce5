"""A peer that could not be reached: everything that was tried, each with its reason, and what to do next."""

from collections.abc import Sequence

from whatnext.errors import NetworkError, Tried, Unreachable, WrongPeer
from whatnext.net.dialing import Pool
from whatnext.net.failures import HUNG_UP

ADVICE = (
    "Is it online, with WhatNext running? If so, ask for a fresh link: `whatnext id --link` there,"
    " `whatnext connect LINK` here. `whatnext doctor` checks this side."
)


def unreachable(pool: Pool, order: Sequence[str], silent: Sequence[Tried]) -> NetworkError:
    """The error for a peer that no way led to: lines in the `order` of the ways' names.

    It is a `WrongPeer` when the only thing known of the peer was an address where somebody else answered.
    """
    tried = [
        Tried(pool.origin_of(failure.address) or "address", failure.reason, failure.address)
        for failure in pool.failures
    ]
    if len(tried) == 1 and pool.failures[0].wrong_peer:
        return WrongPeer(f"not {pool.peer} at {tried[0].address}: {tried[0].reason}")
    rank = {name: number for number, name in enumerate(order)}
    listed = sorted([*tried, *silent], key=lambda each: rank.get(each.way, -1))
    lines = "".join(f"\n  {_line(each)}" for each in listed)
    answered = any(failure.code in HUNG_UP for failure in pool.failures)
    return Unreachable(
        f"{pool.peer} could not be reached. Tried:{lines}\n{ADVICE}", listed, answered=answered
    )


def _line(tried: Tried) -> str:
    where = f"{tried.address}: " if tried.address is not None else ""
    return f"{tried.way}: {where}{tried.reason}"
