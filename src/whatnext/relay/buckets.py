"""Token buckets by key: how fast peers, addresses and circuits may go on. Time comes in from outside."""

from whatnext.rates import TokenBucket

_CAPACITY = 4096


class Buckets:
    """One bucket for each key, made full when first asked for; the longest unused go when there are too many.

    Whoever owns more than `capacity` addresses could empty the table and begin anew, and has that much more bandwidth
    of its own anyway; the bound of the whole relay still holds it.
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
