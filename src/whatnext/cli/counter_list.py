"""The counters of a node as rows of a table; those that are zero are left out."""

from collections.abc import Iterable, Iterator

from whatnext.node.counter_views import Counted, NodeCounters, Over, Synced

Row = tuple[str, str, str]


def rows(found: NodeCounters) -> list[Row]:
    """What, which, and how often."""
    return [(what, which, f"{count:,}") for what, which, count in _all(found) if count]


def _all(found: NodeCounters) -> Iterator[tuple[str, str, int]]:
    for row in found.transports:
        yield from _of_transport(row)
    yield from _named("dials failed", found.failures)
    for step in found.handshakes:
        yield f"handshakes{_half(step.half_within_ms)}", step.step, step.count
        yield "handshakes failed", step.step, step.failed
    yield from _named("peers came", found.came)
    yield "peers left", "", found.left
    yield "peers reached another way", "", found.moved
    yield "streams open", "", found.streams
    for way in found.finding:
        yield "addresses found", way.way, way.found
        yield "nothing found", way.way, way.nothing
    yield from _named("neighbours came", found.neighbours)
    yield "neighbours left", "", found.neighbours_left
    yield from _named("turned away", found.refusals)
    yield from _named("sync links ended", found.links_ended)
    yield from _of_sync(found.synced)


def _of_transport(row: Over) -> Iterator[tuple[str, str, int]]:
    yield "connections open", row.transport, row.open
    yield f"dials connected{_half(row.half_within_ms)}", row.transport, row.dialled
    yield "dials failed", row.transport, row.failed
    yield "dials given up", row.transport, row.given_up


def _of_sync(synced: Synced) -> Iterator[tuple[str, str, int]]:
    yield "bytes of sync", "in", synced.bytes_in
    yield "bytes of sync", "out", synced.bytes_out
    yield "records", "in", synced.records_in
    yield "records", "out", synced.records_out
    yield "records that were here", "in", synced.duplicates
    yield from _named("records refused here", synced.refused)
    yield from _named("records refused there", synced.refused_by_peers)


def _named(what: str, counts: Iterable[Counted]) -> Iterator[tuple[str, str, int]]:
    return ((what, each.name, each.count) for each in counts)


def _half(within_ms: float | None) -> str:
    return "" if within_ms is None else f", half within {within_ms:g} ms"
