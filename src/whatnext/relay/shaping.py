"""Bandwidth: how long a circuit pauses before its next bytes go on, so that no one takes the line from the others."""

from whatnext.rates import Buckets
from whatnext.relay.circuits import Circuit
from whatnext.relay.limits import Limits

_BURST_S = 2.0
"""What may go at once, in seconds of the rate: an edit, or a small playlist, is never delayed."""
_LARGEST_PART, _SMALLEST_PART = 64 * 1024, 1024


class Shaper:
    """Buckets of the circuits, the peers that made them, the addresses these came from, and the whole relay."""

    def __init__(self, limits: Limits) -> None:
        self._circuits = _buckets(limits.circuit_rate)
        self._peers = _buckets(limits.peer_rate)
        self._origins = _buckets(limits.ip_rate)
        self._total = _buckets(limits.total_rate)
        self.part = max(_SMALLEST_PART, min(_LARGEST_PART, limits.circuit_rate))
        """Bytes to take from a circuit at once: never more than a second of its rate."""

    def pause(self, circuit: Circuit, amount: int, now: float) -> float:
        """Count the bytes in; return the seconds to wait before they are sent on.

        Each bucket goes into debt and tells when it is paid, so circuits that share one wait in turn.
        """
        return max(
            self._circuits.spend(str(circuit.number), amount, now),
            self._peers.spend(circuit.source, amount, now),
            self._origins.spend(circuit.origin, amount, now),
            self._total.spend("", amount, now),
        )


def _buckets(rate: int) -> Buckets:
    return Buckets(rate, rate * _BURST_S)
