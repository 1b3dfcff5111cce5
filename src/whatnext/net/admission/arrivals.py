"""Before the handshake: how many strangers may be proving who they are, and how often one address may try.

Nothing but the address is known yet, so friends and strangers are counted alike; the numbers leave room for many
friends behind one address. Pure: the time comes in.
"""

from collections import OrderedDict

from whatnext.net.admission.origins import Origin
from whatnext.net.admission.refusal import Refusal
from whatnext.net.config import PerIp
from whatnext.rates import TokenBucket

REMEMBERED = 1024
"""Addresses whose rate is remembered, those seen last. More cost nothing: the total of handshakes still holds."""


class Arrivals:
    """Counts handshakes under way and the rate of new ones, per origin."""

    def __init__(self, far: PerIp, near: PerIp, total: int) -> None:
        self._far = far
        self._near = near
        self._total = total
        self._under_way = 0
        self._under_way_from: dict[str, int] = {}
        self._rates: OrderedDict[str, TokenBucket] = OrderedDict()

    @property
    def under_way(self) -> int:
        """Handshakes under way."""
        return self._under_way

    def begin(self, origin: Origin | None, now: float) -> Refusal | None:
        """Count a new handshake, or refuse it; one that was not refused is to be `end`ed."""
        if self._under_way >= self._total:
            return Refusal("handshake_limit", f"{self._total} handshakes are under way already")
        if origin is not None:
            refusal = self._refuse(origin, now)
            if refusal is not None:
                return refusal
            self._under_way_from[origin.key] = self._under_way_from.get(origin.key, 0) + 1
        self._under_way += 1
        return None

    def end(self, origin: Origin | None) -> None:
        """The handshake came to its end, well or not."""
        self._under_way -= 1
        if origin is None:
            return
        left = self._under_way_from[origin.key] - 1
        if left:
            self._under_way_from[origin.key] = left
        else:
            del self._under_way_from[origin.key]

    def _refuse(self, origin: Origin, now: float) -> Refusal | None:
        limits = self._near if origin.near else self._far
        if self._under_way_from.get(origin.key, 0) >= limits.handshakes:
            text = f"{limits.handshakes} handshakes are under way with {origin.key} already"
            return Refusal("handshake_limit", text)
        if not self._rate(origin.key, limits, now).take(1, now):
            return Refusal("rate", f"{origin.key} connects more than {limits.rate_per_s:g} times a second")
        return None

    def _rate(self, key: str, limits: PerIp, now: float) -> TokenBucket:
        bucket = self._rates.get(key)
        if bucket is None:
            bucket = self._rates[key] = TokenBucket(limits.rate_per_s, limits.burst, now)
            if len(self._rates) > REMEMBERED:
                self._rates.popitem(last=False)
        self._rates.move_to_end(key)
        return bucket
