"""Bandwidth: over any time no more goes on than the rates allow, and those who keep below them never wait."""

import pytest

from whatnext.relay.circuits import Circuit, CircuitLimit
from whatnext.relay.limits import Limits
from whatnext.relay.shaping import Shaper

LIMITS = Limits(circuit_rate=1000, peer_rate=1500, ip_rate=2000, total_rate=3000)


def circuit(number, source, origin):
    return Circuit(number, source, "target", origin, CircuitLimit(60, 1 << 20))


def carried(shaper, circuits, seconds):
    """Bytes each circuit gets through when all of them always have more to send."""
    ready = dict.fromkeys(circuits, 0.0)
    total = dict.fromkeys(circuits, 0)
    while True:
        chosen = min(ready, key=ready.get)
        now = ready[chosen]
        pause = shaper.pause(chosen, 250, now)
        if now + pause > seconds:
            return list(total.values())
        total[chosen] += 250
        ready[chosen] = now + pause + 1e-6


@pytest.mark.parametrize(
    ("circuits", "rate"),
    [
        ([circuit(1, "anna", "a")], LIMITS.circuit_rate),
        ([circuit(n, "anna", "a") for n in range(4)], LIMITS.peer_rate),
        ([circuit(n, f"peer {n}", "a") for n in range(4)], LIMITS.ip_rate),
        ([circuit(n, f"peer {n}", f"ip {n}") for n in range(8)], LIMITS.total_rate),
    ],
)
def test_circuits_peers_addresses_and_the_relay_have_each_their_rate(circuits, rate):
    sums = carried(Shaper(LIMITS), circuits, 60.0)
    assert 0.95 * rate * 60 <= sum(sums) <= rate * 62  # two seconds' worth may go at once
    assert max(sums) <= 1.3 * min(sums) + 1000  # and they share it


def test_a_peer_does_not_get_more_by_making_its_circuits_anew():
    shaper = Shaper(LIMITS)
    passed = sum(250 for number in range(1000) if shaper.pause(circuit(number, "anna", "a"), 250, 0.0) == 0)
    assert passed <= 2 * LIMITS.peer_rate


def test_an_edit_a_second_is_never_delayed():
    shaper, made = Shaper(LIMITS), circuit(1, "anna", "a")
    assert [shaper.pause(made, 450, float(second)) for second in range(1000)] == [0.0] * 1000
