"""When records of others are passed on at once, and when they wait a moment because the peer gets them elsewhere.

In a full mesh of n devices everybody would send every record to everybody: n² copies of each. So a device tells a peer
that is fed by others what it has (`have`, a fifth of a record) and holds the records back a little; mostly the peer
says meanwhile that it has them too. A peer that turns out to depend on us is sent everything at once again.
"""

from collections.abc import Mapping

from whatnext.records.ids import LogKey
from whatnext.records.judge import NO_HEAD, Head

HOLD_S = 0.05
"""Far more than one hop on a local network takes, less than a person notices; up to twice that by jitter."""


class Forwarding:
    """What one peer is known to get without us. `jitter` (0 to 1) keeps several holders from sending at once."""

    def __init__(self, jitter: float) -> None:
        self.fed_elsewhere = False
        self.held_until: float | None = None
        self._hold_s = HOLD_S * (1 + jitter)
        self._held: dict[LogKey, Head] = {}

    def learn(self) -> None:
        """The peer has something that we have, and not from us."""
        self.fed_elsewhere = True

    def holds(self, lacking: dict[LogKey, Head], theirs: Mapping[LogKey, Head], now: float) -> bool:
        """Whether the records of others that the peer lacks wait for now; `held_until` then says until when."""
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
        self.held_until = now + self._hold_s
