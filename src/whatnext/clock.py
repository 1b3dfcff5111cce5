"""Hybrid logical clock: wall time that never runs backwards and follows what it has seen.

A stamp is one integer: milliseconds since the epoch shifted left by 16 bits, plus a counter (Kulkarni et al.,
"Logical Physical Clocks", 2014). Integers sort as time does and cost 9 bytes in msgpack.
"""

from collections.abc import Callable

COUNTER_BITS = 16
MAX_HLC = 2**63 - 1

AHEAD_MS = 60_000
"""How far ahead of the local clock a record may be stamped before it waits until due (design §4)."""


def millis(hlc: int) -> int:
    """Wall-clock part of a stamp, in milliseconds since 1970-01-01 UTC."""
    return hlc >> COUNTER_BITS


def from_millis(ms: int) -> int:
    """Smallest stamp of that millisecond."""
    return ms << COUNTER_BITS


class HybridClock:
    """Stamps local changes; `wall` gives milliseconds since the epoch and comes in from outside."""

    def __init__(self, wall: Callable[[], int], last: int = 0) -> None:
        self._wall = wall
        self._last = last

    def now_ms(self) -> int:
        """Milliseconds since the epoch, as the outside says."""
        return self._wall()

    def tick(self) -> int:
        """Return a new stamp, greater than every stamp made or seen before."""
        self._last = max(self._last + 1, from_millis(self._wall()))
        return self._last

    def see(self, hlc: int) -> None:
        """Follow a stamp from elsewhere; one too far ahead is ignored, so a liar cannot drag us along."""
        if hlc > self._last and not self.is_early(hlc):
            self._last = hlc

    def is_early(self, hlc: int) -> bool:
        """Whether a stamp lies more than `AHEAD_MS` ahead of the local clock."""
        return millis(hlc) > self._wall() + AHEAD_MS
