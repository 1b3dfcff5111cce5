"""Metrics of what a node does beside the network: sync, neighbours, the local API. Shapes: docs/metrics.md.

Counters that the sync layer keeps anyway are read when somebody asks: a live edit pays nothing for them.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate, product
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from whatnext.net.mdns import Event as MdnsEvent
from whatnext.net.mdns import Found, Lost, State
from whatnext.records.judge import Refusal
from whatnext.sync.admission import SENTENCES
from whatnext.sync.discipline import OffenceKind
from whatnext.sync.events import Event, JoinAccepted, JoinRefused, LinkEnded, Offence, RecordsRefused
from whatnext.sync.metrics import DELAY_BOUNDS_S, Delays, Traffic
from whatnext.sync.session import Phase

if TYPE_CHECKING:
    from whatnext.node.node import Node

RECORD_CODES = tuple(dict.fromkeys([*map(str, Refusal), *SENTENCES, "other"]))
ENDINGS = (
    "shutdown",
    "replaced",
    "connection_lost",
    "cancelled",
    "timeout",
    "stalled",
    "blocked",
    "offence",
    "protocol_violation",
    "disconnected",
    "full",
    "self",
    "local",
    "other",
)
"""Why sync links end; a peer's own words count as `other`."""


class SyncMetrics:
    """Counts what `Hub.listen` and mDNS tell."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, **labels: tuple[str, ...]) -> Counter:
            made = Counter(name, text, list(labels), registry=registry)
            for values in product(*labels.values()):
                made.labels(*values)
            return made

        self._refused = counter(
            "whatnext_sync_records_refused",
            "Records that do not count: the peers' here (us), ours there (peer)",
            by=("us", "peer"),
            code=RECORD_CODES,
        )
        self._offences = counter(
            "whatnext_sync_offences", "What no honest peer does", kind=tuple(map(str, OffenceKind))
        )
        self._endings = counter("whatnext_sync_links_ended", "Sync links that ended", code=ENDINGS)
        self._joins = counter(
            "whatnext_joins",
            "Answers to this device's wish to join a playlist",
            outcome=("accepted", "refused"),
        )
        self._seen = counter(
            "whatnext_mdns_seen",
            "Neighbours that came, came back or moved",
            program=("whatnext", "foreign"),
        )
        self._gone = Counter("whatnext_mdns_gone", "Neighbours that left", registry=registry)

    def on_sync(self, event: Event) -> None:
        """For `Hub.listen`."""
        match event:
            case RecordsRefused(by_peer=by_peer, codes=codes):
                for code, count in codes.items():
                    known = code if code in RECORD_CODES else "other"
                    self._refused.labels("peer" if by_peer else "us", known).inc(count)
            case Offence(kind=kind):
                self._offences.labels(str(kind)).inc()
            case LinkEnded(code=code):
                self._endings.labels(code if code in ENDINGS else "other").inc()
            case JoinAccepted():
                self._joins.labels("accepted").inc()
            case JoinRefused():
                self._joins.labels("refused").inc()

    def on_mdns(self, event: MdnsEvent) -> None:
        """A neighbour came, went quiet or left."""
        if isinstance(event, Found):
            self._seen.labels("whatnext" if event.whatnext else "foreign").inc()
        elif isinstance(event, Lost):
            self._gone.inc()


class NodeState(Collector):
    """What a running node is at the moment it is asked; for its registry."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        """For the registry."""
        node = self._node
        yield from _traffic(node.hub.traffic())
        phases = node.hub.phases()
        yield _gauges("whatnext_sync_links", "Sync links by phase", "phase", map(str, Phase), phases.count)
        states = [row.state for row in node.neighbours.listing(foreign=True)]
        yield _gauges(
            "whatnext_neighbours",
            "Neighbours by state, those of other programs too",
            "state",
            map(str, State),
            [str(state) for state in states].count,
        )
        yield GaugeMetricFamily(
            "whatnext_event_listeners", "Clients that listen at /events", value=node.feed.listener_count()
        )
        yield GaugeMetricFamily(
            "whatnext_playlists", "Playlists of this profile", value=len(node.library.playlists())
        )


def _traffic(traffic: Traffic) -> Iterator[Metric]:
    for name, text, taken, given in (
        ("whatnext_sync_bytes", "Bytes of sync frames", traffic.bytes_in, traffic.bytes_out),
        ("whatnext_sync_frames", "Sync frames", traffic.frames_in, traffic.frames_out),
        (
            "whatnext_sync_records",
            "Records that counted here (in), or were sent (out)",
            traffic.records_in,
            traffic.records_out,
        ),
    ):
        family = CounterMetricFamily(name, text, labels=["direction"])
        family.add_metric(["in"], taken)
        family.add_metric(["out"], given)
        yield family
    yield CounterMetricFamily(
        "whatnext_sync_duplicates", "Records that came although they were here", value=traffic.duplicates_in
    )
    yield _histogram(
        "whatnext_sync_lag_seconds",
        "From a record's stamp, by its author's clock, to its counting here",
        traffic.lag,
    )
    yield _histogram(
        "whatnext_sync_hello_seconds", "From the beginning of a sync link to the peer's hello", traffic.hellos
    )


def _histogram(name: str, text: str, delays: Delays) -> Metric:
    bounds = [*map(str, DELAY_BOUNDS_S), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(delays.counts)), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=delays.total_s)


def _gauges(
    name: str, text: str, label: str, values: Iterator[str], count: Callable[[str], int]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value in values:
        family.add_metric([value], count(value))
    return family
