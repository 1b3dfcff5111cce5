"""The counters for people: what is made of the metrics, and the curve of the last minutes."""

import trio
from prometheus_client import CollectorRegistry

from whatnext.net.metrics import NetMetrics
from whatnext.net.observing import DialFailed, DialWon, Found, Refused, Secured
from whatnext.node.counter_views import Counted, Finding, Handshakes, Over
from whatnext.node.counting import counted
from whatnext.node.metrics import SyncMetrics
from whatnext.node.recent import EVERY_S, KEPT, Recent
from whatnext.sync.events import RecordsRefused
from whatnext.sync.metrics import Traffic

TCP, WS = "/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/2/ws"


def count(*observations, synced=()):
    registry = CollectorRegistry()
    net, sync = NetMetrics(registry), SyncMetrics(registry)
    for each in observations:
        net(each)
    for each in synced:
        sync.on_sync(each)
    return counted(registry.collect(), since=0, recent_bytes=[], every_ms=1)


def test_what_never_happened_is_not_listed():
    found = count()
    assert found.transports == found.failures == found.handshakes == found.finding == found.refusals == []
    assert [each.count for each in found.came] == [0, 0]


def test_dials_are_counted_by_transport_and_a_lost_race_is_no_failure():
    found = count(
        DialWon("P", TCP, 20.0),
        DialWon("P", TCP, 21.0),
        DialWon("P", TCP, 900.0),
        DialFailed("P", TCP, "timed out", "timeout", 5000.0),
        DialFailed("P", WS, "another address was faster", "given_up", 5.0),
        DialFailed("P", "/ip4/1.2.3.4/udp/1/quic-v1", "QUIC is off", "not_tried", 0.0),
    )
    assert found.transports == [
        Over(transport="tcp", open=0, dialled=3, failed=1, given_up=0, half_within_ms=25.0),
        Over(transport="ws", open=0, dialled=0, failed=0, given_up=1, half_within_ms=None),
    ]
    assert found.failures == [Counted(name="timeout", count=1)]


def test_the_median_is_the_end_of_its_group_and_unknown_past_the_last():
    even = count(*(Secured("P", TCP, d, ms) for d, ms in (("in", 4.0), ("out", 40.0))))
    assert even.handshakes == [Handshakes(step="noise", count=2, failed=0, half_within_ms=5.0)]
    slow = count(Secured("P", TCP, "in", 6000.0))
    assert slow.handshakes[0].half_within_ms is None


def test_the_ways_to_find_a_peer_and_refusals_are_counted_by_name_the_most_frequent_first():
    found = count(
        Found("P", "DHT", ["/ip4/1.2.3.4/tcp/1"], None, 1.0),
        Found("P", "DHT", [], "nobody knows it", 1.0),
        Refused(None, TCP, "full", "…"),
        Refused(None, TCP, "rate", "…"),
        Refused("P", TCP, "rate", "…"),
    )
    assert found.finding == [Finding(way="DHT", found=1, nothing=1)]
    assert found.refusals == [Counted(name="rate", count=2), Counted(name="full", count=1)]


def test_records_refused_here_and_there_are_apart():
    here = RecordsRefused("P", b"", by_peer=False, codes={"gap": 2})
    there = RecordsRefused("P", b"", by_peer=True, codes={"gap": 1})
    found = count(synced=(here, there)).synced
    assert found.refused == [Counted(name="gap", count=2)]
    assert found.refused_by_peers == [Counted(name="gap", count=1)]


async def test_the_curve_has_what_went_over_in_each_interval_and_ends_after_five_minutes(autojump_clock):
    traffic = Traffic(bytes_in=1000)
    recent = Recent(traffic.copy)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recent.run)
        await trio.sleep(EVERY_S / 2)
        traffic.bytes_in += 10
        await trio.sleep(EVERY_S)
        traffic.bytes_out += 5
        await trio.sleep(EVERY_S)
        assert recent.sizes() == [10, 5]
        await trio.sleep(EVERY_S * KEPT)
        assert recent.sizes() == [0] * KEPT
        nursery.cancel_scope.cancel()
