"""What is remembered of a peer's addresses: pure rules, the clock comes in from outside. All times in milliseconds.

Nothing here keeps anybody from dialling an address: failures are remembered to be shown and to let go of what is
stale, never to refuse. An address stays for as long as it may reasonably be good again.
"""

from collections.abc import Iterable, Sequence

import msgspec

MAX_ADDRESSES = 16
"""Per peer: a liar that announces thousands costs no more."""
DAY_MS = 24 * 3600 * 1000
WORKED_AGE_MS = 90 * DAY_MS
"""An address that worked is forgotten so long after it did: friends who meet each season still find each other."""
TOLD_AGE_MS = 14 * DAY_MS
"""One that was only told (by a link, or by the peer of itself), so long after it was last told."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One address: when it was last told, when it last worked, and since when it has failed."""

    address: str
    told: int
    worked: int | None = None
    failing_since: int | None = None


def settle(entries: Iterable[Entry], now: int) -> list[Entry]:
    """Those still good to know, newest success first, then newest told; at most `MAX_ADDRESSES`."""
    kept = [entry for entry in entries if not is_stale(entry, now)]
    return sorted(kept, key=_rank)[:MAX_ADDRESSES]


def is_stale(entry: Entry, now: int) -> bool:
    """Whether it is time to forget an address."""
    if entry.worked is not None and now - entry.worked < WORKED_AGE_MS:
        return False
    return now - entry.told >= TOLD_AGE_MS


def told(entries: Sequence[Entry], addresses: Iterable[str], now: int) -> list[Entry]:
    """Somebody named these addresses: news of what is new, a longer life for what is known, nothing of success."""
    named = dict.fromkeys(addresses)
    known = {entry.address: entry for entry in entries}
    fresh = [msgspec.structs.replace(known.get(each, Entry(each, now)), told=now) for each in named]
    return settle([*fresh, *(entry for entry in entries if entry.address not in named)], now)


def tried(entries: Sequence[Entry], worked: Iterable[str], failed: Iterable[str], now: int) -> list[Entry]:
    """Some of them were dialled. An address unknown here is taken in when it worked."""
    known = {entry.address: entry for entry in entries}
    for address in worked:
        known[address] = Entry(address, now, now)
    for address in failed:
        entry = known.get(address)
        if entry is not None and entry.failing_since is None and entry.worked != now:
            known[address] = msgspec.structs.replace(entry, failing_since=now)
    return settle(known.values(), now)


def announced(entries: Sequence[Entry], addresses: Sequence[str], now: int) -> list[Entry]:
    """The peer itself says, while connected, that these are its addresses: all of them.

    One known for the same host and transport at another port is superseded, unless it worked just now: a node that
    starts on a new port has left the old one.
    """
    places = {_place(address) for address in addresses}
    said = set(addresses)
    left = [
        entry
        for entry in entries
        if entry.address in said or entry.worked == now or _place(entry.address) not in places
    ]
    return told(left, addresses, now)


def _place(address: str) -> tuple[str, ...]:
    """A multiaddr without its port numbers: `/ip4/192.0.2.1/tcp/4001/ws` → host, `tcp`, `ws`."""
    return tuple(part for part in address.split("/") if not part.isdecimal())


def _rank(entry: Entry) -> tuple[bool, int, int]:
    return (entry.worked is None, -(entry.worked or 0), -entry.told)
