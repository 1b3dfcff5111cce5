"""The DHT: its rules without a network, and a few nodes on loopback."""

import random
from contextlib import AsyncExitStack

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.identity import Identity
from whatnext.net.dht import table as table_module
from whatnext.net.dht.lookup import CONFIRMED, MAX_QUESTIONS, PARALLEL, Lookup, Server
from whatnext.net.dht.messages import (
    FindNode,
    Nodes,
    decode_answer,
    decode_question,
    encode_answer,
    encode_question,
)
from whatnext.net.dht.node import DhtNode
from whatnext.net.dht.server import BURST, DhtServer
from whatnext.net.dht.table import BUCKET, MAX_PER_SITE, RECORD_AGE_S, Records, RoutingTable, key_of
from whatnext.net.peer_records import seal

PEERS = [Identity(number.to_bytes(32, "big")) for number in range(1, 121)]
ME, TARGET = PEERS[0].peer_id, PEERS[1].peer_id


def record(number, seq=1, address="/ip4/10.0.0.1/tcp/4001"):
    identity = PEERS[number]
    return seal(identity.peer_id, identity.sign, [address] if address else [], seq)


RECORDS = [record(number) for number in range(len(PEERS))]


def distance(peer):
    return key_of(peer) ^ key_of(TARGET)


def test_a_table_keeps_a_bounded_number_at_each_distance_those_that_were_first():
    table = RoutingTable(ME)
    kept = [each for each in RECORDS if table.add(each)]
    assert len(kept) == len(table) < len(PEERS) - 1
    far = [r for r in RECORDS if (key_of(r.peer) ^ key_of(ME)).bit_length() == 256]
    assert [r for r in far if table.get(r.peer)] == far[:BUCKET]
    table.remove(far[0].peer)
    assert table.add(far[BUCKET])


def test_a_table_takes_the_newer_record_of_a_server_and_never_itself():
    table = RoutingTable(ME)
    assert not table.add(RECORDS[0])
    assert not table.add(record(1, address=None)), "a server nobody can dial is of no use to others"
    assert table.add(record(1, seq=5))
    assert table.add(record(1, seq=4))
    assert table.get(TARGET).seq == 5


def test_a_rented_network_full_of_made_up_peers_gets_few_places():
    table = RoutingTable(ME)
    same = [table.add(record(n, address=f"/ip4/8.8.8.{n}/tcp/1")) for n in range(1, 40)]
    assert sum(same) == MAX_PER_SITE
    assert table.add(record(50, address="/ip4/8.8.4.4/tcp/1"))


def test_the_nearest_come_first():
    table = RoutingTable(ME)
    for each in RECORDS:
        table.add(each)
    near = table.nearest(key_of(TARGET), 5)
    assert [r.peer for r in near] == sorted((r.peer for r in table.all()), key=distance)[:5]


def test_records_are_forgotten_when_they_are_not_renewed():
    kept = Records(ME)
    kept.put(record(1), 0)
    assert kept.get(TARGET, RECORD_AGE_S - 1)
    assert kept.get(TARGET, RECORD_AGE_S) is None
    kept.tick(RECORD_AGE_S)
    assert len(kept) == 0


def test_an_older_record_never_replaces_a_newer_one():
    kept = Records(ME)
    kept.put(record(1, seq=5), 0)
    kept.put(record(1, seq=4), 1)
    assert kept.get(TARGET, 2).seq == 5


def test_when_there_are_too_many_records_the_farthest_goes():
    kept = Records(ME, limit=3)
    for each in RECORDS[1:10]:
        kept.put(each, 0)
    nearest = sorted(RECORDS[1:10], key=lambda r: key_of(r.peer) ^ key_of(ME))[:3]
    assert all(kept.get(r.peer, 1) for r in nearest)
    assert len(kept) == 3


class World:
    """Servers that answer a walk from what each knows; `silent` ones never do."""

    def __init__(self, knows, silent=(), holders=()):
        self.knows, self.silent, self.holders = knows, set(silent), set(holders)
        self.asked = []

    def walk(self, lookup):
        running = []
        while not lookup.is_done:
            running += lookup.next()
            assert 0 < len(running) <= PARALLEL
            server = running.pop(0)
            self.asked.append(server.peer)
            if server.peer in self.silent:
                lookup.failed(server.peer)
                continue
            target = [RECORDS[1]] if server.peer in self.holders else []
            lookup.answered(server.peer, [*target, *self.knows(server.peer)])
        return lookup


def nearer(peer):
    """A server knows some that are nearer to the target than itself, as its buckets hold."""
    order = ranked()
    at = order.index(peer)
    steps = {at // 2, at // 2 + 1, at // 4, at // 6, at // 8} - {at}
    return [r for r in RECORDS[2:] if r.peer in {order[step] for step in steps}]


def ranked():
    return sorted((r.peer for r in RECORDS[2:]), key=distance)


def test_a_walk_comes_nearer_until_it_finds_who_knows():
    world = World(nearer, holders=ranked()[:3])
    lookup = world.walk(Lookup(ME, TARGET, [Server(ranked()[-1])], is_wanted=True))
    assert lookup.found == RECORDS[1]
    assert len(world.asked) < len(PEERS)


def test_a_walk_passes_servers_that_are_silent():
    world = World(nearer, silent=ranked()[3:9], holders=ranked()[:3])
    start = [Server(ranked()[-1]), Server(ranked()[50])]
    assert world.walk(Lookup(ME, TARGET, start, is_wanted=True)).found == RECORDS[1]


def test_a_walk_for_somebody_unknown_ends_with_nobody():
    lookup = World(nearer).walk(Lookup(ME, TARGET, [Server(ranked()[-1])], is_wanted=True))
    assert lookup.found is None
    assert lookup.answers > 0
    assert Lookup(ME, TARGET, [], is_wanted=True).is_done


def test_the_newest_of_several_records_is_believed():
    lookup = Lookup(ME, TARGET, [Server(p) for p in ranked()[:PARALLEL]], is_wanted=True)
    for number, server in enumerate(lookup.next()[:CONFIRMED]):
        assert not lookup.is_done
        lookup.answered(server.peer, [record(1, seq=number % 2)])
    assert lookup.is_done
    assert lookup.found.seq == 1


def test_liars_that_name_ever_nearer_servers_cost_a_bounded_number_of_questions():
    world = World(lambda peer: RECORDS[2:])
    lookup = world.walk(Lookup(ME, TARGET, [Server(r.peer) for r in RECORDS[2:]], is_wanted=True))
    assert len(world.asked) <= MAX_QUESTIONS
    assert lookup.is_done


@settings(max_examples=50)
@given(st.randoms(use_true_random=False))
def test_whatever_order_answers_come_in_the_walk_ends_and_never_asks_anybody_twice(rng):
    lookup = Lookup(ME, TARGET, [Server(r.peer) for r in rng.sample(RECORDS[2:], 5)], is_wanted=True)
    running, asked = [], []
    while not lookup.is_done:
        fresh = lookup.next()
        asked += [server.peer for server in fresh]
        running += fresh
        server = running.pop(rng.randrange(len(running)))
        if rng.random() < 0.3:
            lookup.failed(server.peer)
        else:
            lookup.answered(server.peer, rng.sample(RECORDS, rng.randrange(5)))
    assert len(set(asked)) == len(asked)
    assert not {ME, TARGET} & set(asked)


@pytest.mark.parametrize("serving", [False, True])
def test_questions_and_answers_come_back_as_they_were(serving):
    asked = FindNode(TARGET, RECORDS[0].sealed, serving)
    assert decode_question(encode_question(asked)) == asked
    assert decode_question(encode_question(FindNode(TARGET))) == FindNode(TARGET)
    nodes = Nodes(tuple(RECORDS[:5]))
    assert decode_answer(encode_answer(nodes)) == nodes


def test_py_libp2p_reads_our_messages():
    from libp2p.kad_dht.pb.kademlia_pb2 import Message
    from libp2p.peer.id import ID

    asked = Message()
    asked.ParseFromString(encode_question(FindNode(TARGET, RECORDS[0].sealed, is_serving=True)))
    assert (asked.type, str(ID(asked.key)), asked.senderRecord) == (4, TARGET, RECORDS[0].sealed)
    answer = Message()
    answer.ParseFromString(encode_answer(Nodes((RECORDS[1],))))
    assert [peer.signedRecord for peer in answer.closerPeers] == [RECORDS[1].sealed]


@given(st.binary(max_size=200))
def test_rubbish_is_refused_or_says_nothing(rubbish):
    for decode in (decode_question, decode_answer):
        try:
            message = decode(rubbish)
        except ProtocolViolation:
            continue
        assert message == Nodes(()) or isinstance(message, FindNode)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_answer_never_names_anybody_who_did_not_sign(at, change):
    damaged = bytearray(encode_answer(Nodes(tuple(RECORDS[:3]))))
    damaged[at % len(damaged)] ^= change
    try:
        found = decode_answer(bytes(damaged)).records
    except ProtocolViolation:
        return
    assert {r.peer: r.addresses for r in found}.items() <= {r.peer: r.addresses for r in RECORDS[:3]}.items()


@pytest.mark.real
async def test_a_server_keeps_only_what_a_peer_says_of_itself(node):
    async with node() as network:
        server = DhtServer(network)
        with pytest.raises(ProtocolViolation, match="record of"):
            server.answer(ME, FindNode(TARGET, RECORDS[1].sealed, is_serving=True), 0)
        assert (len(server.table), len(server.records)) == (0, 0)
        server.answer(TARGET, FindNode(TARGET, RECORDS[1].sealed), 0)
        assert (len(server.table), len(server.records)) == (0, 1), "a client is found, and not asked"
        told = server.answer(ME, FindNode(TARGET), 0).records
        assert [r.peer for r in told] == [TARGET, network.peer]
        for _ in range(int(BURST) - 2):
            server.answer(ME, FindNode(TARGET), 0)
        with pytest.raises(ProtocolViolation, match="too many"):
            server.answer(ME, FindNode(TARGET), 0)
        assert server.answer(TARGET, FindNode(ME), 0)


@pytest.mark.real
async def test_nodes_find_each_other_by_peerid(node, eventually):
    async with AsyncExitStack() as stack:
        networks = [await stack.enter_async_context(node()) for _ in range(5)]
        root = networks[0].addresses()[0]
        servers = [DhtServer(network) for network in networks[:4]]  # the fifth is a client
        nodes = [
            DhtNode(network, lambda: [root], server, random.Random(1))
            for network, server in zip(networks, [*servers, None], strict=True)
        ]
        for each in nodes[1:]:
            assert await each.announce() >= 1
        for asker, sought in ((4, 2), (2, 4), (4, 0)):
            found = await nodes[asker].find(networks[sought].peer)
            assert set(found) & {a.rpartition("/p2p/")[0] for a in networks[sought].addresses()}
        with trio.fail_after(5):
            assert await nodes[4].find(Identity.generate().peer_id) == ()
        await eventually(lambda: not networks[4].connections())


@pytest.mark.real
async def test_a_node_that_knows_no_server_says_so(node):
    async with node() as network:
        with pytest.raises(ConnectionLost, match="no node that serves the DHT"):
            await DhtNode(network, list).find(TARGET)
        assert await DhtNode(network, list).announce() == 0


@pytest.mark.real
async def test_a_connected_server_needs_no_setting_up(node, eventually):
    async with node() as serving, node() as asking:
        server = DhtServer(serving)
        server.records.put(RECORDS[1], trio.current_time())
        await asking.dial(serving.peer, serving.addresses())
        await eventually(lambda: asking.protocols_of(serving.peer))
        assert await DhtNode(asking, list).find(TARGET) == RECORDS[1].addresses
        assert asking.connections(), "a connection that was there before is kept"


@pytest.mark.real
async def test_a_server_that_is_gone_leaves_the_table(node, dead_port):
    async with node() as network:
        server = DhtServer(network)
        gone = record(2, address=f"/ip4/127.0.0.1/tcp/{dead_port}")
        server.table.add(gone)
        with pytest.raises(ConnectionLost):
            await DhtNode(network, list, server).find(TARGET)
        assert server.table.get(gone.peer) is None


def test_the_places_of_peers_are_those_of_libp2p():
    from libp2p.kad_dht.routing_table import peer_id_to_key
    from libp2p.peer.id import ID

    assert key_of(ME) == int.from_bytes(peer_id_to_key(ID.from_string(ME)), "big")
    assert table_module.MAX_RECORDS >= 1000


@pytest.mark.real
async def test_the_last_visit_ends_the_connection_unless_somebody_wants_the_peer(node, eventually):
    async with node() as asking, node() as asked:
        for wanted in (False, True):
            assert await asking.visit(asked.peer, asked.addresses())
            assert await asking.visit(asked.peer, asked.addresses())
            if wanted:
                await asking.dial(asked.peer, [])
            await asking.hang_up(asked.peer, "asked")
            assert asking.connections()
            await asking.hang_up(asked.peer, "asked")
            await eventually(lambda wanted=wanted: bool(asking.connections()) is wanted)
        assert not await asking.visit(asked.peer, asked.addresses()), "connected for more than a visit"
