"""The network's metrics: everything is there from the start, everything is counted, nothing grows with peers."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from whatnext.errors import NetworkError
from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.net.events import Connected, Disconnected, PathChanged
from whatnext.net.failures import CODES
from whatnext.net.metrics import MAX_PROTOCOLS, REFUSALS, WAYS, NetMetrics, exposition
from whatnext.net.observing import (
    DialFailed,
    DialWon,
    Found,
    HandshakeFailed,
    Identified,
    Muxed,
    Refused,
    Secured,
    StreamOpened,
    to_all,
)

SOURCE = Path(__file__).parents[2] / "src" / "whatnext"
LOCAL = NetConfig(listen=("/ip4/127.0.0.1/tcp/0",))
TCP = "/ip4/192.0.2.1/tcp/1"


def fresh():
    registry = CollectorRegistry()
    return registry, NetMetrics(registry)


def samples(registry):
    return {
        (s.name, *(v for _, v in sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(exposition(registry).decode())
        for s in family.samples
    }


def grown(registry, before):
    return {
        key: value - before.get(key, 0)
        for key, value in samples(registry).items()
        if value != before.get(key, 0)
    }


def test_every_series_is_there_with_zero_from_the_start():
    registry, _ = fresh()
    found = samples(registry)
    assert set(found.values()) == {0}
    assert ("whatnext_dials_total", "connected", "tcp") in found
    assert {("whatnext_dials_total", code, "relay") for code in CODES} <= found.keys()
    assert ("whatnext_refusals_total", "blocked") in found
    assert ("whatnext_handshake_seconds_count", "in", "noise") in found
    assert not [key for key in found if key[0].endswith("_created")]


@pytest.mark.parametrize(
    ("observation", "key"),
    [
        (DialWon("P", TCP, 7.0), ("whatnext_dials_total", "connected", "tcp")),
        (DialWon("P", TCP + "/ws", 7.0), ("whatnext_dial_seconds_count", "ws")),
        (DialFailed("P", TCP, "no", "refused", 1.0), ("whatnext_dials_total", "refused", "tcp")),
        (DialFailed("P", "junk", "no", "not a code", 1.0), ("whatnext_dials_total", "other", "unknown")),
        (Secured("P", TCP, "in", 3.0), ("whatnext_handshake_seconds_count", "in", "noise")),
        (Muxed("P", TCP, "out", "yamux", 3.0), ("whatnext_connections_muxed_total", "yamux")),
        (Muxed("P", TCP, "out", "evil", 3.0), ("whatnext_connections_muxed_total", "other")),
        (
            HandshakeFailed(None, TCP, "in", "noise", "timeout", "slow", 5.0),
            ("whatnext_handshake_failures_total", "timeout", "in", "noise"),
        ),
        (Identified("P", "agent", []), ("whatnext_peers_identified_total",)),
        (StreamOpened("P", "/p/1", "in"), ("whatnext_streams_opened_total", "in", "/p/1")),
        (Found("P", "address book", [TCP], None, 1.0), ("whatnext_finds_total", "found", "address book")),
        (Found("P", "DHT", [], "nobody", 1.0), ("whatnext_finds_total", "nothing", "DHT")),
        (Refused(None, TCP, "ip_limit", "too many"), ("whatnext_refusals_total", "ip_limit")),
        (Refused("P", TCP, "new code", "…"), ("whatnext_refusals_total", "other")),
        (Connected("P", TCP, "out"), ("whatnext_peers_connected_total", "out")),
        (PathChanged("P", TCP, "out"), ("whatnext_path_changes_total",)),
        (Disconnected("P", "bye"), ("whatnext_peers_disconnected_total",)),
    ],
)
def test_each_observation_is_counted_where_it_belongs(observation, key):
    registry, metrics = fresh()
    before = samples(registry)
    metrics(observation)
    assert grown(registry, before)[key] == 1


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20)), max_size=40))
def test_no_peer_address_or_word_of_a_peer_makes_a_new_series(words):
    registry, metrics = fresh()
    before = samples(registry).keys()
    for peer, address, code in words:
        metrics(DialFailed(peer, address, code, code, 1.0))
        metrics(DialWon(peer, address, 1.0))
        metrics(Muxed(peer, address, "in", code, 1.0))
        metrics(HandshakeFailed(peer, address, "in", "mux", code, code, 1.0))
        metrics(Found(peer, code, [], code, 1.0))
        metrics(Refused(peer, address, code, code))
        metrics(Connected(peer, address, "in"))
    assert samples(registry).keys() == before


@pytest.mark.parametrize(
    ("pattern", "where", "labels"),
    [
        (r'Refusal\(\s*"(\w+)"', "**/*.py", REFUSALS),
        (r'^    name = "([^"]+)"|KnownHere\("([^"]+)"', "**/*.py", WAYS),
        (r'Failure\([^()]*\bcode="(\w+)"', "**/*.py", CODES),
    ],
)
def test_what_the_code_tells_has_its_own_series_and_is_not_only_other(pattern, where, labels):
    files = [file for top in ("net", "node") for file in (SOURCE / top).glob(where)]
    found = {
        next(filter(None, match.groups()))
        for file in files
        for match in re.finditer(pattern, file.read_text("utf-8"), re.MULTILINE)
    }
    assert len(found) > 3
    assert found <= set(labels)


def test_protocols_are_bounded_too():
    registry, metrics = fresh()
    for number in range(3 * MAX_PROTOCOLS):
        metrics(StreamOpened("P", f"/p/{number}", "in"))
    found = {k: v for k, v in samples(registry).items() if k[0] == "whatnext_streams_opened_total"}
    assert len(found) == MAX_PROTOCOLS + 1
    assert found["whatnext_streams_opened_total", "in", "other"] == 2 * MAX_PROTOCOLS


async def test_a_real_connection_shows_in_counters_and_gauges_and_no_label_names_a_peer(echoing, eventually):
    registry, metrics = fresh()
    told = []
    async with (
        open_network(Identity.generate(), LOCAL, observe=to_all(metrics, told.append)) as a,
        open_network(Identity.generate(), LOCAL, echoing) as b,
    ):
        metrics.watch(a)
        before = samples(registry)
        assert before["whatnext_connections", "out", "lan", "tcp"] == 0
        await a.dial(b.peer, b.addresses())
        with pytest.raises(NetworkError):
            await a.dial(Identity.generate().peer_id, b.addresses()[0].split("/p2p/")[:1])
        stream = await a.open_stream(b.peer, ["/test/echo/1.0.0"])
        await eventually(lambda: any(isinstance(each, Identified) for each in told))
        after = samples(registry)
        page = exposition(registry).decode()
        await stream.close()
    assert after["whatnext_connections", "out", "lan", "tcp"] == 1
    assert after["whatnext_streams",] >= 1
    assert after["whatnext_tasks",] > 1
    assert after["process_resident_memory_bytes",] > 1_000_000
    assert after["process_open_fds",] > 3
    assert after["whatnext_dials_total", "connected", "tcp"] == 1
    assert after["whatnext_dials_total", "wrong_peer", "tcp"] == 1
    assert after["whatnext_handshake_seconds_count", "out", "mux"] == 1
    assert after["whatnext_streams_opened_total", "out", "/test/echo/1.0.0"] == 1
    assert a.peer not in page
    assert b.peer not in page
    assert not re.search(r"127\.0\.0\.1", page)
