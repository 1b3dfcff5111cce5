"""How many streams a peer may open on one connection, and how fast. Pure: the time comes in."""

import enum

from whatnext.rates import TokenBucket


class Verdict(enum.Enum):
    """What becomes of a new stream."""

    SERVE = "serve"
    RESET = "reset"
    CLOSE = "close"
    """The whole connection is closed: this is a flood."""


class StreamMeter:
    """Watches the streams that a peer opens on one connection."""

    def __init__(self, limit: int, rate_per_s: float, burst: float, now: float) -> None:
        self._limit = limit
        self._rate = TokenBucket(rate_per_s, burst, now)

    def opened(self, open_now: int, now: float) -> Verdict:
        """Judge a new stream; `open_now` counts it too."""
        if not self._rate.take(1, now):
            return Verdict.CLOSE
        return Verdict.RESET if open_now > self._limit else Verdict.SERVE
