"""At which relays to hold a place, and when to ask: pure, the clock and what happened come in.

Relays are asked in the order their owner gave them until `wanted` places are held. One that fails waits, each time
longer, and the next in the list is asked at once.
"""

import random
from collections.abc import Iterable

RENEW_S = 30.0
"""Longest time between two requests: a relay that forgot us while its connection lives is noticed by this."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 2.0
"""A relay that restarts is asked again at most 3 s later (with jitter): then its callers still have to come back."""
SETTLED_S = 10.0
"""A place lost sooner than this counts as a failure: a relay that grants and cuts is not asked in a loop."""
GONE_AFTER_S = 600.0
GONE_PAUSE_S = 60.0
"""One that failed for ten minutes is not just restarting: it is asked once a minute."""


class _Relay:
    """What is known of one relay."""

    def __init__(self) -> None:
        self.renew_at: float | None = None
        self.asked = False
        self.not_before = 0.0
        self.held_since = 0.0
        self.failures = 0
        self.failing_since: float | None = None
        self.problem: str | None = None


class Places:
    """Times are of one monotonic clock, in seconds."""

    def __init__(self, wanted: int, rng: random.Random) -> None:
        self._wanted = wanted
        self._rng = rng
        self._relays: dict[str, _Relay] = {}

    def choose(self, relays: Iterable[str]) -> list[str]:
        """Use these relays (PeerIDs) from now on, first the first; return those given up that held a place."""
        before = self._relays
        self._relays = {relay: before.get(relay) or _Relay() for relay in relays}
        return [r for r, known in before.items() if r not in self._relays and known.renew_at is not None]

    def due(self, now: float) -> list[str]:
        """Relays to ask now; each counts as asked until `granted` or `failed` says how it went."""
        found = [
            r
            for r, known in self._relays.items()
            if not known.asked and known.renew_at is not None and known.renew_at <= now
        ]
        free = self._wanted - sum(
            known.asked or known.renew_at is not None for known in self._relays.values()
        )
        for relay, known in self._relays.items():
            if free > 0 and not known.asked and known.renew_at is None and known.not_before <= now:
                found.append(relay)
                free -= 1
        for relay in found:
            self._relays[relay].asked = True
        return found

    def next_at(self) -> float:
        """When `due` may have something next, if nothing happens until then; infinity when it never will."""
        waiting = [known for known in self._relays.values() if not known.asked]
        times = [known.renew_at for known in waiting if known.renew_at is not None]
        if sum(known.asked or known.renew_at is not None for known in self._relays.values()) < self._wanted:
            times += [known.not_before for known in waiting if known.renew_at is None]
        return min(times, default=float("inf"))

    def granted(self, relay: str, lasts_s: float, now: float) -> None:
        """The relay holds a place for so long: it is asked again well before.

        A place that is over already by our clock counts as well: then one of the two clocks is wrong.
        """
        if (known := self._relays.get(relay)) is None:
            return
        if known.renew_at is None:
            known.held_since = now
        else:
            known.failures = 0
        known.asked, known.failing_since, known.problem = False, None, None
        pause = min(RENEW_S, lasts_s / 2) if lasts_s > 0 else RENEW_S
        known.renew_at = now + pause * self._rng.uniform(0.8, 1.0)

    def failed(self, relay: str, why: str, now: float) -> None:
        """The relay refused, or could not be reached; `why` is a sentence for people."""
        if (known := self._relays.get(relay)) is None:
            return
        if known.failing_since is None:
            known.failing_since = now
        longest = LONGEST_PAUSE_S if now - known.failing_since < GONE_AFTER_S else GONE_PAUSE_S
        pause = min(longest, FIRST_PAUSE_S * 2 ** min(known.failures, 16))
        known.asked, known.renew_at, known.problem = False, None, why
        known.failures += 1
        known.not_before = now + pause * self._rng.uniform(0.5, 1.5)

    def lost(self, relay: str, now: float) -> None:
        """The connection to the relay ended, and its place with it: ask again at once, if it had lasted."""
        known = self._relays.get(relay)
        if known is None or known.renew_at is None:
            return
        known.renew_at = None
        if now - known.held_since >= SETTLED_S:
            known.failures, known.not_before = 0, now
        elif not known.asked:
            self.failed(relay, "it ends the connection soon after it gave a place", now)

    def came(self, relay: str, now: float) -> None:
        """The relay is connected, whoever dialled: ask it now, if it is its turn."""
        if (known := self._relays.get(relay)) is not None:
            known.not_before = min(known.not_before, now)

    def hurry(self) -> None:
        """The network changed: what failed may work now."""
        for known in self._relays.values():
            known.not_before, known.failures = 0.0, 0

    def problem(self, relay: str) -> str | None:
        """Why there is no place at a relay, in a sentence; None while there is, or nothing failed yet."""
        known = self._relays.get(relay)
        return None if known is None else known.problem
