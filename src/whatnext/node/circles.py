"""Who shares a playlist with whom, as far as this device knows: who may be told where a friend is, and who to ask."""

from collections.abc import Callable, Iterable

from whatnext.records.governance import is_member
from whatnext.store import Change, Library

LAZY_S = 2.0
"""How old this knowledge may be while playlists change: a flood of edits and questions does not look each time."""


class Circles:
    """The members of each playlist that this device is a member of."""

    def __init__(self, library: Library, now: Callable[[], float]) -> None:
        """`now` gives seconds of a monotonic clock."""
        self._library = library
        self._now = now
        self._circles: list[frozenset[str]] = []
        self._looked = float("-inf")
        self._stale = True

    def on_change(self, change: Change) -> None:
        """For `Library.subscribe`: looked at again when next asked for."""
        self._stale = True

    def may_know(self, one: str, other: str) -> bool:
        """Whether two peers are members of one playlist, so that either is told anyway whom it shares it with."""
        return any(one in circle and other in circle for circle in self._current())

    def around(self, peer: str, among: Iterable[str]) -> list[str]:
        """Those of `among` who share a playlist with this peer."""
        known = {member for circle in self._current() if peer in circle for member in circle} - {peer}
        return [each for each in dict.fromkeys(among) if each in known]

    def _current(self) -> list[frozenset[str]]:
        if self._stale and self._now() - self._looked >= LAZY_S:
            self._looked, self._stale = self._now(), False
            self._circles = list(self._read())
        return self._circles

    def _read(self) -> Iterable[frozenset[str]]:
        own = self._library.identity.public_key
        for playlist in self._library.shared():
            governance = self._library.governance(playlist)
            if governance.owner is None or not is_member(governance.standing(own)):
                continue
            yield frozenset(m.peer for m in governance.members() if not m.left and is_member(m.role))
