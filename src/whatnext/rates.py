"""How often something may happen: a token bucket. Time comes in from outside."""


class TokenBucket:
    """Allows `burst` at once and `rate` per second; times in seconds of one monotonic clock."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def take(self, amount: float, now: float) -> bool:
        """Take if there is enough; return whether there was."""
        self._refill(now)
        if self._level < amount:
            return False
        self._level -= amount
        return True

    def spend(self, amount: float, now: float) -> None:
        """Take in any case; the debt is what `wait` tells."""
        self._refill(now)
        self._level -= amount

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` is there; 0 if it is now."""
        self._refill(now)
        return max(0.0, (amount - self._level) / self._rate)

    def _refill(self, now: float) -> None:
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
