"""When to announce and when to ask everybody again: sans-IO, clock in."""

from random import Random

ANNOUNCE_EVERY_S = 30.0
"""An announcement of 120 s may be lost three times in a row before anybody has to ask. 50 nodes: 1.7 packets/s."""
QUERY_EVERY_S = 120.0
"""For foreign nodes, which do not announce by themselves, on networks that were joined without our noticing."""
_FIRST_QUERIES_S = (1.0, 3.0)  # RFC 6762 §5.2: the second question after at least 1 s, then growing
_SPREAD = 0.2


class Timetable:
    """Due times of announcements and questions. Every time is in seconds on one monotonic clock."""

    def __init__(self, now: float, random: Random) -> None:
        self._random = random
        self._announce_at = now + self._spread(ANNOUNCE_EVERY_S)
        self._query_at = now
        self._queries = 0
        self.restart(now)

    def restart(self, now: float) -> None:
        """Ask as at the start: after 20–120 ms (RFC 6762 §5.2), then 1 s and 3 s later."""
        self._queries = 0
        self._query_at = now + self._random.uniform(0.02, 0.12)

    def hurry(self, now: float) -> None:
        """Announce at once and ask as at the start: the network changed, or the device was asleep."""
        self.restart(now)
        self._announce_at = now

    def announce_due(self, now: float) -> bool:
        """Whether to announce at this moment; if so the next one is set."""
        if now < self._announce_at:
            return False
        self._announce_at = now + self._spread(ANNOUNCE_EVERY_S)
        return True

    def query_due(self, now: float) -> bool:
        """Whether to ask everybody at this moment; if so the next question is set."""
        if now < self._query_at:
            return False
        wait = _FIRST_QUERIES_S[self._queries] if self._queries < len(_FIRST_QUERIES_S) else None
        self._query_at = now + (self._spread(QUERY_EVERY_S) if wait is None else wait)
        self._queries += 1
        return True

    def next(self) -> float:
        """When the next of both is due."""
        return min(self._announce_at, self._query_at)

    def _spread(self, seconds: float) -> float:
        return seconds * self._random.uniform(1 - _SPREAD, 1 + _SPREAD)
