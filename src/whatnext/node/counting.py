"""`node.counters`: what this node did since it started, in numbers that people read; taken from its metrics."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import Metric

from whatnext.net.metrics import PATHS, STEPS, TRANSPORTS, WAYS
from whatnext.node.counter_views import Counted, Finding, Handshakes, NodeCounters, Over, Synced
from whatnext.playlists.requests import Nothing

if TYPE_CHECKING:
    from whatnext.node.node import Node

NO_FAULT = frozenset({"connected", "given_up", "not_tried"})
"""Ends of a dial that are no failure: another address was faster, or this one was not worth an attempt."""


async def counters(node: "Node", _: Nothing) -> NodeCounters:
    """Every counter that is not zero."""
    return counted(
        node.instruments.metrics(),
        since=node.started_ms,
        recent_bytes=node.recent.sizes(),
        every_ms=node.recent.every_ms,
    )


def counted(metrics: Iterable[Metric], *, since: int, recent_bytes: list[int], every_ms: int) -> NodeCounters:
    """The metrics (`docs/metrics.md`) grouped for people."""
    read = _Samples(metrics)
    return NodeCounters(
        since=since,
        transports=_transports(read),
        failures=read.by("whatnext_dials_total", "outcome", without=NO_FAULT),
        handshakes=[h for step in STEPS if (h := _handshakes(read, step)).count],
        came=[
            Counted(name=d, count=read.total("whatnext_peers_connected_total", direction=d))
            for d in ("in", "out")
        ],
        left=read.total("whatnext_peers_disconnected_total"),
        moved=read.total("whatnext_path_changes_total"),
        streams=read.total("whatnext_streams"),
        relayed=read.total("whatnext_connections", path=PATHS[-1]),
        finding=[
            Finding(
                way=way,
                found=read.total("whatnext_finds_total", way=way, outcome="found"),
                nothing=read.total("whatnext_finds_total", way=way, outcome="nothing"),
            )
            for way in WAYS
            if read.total("whatnext_finds_total", way=way)
        ],
        neighbours=read.by("whatnext_mdns_seen_total", "program"),
        neighbours_left=read.total("whatnext_mdns_gone_total"),
        refusals=read.by("whatnext_refusals_total", "code"),
        links_ended=read.by("whatnext_sync_links_ended_total", "code"),
        synced=_synced(read),
        recent_bytes=recent_bytes,
        every_ms=every_ms,
    )


class _Samples:
    """The samples of one reading, by name and labels."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._samples: defaultdict[str, list[tuple[Mapping[str, str], float]]] = defaultdict(list)
        for metric in metrics:
            for sample in metric.samples:
                self._samples[sample.name].append((sample.labels, sample.value))

    def with_labels(self, name: str, **labels: str) -> list[tuple[Mapping[str, str], float]]:
        """Those of a metric that have these labels."""
        return [each for each in self._samples[name] if labels.items() <= each[0].items()]

    def total(self, name: str, **labels: str) -> int:
        """Their sum."""
        return round(sum(value for _, value in self.with_labels(name, **labels)))

    def by(
        self, name: str, label: str, *, without: frozenset[str] = frozenset(), **labels: str
    ) -> list[Counted]:
        """Sums by the values of a label, the largest first, without zeros."""
        sums: defaultdict[str, float] = defaultdict(float)
        for found, value in self.with_labels(name, **labels):
            if found[label] not in without:
                sums[found[label]] += value
        ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
        return [Counted(name=name, count=round(count)) for name, count in ordered if count]

    def half_within_ms(self, name: str, **labels: str) -> float | None:
        """The end of the group in which a histogram's median lies; None without any, or past the last group."""
        ends: defaultdict[float, float] = defaultdict(float)
        for found, value in self.with_labels(f"{name}_bucket", **labels):
            ends[float(found["le"])] += value
        count = max(ends.values(), default=0)
        end = next((end for end, below in sorted(ends.items()) if count and 2 * below >= count), float("inf"))
        return None if end == float("inf") else round(1000 * end, 1)


def _transports(read: _Samples) -> list[Over]:
    rows = []
    for name in TRANSPORTS:
        failures = read.by("whatnext_dials_total", "outcome", without=NO_FAULT, transport=name)
        row = Over(
            transport=name,
            open=read.total("whatnext_connections", transport=name),
            dialled=read.total("whatnext_dials_total", transport=name, outcome="connected"),
            failed=sum(each.count for each in failures),
            given_up=read.total("whatnext_dials_total", transport=name, outcome="given_up"),
            half_within_ms=read.half_within_ms("whatnext_dial_seconds", transport=name),
        )
        if row.open or row.dialled or row.failed or row.given_up:
            rows.append(row)
    return rows


def _handshakes(read: _Samples, step: str) -> Handshakes:
    return Handshakes(
        step=step,
        count=read.total("whatnext_handshake_seconds_count", step=step),
        failed=read.total("whatnext_handshake_failures_total", step=step),
        half_within_ms=read.half_within_ms("whatnext_handshake_seconds", step=step),
    )


def _synced(read: _Samples) -> Synced:
    return Synced(
        bytes_in=read.total("whatnext_sync_bytes_total", direction="in"),
        bytes_out=read.total("whatnext_sync_bytes_total", direction="out"),
        records_in=read.total("whatnext_sync_records_total", direction="in"),
        records_out=read.total("whatnext_sync_records_total", direction="out"),
        duplicates=read.total("whatnext_sync_duplicates_total"),
        refused=read.by("whatnext_sync_records_refused_total", "code", by="us"),
        refused_by_peers=read.by("whatnext_sync_records_refused_total", "code", by="peer"),
    )
