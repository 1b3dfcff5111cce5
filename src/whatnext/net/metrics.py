"""What the network does, as Prometheus metrics: an observer that counts, for a node and for a relay alike.

Every label has a short, closed list of values, and every series exists from the start: a PeerID, an address or a
peer's own words never become a label, so that nobody can fill the memory with series. Shapes: docs/metrics.md.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import trio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from whatnext.net.addresses import transport_of
from whatnext.net.events import Connected, Disconnected, PathChanged
from whatnext.net.failures import CODES
from whatnext.net.observing import (
    DialFailed,
    DialWon,
    Found,
    HandshakeFailed,
    Identified,
    Muxed,
    Observation,
    Refused,
    Secured,
    StreamOpened,
)

if TYPE_CHECKING:
    from whatnext.net.network import Network

DIRECTIONS = ("in", "out")
TRANSPORTS = ("tcp", "ws", "wss", "quic-v1", "webrtc-direct", "webtransport", "relay", "unknown")
PATHS = ("lan", "direct", "relay")
STEPS = ("noise", "mux")
MUXERS = ("yamux", "mplex", "other")
WAYS = ("address book", "this network", "friends", "relays", "rendezvous", "DHT", "other")
REFUSALS = (
    "blocked",
    "full",
    "ip_limit",
    "peer_limit",
    "handshake_limit",
    "stream_limit",
    "rate",
    "memory",
    "pruned",
    "other",
)
MAX_PROTOCOLS = 64
"""Protocols are this program's own, peers cannot name others; a bound all the same."""

HANDSHAKE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
DIAL_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class NetMetrics:
    """An `Observer`; give it to `open_network(…, observe=…)`, then the network to `watch`. One for each registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._protocols: set[str] = set()
        self._make_connections(registry)
        self._make_handshakes(registry)
        self._make_rest(registry)
        for metric, values in self._closed():
            for labels in values:
                metric.labels(*labels)

    def _make_connections(self, registry: CollectorRegistry) -> None:
        self._dials = Counter(
            "whatnext_dials",
            "Attempts at one address that ended",
            ["transport", "outcome"],
            registry=registry,
        )
        self._dial_seconds = Histogram(
            "whatnext_dial_seconds",
            "Time of an attempt that became a connection",
            ["transport"],
            buckets=DIAL_S,
            registry=registry,
        )
        self._arrived = Counter(
            "whatnext_peers_connected",
            "Peers that got their first connection",
            ["direction"],
            registry=registry,
        )
        self._left = Counter(
            "whatnext_peers_disconnected", "Peers whose last connection ended", registry=registry
        )
        self._paths = Counter(
            "whatnext_path_changes", "Peers that are reached another way now", registry=registry
        )

    def _make_handshakes(self, registry: CollectorRegistry) -> None:
        self._handshake_seconds = Histogram(
            "whatnext_handshake_seconds",
            "Time to secure (noise) or mux a connection, agreeing on it included",
            ["step", "direction"],
            buckets=HANDSHAKE_S,
            registry=registry,
        )
        self._handshake_failures = Counter(
            "whatnext_handshake_failures",
            "Connections that broke while being secured or muxed",
            ["step", "direction", "code"],
            registry=registry,
        )
        self._muxed = Counter(
            "whatnext_connections_muxed", "Connections by stream muxer", ["muxer"], registry=registry
        )
        self._identified = Counter("whatnext_peers_identified", "Answers to identify", registry=registry)

    def _make_rest(self, registry: CollectorRegistry) -> None:
        self._found = Counter(
            "whatnext_finds",
            "Answers of the ways to find a peer",
            ["way", "outcome"],
            registry=registry,
        )
        self._refusals = Counter(
            "whatnext_refusals",
            "Connections, handshakes and streams turned away or given up",
            ["code"],
            registry=registry,
        )
        self._streams = Counter(
            "whatnext_streams_opened",
            "Streams whose protocol was agreed on, pings left out",
            ["protocol", "direction"],
            registry=registry,
        )

    def _closed(self) -> list[tuple[Counter | Histogram, list[tuple[str, ...]]]]:
        """Every series there can be, protocols aside."""
        return [
            (self._dials, [(t, o) for t in TRANSPORTS for o in ("connected", *CODES)]),
            (self._dial_seconds, [(t,) for t in TRANSPORTS]),
            (self._arrived, [(d,) for d in DIRECTIONS]),
            (self._handshake_seconds, [(s, d) for s in STEPS for d in DIRECTIONS]),
            (self._handshake_failures, [(s, d, c) for s in STEPS for d in DIRECTIONS for c in CODES]),
            (self._muxed, [(m,) for m in MUXERS]),
            (self._found, [(w, o) for w in WAYS for o in ("found", "nothing")]),
            (self._refusals, [(c,) for c in REFUSALS]),
        ]

    def __call__(self, observation: Observation) -> None:
        """Count one."""
        match observation:
            case DialWon(address=address, took_ms=took):
                transport = _one_of(TRANSPORTS, transport_of(address), "unknown")
                self._dials.labels(transport, "connected").inc()
                self._dial_seconds.labels(transport).observe(took / 1000)
            case DialFailed(address=address, code=code):
                transport = _one_of(TRANSPORTS, transport_of(address), "unknown")
                self._dials.labels(transport, _one_of(CODES, code)).inc()
            case Secured(direction=direction, took_ms=took):
                self._handshake_seconds.labels("noise", direction).observe(took / 1000)
            case HandshakeFailed(stage=step, direction=direction, code=code):
                self._handshake_failures.labels(step, direction, _one_of(CODES, code)).inc()
            case Connected(direction=direction):
                self._arrived.labels(direction).inc()
            case PathChanged():
                self._paths.inc()
            case Disconnected():
                self._left.inc()
            case _:
                self._count_rest(observation)

    def _count_rest(self, observation: Observation) -> None:
        match observation:
            case Muxed(direction=direction, muxer=muxer, took_ms=took):
                self._handshake_seconds.labels("mux", direction).observe(took / 1000)
                self._muxed.labels(_one_of(MUXERS, muxer)).inc()
            case Identified():
                self._identified.inc()
            case StreamOpened(protocol=protocol, direction=direction):
                self._streams.labels(self._protocol(protocol), direction).inc()
            case Found(way=way, addresses=addresses):
                self._found.labels(_one_of(WAYS, way), "found" if addresses else "nothing").inc()
            case Refused(code=code):
                self._refusals.labels(_one_of(REFUSALS, code)).inc()

    def _protocol(self, protocol: str) -> str:
        if protocol not in self._protocols and len(self._protocols) < MAX_PROTOCOLS:
            self._protocols.add(protocol)
        return protocol if protocol in self._protocols else "other"

    def watch(self, network: "Network") -> None:
        """Also tell what is open on this network whenever the metrics are read (in its trio thread)."""
        self._registry.register(_Open(network))
        tasks = Gauge("whatnext_tasks", "Tasks of this process's trio loop", registry=self._registry)
        tasks.set_function(lambda: float(trio.lowlevel.current_statistics().tasks_living))
        ProcessCollector(registry=self._registry)


class _Open(Collector):
    """Connections and streams that are open now."""

    def __init__(self, network: "Network") -> None:
        self._network = network

    def collect(self) -> Iterator[Metric]:
        """For the registry."""
        counts = {(d, t, p): 0 for d in DIRECTIONS for t in TRANSPORTS for p in PATHS}
        for c in self._network.connections():
            counts[c.direction, _one_of(TRANSPORTS, c.transport, "unknown"), c.path] += 1
        connections = GaugeMetricFamily(
            "whatnext_connections", "Open connections", labels=["direction", "transport", "path"]
        )
        for labels, count in counts.items():
            connections.add_metric(labels, count)
        yield connections
        yield GaugeMetricFamily(
            "whatnext_streams", "Open streams on all connections", value=self._network.streams()
        )


class _WithoutCreated(Collector):
    """A registry's metrics without the `…_created` times, which double the page and which nobody reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        """For `generate_latest`."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def exposition(registry: CollectorRegistry) -> bytes:
    """All metrics of a registry in Prometheus' text format 0.0.4; call it in the trio thread."""
    return generate_latest(_WithoutCreated(registry))


def _one_of(allowed: tuple[str, ...], value: str, otherwise: str = "other") -> str:
    return value if value in allowed else otherwise
