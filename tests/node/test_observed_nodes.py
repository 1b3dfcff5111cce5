"""Two real nodes in this process: timelines, the metrics page and its guide, and what listeners hear."""

import http.client
import io
import json
import logging
import re
from pathlib import Path

import msgspec
import pytest
import trio
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from whatnext.errors import NotFound
from whatnext.node import metrics as node_metrics
from whatnext.node import presence
from whatnext.node.config import NodeConfig
from whatnext.node.counter_views import Counted
from whatnext.node.counting import counters
from whatnext.node.log_file import NAME
from whatnext.node.logs import set_up_logs
from whatnext.node.node import open_node
from whatnext.node.peer_report import show
from whatnext.node.presence_views import SetPresence, Share
from whatnext.node.requests import OfPeer
from whatnext.playlists.operations import OPERATIONS
from whatnext.playlists.requests import Nothing
from whatnext.records.ids import playlist_from_text
from whatnext.records.judge import Refusal
from whatnext.sync.discipline import OffenceKind
from whatnext.sync.events import LinkEnded, Offence, PeerPresence, RecordsRefused

pytestmark = pytest.mark.real

GUIDE = Path(__file__).parents[2] / "docs" / "metrics.md"
CONFIG = NodeConfig(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)


def perform(node, operation, **request):
    found = OPERATIONS[operation]
    return found.run(node.playlists, msgspec.convert(request, found.request))


async def until(condition):
    with trio.fail_after(30):
        while not (found := condition()):  # noqa: ASYNC110 - any condition
            await trio.sleep(0.005)
        return found


@pytest.fixture
async def nodes(tmp_path):
    for name in ("anna", "ben"):
        (tmp_path / name).mkdir()
    async with open_node(tmp_path / "anna", CONFIG) as anna, open_node(tmp_path / "ben", CONFIG) as ben:
        playlist = perform(anna, "playlist.create", name="Kitchen").id
        link = perform(anna, "invite.create", playlist=playlist).link
        perform(ben, "join", link=link, name="Ben")
        ben.contacts.wake()
        await until(
            lambda: "in sync" in kinds(anna, ben.network.peer) and "in sync" in kinds(ben, anna.network.peer)
        )
        yield anna, ben, playlist


def kinds(node, peer):
    return [step.kind for life in node.instruments.lives(peer) for step in life.steps]


def get(node, path, token=None):
    connection = http.client.HTTPConnection(node.url.removeprefix("http://"), timeout=20)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token or node.access.token}"})
    answer = connection.getresponse()
    return answer.status, answer.getheader("content-type"), answer.read().decode()


def samples(node):
    families = text_string_to_metric_families(node.instruments.page().decode())
    return {(s.name, *(v for _, v in sorted(s.labels.items()))): s.value for f in families for s in f.samples}


async def test_one_connection_is_one_readable_timeline_on_both_sides_and_on_events(nodes):
    anna, ben, playlist = nodes
    a, b = anna.network.peer, ben.network.peer
    await until(lambda: "identified" in kinds(ben, a) and "identified" in kinds(anna, b))
    seen = await show(ben, OfPeer(peer=a))
    assert (seen.standing, seen.agent is not None) == ("member", True)
    assert [c.direction for c in seen.connections] == ["out"]
    assert [p.name for p in seen.playlists] == ["Kitchen"]
    [life] = seen.lives
    dialled = [step.kind for step in life.steps]
    for before, after in (
        ("dialling", "secured"),
        ("secured", "muxed"),
        ("muxed", "connected"),
        ("connected", "handshaken"),
        ("handshaken", "in sync"),
    ):
        assert dialled.index(before) < dialled.index(after)
    assert [s.after_ms for s in life.steps] == sorted(s.after_ms for s in life.steps)
    assert kinds(anna, b)[:3] == ["secured", "muxed", "connected"]

    with anna.feed.listen() as listener:
        perform(ben, "playlist.add", playlist=playlist, tracks=[{"title": "One"}])
        await ben.network.disconnect(a, "for the test")
        heard = b""
        while b'"kind":"lost"' not in heard:
            with trio.fail_after(20):
                heard += await listener.wait()
    steps = [json.loads(d) for d in re.findall(r"event: step\ndata: (.*)\n", heard.decode())]
    assert {step["peer"] for step in steps} == {b}
    first = [step["kind"] for step in steps if step["life"] == 1]
    assert "lost" in first
    assert set(first) <= {"unlinked", "lost"}, "an edit makes no step"

    with pytest.raises(NotFound):
        await show(ben, OfPeer(peer="nobody of that name"))


async def test_an_address_of_the_book_shows_when_it_last_worked(nodes):
    anna, ben, _ = nodes
    await until(lambda: (kept := ben.book.get(anna.network.peer)) and any(e.worked for e in kept.entries))
    seen = await show(ben, OfPeer(peer=anna.network.peer))
    assert any(address.worked_at for address in seen.addresses)


async def test_the_metrics_page_needs_the_token_and_counts_what_happened(nodes):
    anna, ben, playlist = nodes
    before = samples(anna)
    perform(ben, "playlist.add", playlist=playlist, tracks=[{"title": "One"}])
    await until(
        lambda: (
            samples(anna)["whatnext_sync_records_total", "in"] > before["whatnext_sync_records_total", "in"]
        )
    )
    after = samples(anna)
    status, media_type, page = await trio.to_thread.run_sync(get, anna, "/metrics")
    assert (status, media_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert (await trio.to_thread.run_sync(get, anna, "/metrics", "wrong"))[0] == 401
    assert anna.network.peer not in page
    assert ben.network.peer not in page
    grown = {key for key, value in after.items() if value > before[key]}
    assert ("whatnext_sync_lag_seconds_count",) in grown
    assert ("whatnext_sync_bytes_total", "in") in grown
    assert after["whatnext_sync_links", "handshaken"] == 1
    assert after["whatnext_connections", "in", "lan", "tcp"] == 1
    assert after["whatnext_sync_hello_seconds_count",] == 1
    assert after["whatnext_playlists",] == 1


async def test_the_counters_say_in_numbers_what_two_nodes_did(nodes):
    anna, ben, playlist = nodes
    received = anna.hub.traffic().records_in
    perform(ben, "playlist.add", playlist=playlist, tracks=[{"title": "One"}])
    await until(lambda: anna.hub.traffic().records_in > received)
    here = await counters(anna, Nothing())
    there = await counters(ben, Nothing())
    assert [(row.transport, row.open, row.dialled) for row in here.transports] == [("tcp", 1, 0)]
    assert [(row.transport, row.open, row.dialled) for row in there.transports] == [("tcp", 1, 1)]
    assert here.came == [Counted(name="in", count=1), Counted(name="out", count=0)]
    assert [step.step for step in here.handshakes] == ["noise", "mux"]
    assert here.synced.bytes_in == there.synced.bytes_out > 0
    assert [way.way for way in there.finding if way.found] == ["address book"]


async def test_a_member_hears_no_more_of_what_is_played_once_it_is_switched_off(nodes):
    anna, ben, playlist = nodes
    perform(anna, "playlist.add", playlist=playlist, tracks=[{"title": "One"}])
    await until(lambda: ben.library.documents.in_playlist(playlist_from_text(playlist), "entries"))
    playing = SetPresence(playlist=playlist, entry="1")
    heard = []
    ben.hub.listen(lambda event: heard.append(event) if isinstance(event, PeerPresence) else None)
    await presence.tell(anna, playing)
    await until(ben.presences.listing)
    await presence.share(anna, Share(on=False))
    await until(lambda: not ben.presences.listing())
    count = len(heard)
    await presence.tell(anna, playing)
    received = ben.hub.traffic().records_in
    perform(anna, "playlist.add", playlist=playlist, tracks=[{"title": "Two"}])
    await until(lambda: ben.hub.traffic().records_in > received)  # comes behind what would have been told
    assert len(heard) == count
    await presence.share(anna, Share(on=True))
    await presence.tell(anna, playing)
    await until(ben.presences.listing)


async def test_the_guide_lists_exactly_the_metrics_there_are_with_their_labels(tmp_path):
    (tmp_path / "anna").mkdir()
    async with open_node(tmp_path / "anna", CONFIG) as node:
        page = node.instruments.page().decode()
    told = {}
    for family in text_string_to_metric_families(page):
        labels = {label for s in family.samples for label in s.labels} - {"le"}
        name = family.name + "_total" if family.type == "counter" else family.name
        told[name] = labels
    told["whatnext_streams_opened_total"] = {"protocol", "direction"}  # begins with the first stream
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    described = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert described == {name: labels for name, labels in told.items() if not name.startswith("process_")}


def test_words_of_a_peer_are_counted_as_other():
    registry = CollectorRegistry()
    metrics = node_metrics.SyncMetrics(registry)
    before = {(m.name, *s.labels.values()) for m in registry.collect() for s in m.samples}
    metrics.on_sync(RecordsRefused("P", b"", by_peer=True, codes={"evil": 3, str(Refusal.GAP): 2}))
    metrics.on_sync(LinkEnded("P", "evil", "…"))
    metrics.on_sync(Offence("P", OffenceKind.FLOOD, "…"))
    assert {(m.name, *s.labels.values()) for m in registry.collect() for s in m.samples} == before
    assert (
        registry.get_sample_value("whatnext_sync_records_refused_total", {"by": "peer", "code": "other"}) == 3
    )
    assert (
        registry.get_sample_value("whatnext_sync_records_refused_total", {"by": "peer", "code": "gap"}) == 2
    )
    assert registry.get_sample_value("whatnext_sync_links_ended_total", {"code": "other"}) == 1
    assert registry.get_sample_value("whatnext_sync_offences_total", {"kind": "flood"}) == 1


async def test_the_log_in_the_profile_tells_of_peers_by_field_and_name_and_says_no_secret(tmp_path):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs = set_up_logs("error", "human", io.StringIO())
    try:
        for name in ("anna", "ben"):
            (tmp_path / name).mkdir()
        async with (
            open_node(tmp_path / "anna", CONFIG) as anna,
            open_node(tmp_path / "ben", CONFIG, logs) as ben,
        ):
            perform(anna, "profile.name", name="Anna")
            playlist = perform(anna, "playlist.create", name="Kitchen").id
            link = perform(anna, "invite.create", playlist=playlist).link
            perform(ben, "join", link=link)
            ben.contacts.wake()
            await until(lambda: "in sync" in kinds(ben, anna.network.peer))
            token, peer = ben.access.token, anna.network.peer
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
    text = (tmp_path / "ben" / NAME).read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert ("Anna", peer) in {(line.get("name"), line.get("peer")) for line in lines}
    assert token not in text
    assert link.partition("#")[2] not in text
