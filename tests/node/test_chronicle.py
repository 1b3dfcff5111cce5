"""What is told becomes steps in words for people; what happens at every edit becomes none."""

import pytest
import trio

from whatnext.net.events import Connected, Disconnected, PathChanged
from whatnext.net.mdns import Found as Discovered
from whatnext.net.mdns import Lost
from whatnext.net.observing import (
    DialFailed,
    Dialling,
    DialWon,
    Found,
    HandshakeFailed,
    Identified,
    Muxed,
    Refused,
    Secured,
    StreamOpened,
)
from whatnext.node.chronicle import MAX_IN_SYNC, Chronicle
from whatnext.node.instruments import STEPS_BURST, Instruments
from whatnext.node.neighbours import Neighbours
from whatnext.sync.discipline import OffenceKind
from whatnext.sync.events import (
    JoinAccepted,
    JoinRefused,
    LinkEnded,
    Offence,
    PeerHandshaken,
    PlaylistInSync,
)

ADDRESS = "/ip4/192.0.2.7/tcp/4001"


@pytest.fixture
def told():
    """A chronicle, and the (kind, text) of its steps."""
    steps = []
    chronicle = Chronicle(lambda: 0.0, lambda peer, life, step: steps.append((step.kind, step.text)))
    chronicle.title = lambda playlist: f"“{playlist.decode()}”"
    chronicle.steps = steps
    return chronicle


@pytest.mark.parametrize(
    ("observation", "step"),
    [
        (Dialling("P", ADDRESS), ("dialling", "")),
        (DialFailed("P", ADDRESS, "no route", "no_route", 1.0), ("failed", "no route")),
        (DialFailed("P", ADDRESS, "too many", "not_tried", 0.0), ("not tried", "too many")),
        (DialFailed("P", ADDRESS, "slower", "given_up", 1.0), ("given up", "slower")),
        (DialWon("P", ADDRESS, 9.0), ("dialled", "all of it took")),
        (Secured("P", ADDRESS, "in", 1.0), ("secured", "Noise, it dialled us")),
        (Muxed("P", ADDRESS, "out", "yamux", 1.0), ("muxed", "yamux")),
        (HandshakeFailed("P", ADDRESS, "in", "mux", "hung_up", "hung up", 1.0), ("failed", "mux: hung up")),
        (Identified("P", "js-libp2p/3", ["a"]), ("identified", "js-libp2p/3, 1 protocol")),
        (Identified("P", "", ["a", "b"]), ("identified", "2 protocols")),
        (Connected("P", "/ip4/8.8.8.8/tcp/1", "out"), ("connected", "we dialled it, directly")),
        (Connected("P", "/ip4/192.168.1.2/tcp/1", "in"), ("connected", "it dialled us, on this network")),
        (
            PathChanged("P", f"{ADDRESS}/p2p/R/p2p-circuit", "out"),
            ("path", "another connection is used now, through a relay"),
        ),
        (Disconnected("P", "it no longer answers"), ("lost", "it no longer answers")),
        (Found("P", "rendezvous", [ADDRESS], None, 3.0), ("found", "rendezvous: 1 address")),
        (Found("P", "dht", [], "nobody knows it", 3.0), ("not found", "dht: nobody knows it")),
        (Refused("P", ADDRESS, "blocked", "you blocked it"), ("refused", "blocked: you blocked it")),
    ],
)
def test_each_observation_is_one_step(told, observation, step):
    told.observe(observation)
    assert told.steps == [step]


@pytest.mark.parametrize(
    "observation",
    [
        StreamOpened("P", "/p/1", "in"),
        Refused(None, ADDRESS, "ip_limit", "too many"),
        HandshakeFailed(None, ADDRESS, "in", "noise", "timeout", "slow", 1.0),
        HandshakeFailed("P", ADDRESS, "out", "noise", "wrong_peer", "told as a failed dial too", 1.0),
    ],
)
def test_what_is_nobodys_or_told_twice_is_no_step(told, observation):
    told.observe(observation)
    assert told.steps == []


def test_neighbours_are_told_those_of_other_programs_are_not(told):
    told.on_mdns(Discovered("P", (ADDRESS, "/ip4/192.0.2.7/tcp/4002"), True))
    told.on_mdns(Discovered("Q", (ADDRESS,), False))
    told.on_mdns(Lost("P"))
    told.on_mdns(Lost("Q"))
    assert told.steps == [("discovered", "on this network, 2 addresses"), ("gone", "from this network")]
    assert told.timelines.lives("Q") == []


async def test_the_neighbours_tell_the_timeline_of_each_word_of_mdns(told):
    neighbours = Neighbours(None, told.on_mdns)
    neighbours._take(Discovered("P", (ADDRESS,), True), lambda _: None)
    neighbours._take(Lost("P"), lambda _: None)
    assert [kind for kind, _ in told.steps] == ["discovered", "gone"]


def test_a_sentence_in_a_peers_own_timeline_does_not_spell_out_its_peerid(told):
    peer = "12D3KooWBdVrmQP74QU3K7SZScRSMGnimvGhyt96ZcKyVYXFonCU"
    told.observe(Disconnected(peer, f"the stream with {peer} ended"))
    assert told.steps == [("lost", "the stream with it ended")]


def test_in_sync_is_told_once_for_each_playlist_and_link_however_often_it_happens(told):
    told.observe(Connected("P", ADDRESS, "out"))
    for _ in range(3):
        told.on_sync(PeerHandshaken("P", "Ben", "whatnext/1", (), 0))
        for _ in range(100):
            told.on_sync(PlaylistInSync("P", b"Kitchen"))
    assert told.steps.count(("in sync", "“Kitchen”")) == 3
    assert told.steps.count(("handshaken", "Ben, whatnext/1")) == 3


def test_a_peer_with_very_many_playlists_makes_a_bounded_number_of_steps(told):
    told.observe(Connected("P", ADDRESS, "out"))
    for number in range(10 * MAX_IN_SYNC):
        told.on_sync(PlaylistInSync("P", b"%d" % number))
    assert len(told.steps) == 1 + MAX_IN_SYNC


def test_the_end_of_a_link_after_the_connection_begins_no_new_life(told):
    told.observe(Connected("P", ADDRESS, "out"))
    told.on_sync(LinkEnded("P", "timeout", "no answer"))
    told.observe(Disconnected("P", "gone"))
    told.on_sync(LinkEnded("P", "connection_lost", "gone"))
    told.on_sync(PlaylistInSync("P", b"late"))
    assert [kind for kind, _ in told.steps] == ["connected", "unlinked", "lost", "unlinked"]
    assert len(told.timelines.lives("P")) == 1


def test_a_way_that_cannot_work_is_told_once_in_a_life(told):
    silent = Found("P", "DHT", [], "no relay is set up", 1.0)
    for _ in range(5):
        told.observe(silent)
        told.observe(Found("P", "address book", [ADDRESS], None, 1.0))
    told.observe(Disconnected("P", "gone"))
    told.observe(silent)
    assert told.steps.count(("not found", "DHT: no relay is set up")) == 2
    assert told.steps.count(("found", "address book: 1 address")) == 5


def test_joins_and_offences_are_told(told):
    told.on_sync(JoinAccepted("P", b"Kitchen"))
    told.on_sync(JoinRefused("P", b"Kitchen", "expired", "the invite has expired", False))
    told.on_sync(Offence("P", OffenceKind.FLOOD, "too fast"))
    assert told.steps == [
        ("joined", "“Kitchen”"),
        ("refused", "“Kitchen”: the invite has expired"),
        ("offence", "flood: too fast"),
    ]


async def test_a_crowd_of_strangers_does_not_flood_listeners_and_friends_are_heard_again_soon(autojump_clock):
    instruments, heard = Instruments(), []
    instruments._tell = lambda make: heard.append(make())
    for number in range(5 * round(STEPS_BURST)):
        instruments.observe(Secured(f"stranger {number}", ADDRESS, "in", 1.0))
    assert len(heard) == STEPS_BURST
    await trio.sleep(1)
    instruments.observe(Secured("friend", ADDRESS, "in", 1.0))
    assert (heard[-1].peer, heard[-1].kind) == ("friend", "secured")
    assert [step.kind for life in instruments.lives("friend") for step in life.steps] == ["secured"]
