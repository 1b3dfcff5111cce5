"""Before the handshake: how many strangers may be proving who they are, and how often one address may try.

Nothing but the address is known yet, so friends and strangers are counted alike; the numbers leave room for many
friends behind one address. Pure: the time comes in.
"""

from whatnext.net.admission.origins import Origin
from whatnext.net.admission.refusal import Refusal
from whatnext.net.config import PerIp
from whatnext.rates import Buckets

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
        self._far_rates = _rates(far)
        self._near_rates = _rates(near)

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
        limits, rates = (self._near, self._near_rates) if origin.near else (self._far, self._far_rates)
        if self._under_way_from.get(origin.key, 0) >= limits.handshakes:
            text = f"{limits.handshakes} handshakes are under way with {origin.key} already"
            return Refusal("handshake_limit", text)
        if not rates.take(origin.key, 1, now):
            return Refusal("rate", f"{origin.key} connects more than {limits.rate_per_s:g} times a second")
        return None


def _rates(limits: PerIp) -> Buckets:
    return Buckets(limits.rate_per_s, limits.burst, REMEMBERED)
