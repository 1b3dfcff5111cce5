"""The relay's metrics: read from its ledger when somebody asks, so that carrying bytes pays nothing for them.

No label is a peer or an address, and every series is there from the start. docs/relay.md lists them.
"""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from whatnext.relay.ledger import DURATIONS_S
from whatnext.relay.relay import Relay


class RelayMetrics(Collector):
    """Collects one relay's numbers in the trio thread."""

    def __init__(self, registry: CollectorRegistry, relay: Relay) -> None:
        self._relay = relay
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """All of them, as they are now."""
        yield from self._now()
        yield from self._so_far()

    def _now(self) -> Iterator[Metric]:
        board = self._relay.switchboard
        yield _gauge("reservations", "Peers that wait to be called", len(board.reservations))
        yield _gauge("circuits", "Circuits, those being opened too", len(board.circuits))
        yield _gauge("draining", "1 while the relay finishes before it stops", int(board.draining))
        entries = len(self._relay.rendezvous.table)
        yield _gauge("rendezvous_entries", "Peers that left word where they are", entries)
        yield _gauge("dht_records", "Records kept for the DHT", len(self._relay.dht.records))
        limits = GaugeMetricFamily("whatnext_relay_limit", "What may be at once", labels=["of"])
        limits.add_metric(["connections"], board.limits.max_connections)
        limits.add_metric(["reservations"], board.limits.reservations)
        limits.add_metric(["circuits"], board.limits.circuits)
        yield limits

    def _so_far(self) -> Iterator[Metric]:
        ledger = self._relay.ledger
        granted = _counter("reservations_granted", "Reservations given and renewed", "kind")
        granted.add_metric(["new"], ledger.reservations_new)
        granted.add_metric(["renewed"], ledger.reservations_renewed)
        yield granted
        opened = CounterMetricFamily("whatnext_relay_circuits_opened", "Circuits that began to carry")
        opened.add_metric([], ledger.circuits_opened)
        yield opened
        ended = _counter("circuits_ended", "Circuits that are over, by why", "ending")
        for ending, count in ledger.endings.items():
            ended.add_metric([str(ending)], count)
        yield ended
        carried = _counter(
            "bytes", "Bytes carried, from the dialler (to_target) and to it (to_source)", "way"
        )
        for way, amount in zip(("to_target", "to_source"), self._relay.carried(), strict=True):
            carried.add_metric([way], amount)
        yield carried
        refused = _counter("refused", "Requests that were not met, by why", "why")
        for why, count in ledger.refusals.items():
            refused.add_metric([str(why)], count)
        yield refused
        tokens = CounterMetricFamily("whatnext_relay_tokens_accepted", "Tokens that let a peer wait here")
        tokens.add_metric([], ledger.tokens_accepted)
        yield tokens
        yield self._durations()

    def _durations(self) -> Metric:
        ledger = self._relay.ledger
        bounds = [*(str(bound) for bound in DURATIONS_S), "+Inf"]
        buckets = list(zip(bounds, accumulate(ledger.durations), strict=True))
        family = HistogramMetricFamily("whatnext_relay_circuit_seconds", "How long circuits lasted")
        family.add_metric([], buckets=buckets, sum_value=ledger.seconds)
        return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"whatnext_relay_{name}", text, value=value)


def _counter(name: str, text: str, label: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"whatnext_relay_{name}", text, labels=[label])
