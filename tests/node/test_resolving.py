"""How a node finds others from their PeerID, and keeps its own whereabouts known."""

import random
from contextlib import asynccontextmanager

import pytest
import trio

from whatnext.clock import HybridClock
from whatnext.config import Settings
from whatnext.errors import Unreachable, UserError, WrongPeer
from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.net.dht.node import DhtNode
from whatnext.net.observing import Found
from whatnext.net.rendezvous.server import RendezvousServer
from whatnext.net.standing import Standing
from whatnext.node import whereabouts as whereabouts_module
from whatnext.node.homecoming import SEEN_WITHIN_MS, tell_acquaintances
from whatnext.node.relay_addresses import Relays, checked_relay
from whatnext.node.resolving import Resolver
from whatnext.node.whereabouts import Whereabouts
from whatnext.store import Library
from whatnext.store.peers import AddressBook

LOOPBACK = "/ip4/127.0.0.1/tcp/0"
RELAY = "/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"


@pytest.fixture
def book():
    library = Library(Identity.generate(), HybridClock(lambda: 1_790_000_000_000))
    yield AddressBook(library.database)
    library.close()


def network(listen=LOOPBACK, identity=None):
    return open_network(identity or Identity.generate(), NetConfig(listen=(listen,)))


def resolver(asking, book, nearby=lambda peer: [], relays=dict):
    return Resolver(asking, book, nearby, relays, DhtNode(asking, list))


def bare(network):
    return [address.rpartition("/p2p/")[0] for address in network.addresses()]


async def eventually(condition, within=8.0):
    with trio.fail_after(within):
        while not (found := condition()):  # noqa: ASYNC110 - any condition
            await trio.sleep(0.01)
        return found


async def test_a_peer_is_found_by_what_is_known_here(book):
    async with network() as ann, network() as ben:
        by_book, by_mdns = resolver(ann, book), resolver(ann, book, nearby=lambda peer: bare(ben))
        with pytest.raises(Unreachable):
            await by_book.reach(ben.peer)
        assert (await by_mdns.reach(ben.peer)).peer == ben.peer
        await ann.disconnect(ben.peer)
        book.note(ben.peer, bare(ben))
        assert (await by_book.reach(ben.peer)).address == bare(ben)[0]


async def test_regular_tries_ask_others_only_now_and_then_and_a_user_always(book):
    asked = []

    def observe(seen):
        if isinstance(seen, Found) and seen.way == "DHT":
            asked.append(seen.way)

    config = NetConfig(listen=(LOOPBACK,))
    async with open_network(Identity.generate(), config, observe=observe) as ann:
        absent, finding = Identity.generate().peer_id, resolver(ann, book)
        told = []
        for sparing in (True, True, False):
            with pytest.raises(Unreachable) as caught:
                await finding.reach(absent, sparing=sparing)
            told.append(caught.value.tried)
        assert told[0] == told[1] == told[2], "who is spared stands in the list with what it said last"
        assert asked == ["DHT", "DHT"]


async def test_the_book_learns_from_what_failed_and_forgets_where_somebody_else_answered(book):
    async with network() as ann, network() as other:
        absent = Identity.generate().peer_id
        book.note(absent, [bare(other)[0], "/ip4/127.0.0.1/tcp/1"])
        with pytest.raises(Unreachable, match="another peer answered") as caught:
            await resolver(ann, book).reach(absent)
        assert {tried.way for tried in caught.value.tried} >= {"address book", "this network", "DHT"}
        [entry] = book.get(absent).entries
        assert entry.address == "/ip4/127.0.0.1/tcp/1"
        assert entry.failing_since is not None


async def test_a_given_address_of_somebody_else_is_said_as_such(book):
    async with network() as ann, network() as other:
        with pytest.raises((WrongPeer, Unreachable), match="another peer answered"):
            await resolver(ann, book).reach(Identity.generate().peer_id, bare(other))
        with pytest.raises(UserError, match="own"):
            await resolver(ann, book).reach(ann.peer)


@asynccontextmanager
async def present(network, relays):
    dht = DhtNode(network, list)
    where = Whereabouts(network, dht, relays, random.Random(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(where.run)
        yield where
        nursery.cancel_scope.cancel()


async def test_word_is_left_at_a_relay_renewed_when_it_comes_back_and_taken_back_at_the_end(book):
    identity, relays = Identity.generate(), {}
    async with network() as ann, trio.open_nursery() as nursery:
        where = Whereabouts(ann, DhtNode(ann, list), lambda: relays, random.Random(1))
        ended = trio.CancelScope()

        async def run():
            with ended:
                await where.run()

        nursery.start_soon(run)
        async with network(identity=identity) as point:
            [at] = bare(point)
            relays[point.peer] = [at]
            table = RendezvousServer(point).table
            await eventually(lambda: len(table))
            async with network() as ben:
                await ben.dial(point.peer, [at])
                assert (await resolver(ben, book, relays=lambda: relays).reach(ann.peer)).peer == ann.peer
        async with network(at, identity) as point:
            table = RendezvousServer(point).table
            await eventually(lambda: len(table) and where.registered == {point.peer})
            ended.cancel()
            await eventually(lambda: not len(table))


async def test_a_relay_that_is_no_meeting_point_or_away_is_a_problem_that_is_told(monkeypatch):
    monkeypatch.setattr(whereabouts_module, "NOT_SERVED_S", 60.0)
    async with network() as ann, network() as relay:
        gone = Identity.generate().peer_id
        relays = {relay.peer: bare(relay), gone: ["/ip4/127.0.0.1/tcp/1"]}
        async with present(ann, lambda: relays) as where:
            await eventually(lambda: len(where.problems) == 2)
            assert where.problems[relay.peer] == "it serves no rendezvous"
            assert "refused" in where.problems[gone]
            assert ann.connections(), "the connection is kept all the same"
            relays.clear()
            await eventually(lambda: not where.problems)


async def test_a_relay_that_the_user_blocked_stops_nothing(book):
    async with network() as relay:
        relays = {relay.peer: bare(relay)}

        def judge(peer):
            return Standing.BLOCKED if peer == relay.peer else Standing.KNOWN

        config = NetConfig(listen=(LOOPBACK,))
        async with open_network(Identity.generate(), config, standing=judge) as ann:
            async with present(ann, lambda: relays) as where:
                await eventually(lambda: "blocked" in where.problems.get(relay.peer, ""))
            with pytest.raises(Unreachable, match=r"rendezvous: at .*blocked"):
                await resolver(ann, book, relays=lambda: relays).reach(Identity.generate().peer_id)


async def test_who_was_met_lately_is_told_a_new_port_and_members_are_left_to_others(book):
    now = 100 * SEEN_WITHIN_MS
    fresh = AddressBook(book._database, lambda: now)
    async with network() as ann, network() as recent, network() as member, network() as old:
        for each, seen in ((recent, now), (member, now), (old, now - SEEN_WITHIN_MS)):
            fresh.met(each.peer, worked=bare(each), announced=[], name=None, now_ms=seen)
        fresh.note(Identity.generate().peer_id, ["/ip4/127.0.0.1/tcp/1"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell_acquaintances, ann, fresh, now, {member.peer})
            await eventually(lambda: set(bare(ann)) <= set(recent.addresses_of(ann.peer)))
            assert not member.connections()
            assert not old.connections()
        await eventually(lambda: not recent.connections())


def test_a_relay_is_named_by_an_address_with_its_peerid():
    assert checked_relay(f" {RELAY} ") == RELAY
    for text, why in (
        (RELAY.rpartition("/p2p/")[0], "does not say which relay"),
        (f"{RELAY}/p2p-circuit{RELAY[RELAY.index('/p2p/') :]}", "through another relay"),
        ("relay.example", "no relay"),
        (RELAY[:-1], "no relay"),
    ):
        with pytest.raises(UserError, match=why):
            checked_relay(text)


def test_relays_of_the_profile_and_of_the_run_are_used_together(tmp_path):
    settings = Settings(tmp_path)
    other = RELAY.replace("192.0.2.1", "192.0.2.2")
    relays = Relays(settings, (RELAY,))
    peer = RELAY.rpartition("/")[2]
    assert relays.peers() == {peer: [RELAY]}
    settings.relay_over((other, RELAY))
    assert relays.addresses() == (RELAY, other)
    assert relays.peers() == {peer: [RELAY, other]}
    assert Relays(Settings(tmp_path)).addresses() == (other, RELAY)
    assert Relays(settings, ("/ip4/192.0.2.3/tcp/1/p2p/junk",), own=peer).peers() == {}
