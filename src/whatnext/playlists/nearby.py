"""As much of a list's order as a change there needs: a list of ten thousand is not read to move one track.

Each function gives either the whole order or a part of it in which the change comes out the same: the named entries,
and around the place they go to so many others that those who are neighbours there are neighbours in the list too.
"""

from collections.abc import Sequence

from whatnext.playlists import references
from whatnext.playlists.placing import Order
from whatnext.playlists.service import Playlists
from whatnext.records import ids
from whatnext.store import listing

_SHORT_POSITION = 32
"""A key made next to such a one, even a run of 50,000, stays below `positions.LONG_BYTES`: nothing is respaced."""
_MOST = 50
"""Entries looked up one by one; for more the list is read."""


def end(here: Playlists, found: bytes, *, first: bool) -> Order:
    """What adding at one end needs: the entry there."""
    outermost = listing.end_entry(here.library.database.connection, found, first=first)
    return outermost if _is_roomy(outermost) else references.order(here, found)


def named(here: Playlists, found: bytes, texts: Sequence[str]) -> Order:
    """What naming entries needs: those entries, where whole ids name them all."""
    known = _known(here, found, texts)
    return references.order(here, found) if known is None else _in_order(known)


def around(here: Playlists, found: bytes, target: str, moved: Sequence[str] = ()) -> Order:
    """What putting entries next to `target` needs, where whole ids name it and the `moved` ones."""
    known = _known(here, found, [target, *moved])
    if known is None:
        return references.order(here, found)
    place = next(each for each in known if each[0] == target)
    window = listing.around(here.library.database.connection, found, place, len(moved) + 1)
    return _in_order([*window, *known]) if _is_roomy(window) else references.order(here, found)


def _known(here: Playlists, found: bytes, texts: Sequence[str]) -> Order | None:
    """The listed entries with these ids; None where one is none, for the whole list to say why."""
    wanted = set(texts)
    if not wanted or len(wanted) > _MOST or not all(map(ids.is_entry_id, wanted)):
        return None
    known = listing.entries(here.library.database.connection, found, sorted(wanted))
    return known if len(known) == len(wanted) else None


def _in_order(entries: Order) -> Order:
    return sorted(set(entries), key=lambda each: (each[1], each[0]))


def _is_roomy(entries: Order) -> bool:
    """Whether between any two neighbours there is a key, and a short one."""
    keys = [position for _, position in entries]
    return len(set(keys)) == len(keys) and all(len(key) <= _SHORT_POSITION for key in keys)
