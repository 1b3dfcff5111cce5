"""Which of the things that friends do are worth a notification, and when: no bus and no clock of its own.

- What happens in one playlist within a short time is one notification: a friend who adds an album interrupts once.
- It is told when it has been quiet for `QUIET_S`, at the latest after `LONGEST_S`; the next about the same playlist not
  before `APART_S` have passed, and it takes the place of the last.
- News in more than `MAX_SEPARATE` playlists at once (after a week away) is one notification in all.
- While the user looks at a page nothing is told: it is there to be seen.
"""

from collections.abc import Iterable

import msgspec

from whatnext.desktop import words
from whatnext.node.notification_views import Deed

QUIET_S, LONGEST_S, APART_S = 5.0, 30.0, 60.0
MAX_SEPARATE = 3


class Notice(msgspec.Struct, frozen=True):
    """One notification; of one `playlist`, or (None) of several."""

    playlist: str | None
    title: str
    text: str


class _Pending:
    """What happened in one playlist since it was told of last; names by PeerID, as they call themselves last."""

    def __init__(self, now: float) -> None:
        self.first = self.last = now
        self.title = ""
        self.names: dict[str, str] = {}
        self.joined: dict[str, None] = {}
        self.added: dict[str, int] = {}

    def add(self, now: float, deed: Deed) -> None:
        self.last = now
        self.title = words.short(deed.playlist_name)
        self.names[deed.peer] = deed.name or words.SOMEBODY
        if deed.kind == "joined":
            self.joined[deed.peer] = None
        else:
            self.added[deed.peer] = self.added.get(deed.peer, 0) + deed.count

    def text(self) -> str:
        joined = [self.names[peer] for peer in self.joined]
        by_name: dict[str, int] = {}
        for peer, count in self.added.items():  # two devices of one person are one name
            by_name[self.names[peer]] = by_name.get(self.names[peer], 0) + count
        return words.done(list(dict.fromkeys(joined)), by_name)


class Telling:
    """Deeds in, notifications out; times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}
        self._told: dict[str, float] = {}

    def heard(self, now: float, deeds: Iterable[Deed]) -> None:
        """These were done."""
        for deed in deeds:
            self._pending.setdefault(deed.playlist, _Pending(now)).add(now, deed)

    def forget(self) -> None:
        """Nothing of what happened so far is to be told."""
        self._pending.clear()

    def due(self, now: float, *, watched: bool) -> list[Notice]:
        """What to tell now; nothing, and not later either, when the user looks at a page."""
        due = [playlist for playlist in self._pending if self._due_at(playlist) <= now]
        pending = {playlist: self._pending.pop(playlist) for playlist in due}
        if watched:
            return []
        self._told = {playlist: at for playlist, at in self._told.items() if now - at < APART_S}
        self._told.update(dict.fromkeys(due, now))
        if len(pending) > MAX_SEPARATE:
            return [Notice(None, *words.news_in([each.title for each in pending.values()]))]
        return [Notice(playlist, each.title, each.text()) for playlist, each in pending.items()]

    def wakes_at(self) -> float:
        """When something is due; infinity while nothing waits."""
        return min((self._due_at(playlist) for playlist in self._pending), default=float("inf"))

    def _due_at(self, playlist: str) -> float:
        pending = self._pending[playlist]
        calm = min(pending.last + QUIET_S, pending.first + LONGEST_S)
        return max(calm, self._told.get(playlist, -APART_S) + APART_S)
