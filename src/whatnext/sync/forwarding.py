"""When records of others are passed on at once, and when they wait a moment because the peer gets them elsewhere.

In a full mesh of n devices everybody would send every record to everybody: n² copies of each. So a device tells a peer
that is fed by others what it has (`have`: small, and once for several records), and holds the records back for longer
than that takes; mostly the peer says meanwhile that it has them too. A peer that turns out to depend on us is sent
everything at once again. A device's own records never wait.
"""

from collections.abc import Mapping

from whatnext.records.ids import LogKey
from whatnext.records.judge import NO_HEAD, Head

HAVE_S = 0.15
"""Gathers what arrives meanwhile, so that 20 devices that all edit all the time do not drown in such messages."""
HOLD_S = 0.45
"""Longer than the slowest `have` (twice `HAVE_S`) and a hop; what a dependent peer waits once, after a path broke."""


class Forwarding:
    """What one peer is known to get without us. `jitter` (0 to 1) keeps several holders from sending at once."""

    def __init__(self, jitter: float) -> None:
        self.fed_elsewhere = False
        self.held_until: float | None = None
        """When to ask `holds` again."""
        self.news_at: float | None = None
        """When to ask `tells` again."""
        self._scale = 1 + jitter
        self._held: dict[LogKey, Head] = {}

    def learn(self) -> None:
        """The peer has something that we have, and not from us."""
        self.fed_elsewhere = True

    def tells(self, now: float, *, news: bool) -> bool:
        """Whether it is time for a `have`, when there is news for one."""
        if not news:
            self.news_at = None
        elif self.news_at is None:
            self.news_at = now + HAVE_S * self._scale
        elif now >= self.news_at:
            self.news_at = None
            return True
        return False

    def holds(self, lacking: dict[LogKey, Head], theirs: Mapping[LogKey, Head], now: float) -> bool:
        """Whether the records of others that the peer lacks wait for now."""
        if not self.fed_elsewhere or not lacking:
            self.held_until = None
            return False
        if self.held_until is None:
            self._hold(lacking, now)
        elif now >= self.held_until:
            if any(theirs.get(log, NO_HEAD).seq < head.seq for log, head in self._held.items()):
                self.fed_elsewhere = False
                self.held_until = None
                return False
            self._hold(lacking, now)  # what was held has come to it; this is newer
        return True

    def _hold(self, lacking: dict[LogKey, Head], now: float) -> None:
        self._held = lacking
        self.held_until = now + HOLD_S * self._scale
