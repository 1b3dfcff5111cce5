"""How often something may happen: token buckets, one or many by key. Time comes in from outside."""

_CAPACITY = 4096


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


class Buckets:
    """One bucket for each key, made full when first asked for; the longest unused go when there are too many.

    Whoever owns more than `capacity` keys (addresses, PeerIDs) could empty the table and begin anew: where that pays,
    a bound over all of them stands beside it.
    """

    def __init__(self, rate: float, burst: float, capacity: int = _CAPACITY) -> None:
        self._rate = rate
        self._burst = burst
        self._capacity = capacity
        self._buckets: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, amount: float, now: float) -> bool:
        """Take if there is enough; return whether there was."""
        return self._bucket(key, now).take(amount, now)

    def spend(self, key: str, amount: float, now: float) -> float:
        """Take in any case; return the seconds until the debt is paid, 0 without one."""
        bucket = self._bucket(key, now)
        bucket.spend(amount, now)
        return bucket.wait(0, now)

    def _bucket(self, key: str, now: float) -> TokenBucket:
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate, self._burst, now)
        self._buckets[key] = bucket  # at the end: the first is the one unused the longest
        if len(self._buckets) > self._capacity:
            del self._buckets[next(iter(self._buckets))]
        return bucket
