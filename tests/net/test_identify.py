"""What nodes tell of themselves, what they believe, and where they see each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.identity.identify.pb.identify_pb2 import Identify as Wire
from multiaddr import Multiaddr
from small_relay import small_relay

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.identity import Identity
from whatnext.net.framing import framed, read_message
from whatnext.net.identify.messages import ASK, MAX_TOLD, PUSH, About, decode, encode, worth_telling
from whatnext.net.identify.sightings import MAX_WITNESSES, Sighting, Sightings
from whatnext.net.peer_records import unseal

RELAY = Identity.generate().peer_id


def sighting(address, by="p", local=4001, outbound=True):
    return Sighting(by, address, local, outbound)


async def asked(network, peer):
    async with await network.open_stream(peer, [ASK]) as stream:
        return decode(await read_message(stream, 1 << 16))


@pytest.mark.real
async def test_a_node_tells_its_real_addresses_signed_and_where_it_sees_the_other(node, echoing):
    async with node(echoing) as ben, node() as anna:
        await anna.dial(ben.peer, ben.addresses())
        about = await asked(anna, ben.peer)
        assert [f"{address}/p2p/{ben.peer}" for address in about.addresses] == ben.addresses()
        assert unseal(about.record).addresses == about.addresses
        assert unseal(about.record).peer == ben.peer
        assert about.agent.startswith("whatnext/")
        assert {"/test/echo/1.0.0", ASK, PUSH} <= set(about.protocols)
        [link] = anna._connections.all()
        port = link.conn.muxed_conn.secured_conn.conn.conn.stream.local_port()
        assert about.observed == f"/ip4/127.0.0.1/tcp/{port}"


@pytest.mark.real
async def test_over_a_circuit_nothing_is_said_of_where_the_other_is(node, eventually):
    async with small_relay() as relay, node() as ben, node() as anna:
        ben.relays.use([relay.address])
        await eventually(ben.circuits.addresses)
        await anna.dial(ben.peer, [relay.circuit(ben.peer)])
        about = await asked(anna, ben.peer)
        assert about.observed == ""
        assert relay.circuit(ben.peer).removesuffix(f"/p2p/{ben.peer}") in about.addresses
        assert unseal(about.record).addresses == about.addresses
        assert ben.peer not in [word.by for word in anna.sightings.all()]
        assert [word.by for word in anna.sightings.all()] == [relay.network.peer]


@pytest.mark.real
async def test_a_place_at_a_relay_is_pushed_to_those_connected(node, eventually):
    async with small_relay() as relay, node() as ben, node() as anna:
        await anna.dial(ben.peer, ben.addresses())
        await eventually(lambda: anna.addresses_of(ben.peer))
        before = unseal((await asked(anna, ben.peer)).record)
        ben.relays.use([relay.address])
        circuit = relay.circuit(ben.peer).removesuffix(f"/p2p/{ben.peer}")
        await eventually(lambda: circuit in anna.addresses_of(ben.peer))
        after = unseal((await asked(anna, ben.peer)).record)
        assert after.seq > before.seq
        assert circuit in after.addresses
        ben.relays.use([])
        await eventually(lambda: circuit not in anna.addresses_of(ben.peer))


@pytest.mark.real
async def test_rubbish_pushed_to_a_node_changes_nothing(node, eventually):
    async with node() as ben, node() as mallory:
        await mallory.dial(ben.peer, ben.addresses())
        known = await eventually(lambda: ben.addresses_of(mallory.peer))
        for message in (b"\xff" * 40, b"\x80" * 12):
            stream = await mallory.open_stream(ben.peer, [PUSH])
            await stream.send_all(framed(message))
            with pytest.raises(ConnectionLost):
                await stream.receive_some()
        assert ben.addresses_of(mallory.peer) == known


@pytest.mark.real
async def test_a_record_in_anothers_name_is_not_believed(node, eventually):
    async with node() as ben, node() as anna, node() as mallory:
        await anna.dial(ben.peer, ben.addresses())
        await mallory.dial(ben.peer, ben.addresses())
        stolen = (await asked(mallory, ben.peer)).record
        known = await eventually(lambda: ben.addresses_of(anna.peer))
        about = About(agent="x", public_key=b"", protocols=(), addresses=(), record=stolen)
        async with await mallory.open_stream(ben.peer, [PUSH]) as stream:
            await stream.send_all(framed(encode(about)))
            assert await stream.receive_some() == b""
        assert ben.addresses_of(anna.peer) == known


def test_what_is_over_the_bounds_or_of_unknown_kinds_is_left_out():
    wire = Wire(agent_version="a" * 1000 + "\n", protocols=["/x"] * 1000)
    wire.listen_addrs.extend([b"\xff\xff", Multiaddr("/ip4/1.2.3.4/tcp/5").to_bytes()])
    wire.listen_addrs.extend([Multiaddr(f"/ip4/1.2.3.4/tcp/{n}").to_bytes() for n in range(1, 500)])
    about = decode(wire.SerializeToString())
    assert len(about.agent) == 128
    assert len(about.protocols) == 128
    assert about.addresses[0] == "/ip4/1.2.3.4/tcp/5"
    assert len(about.addresses) == 31


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body):
    try:
        about = decode(body)
    except ProtocolViolation:
        return
    assert decode(encode(about)) == about


def test_relayed_addresses_are_never_crowded_out():
    circuit = f"/ip4/9.9.9.9/tcp/1/p2p/{RELAY}/p2p-circuit"
    told = worth_telling([*(f"/ip4/10.0.0.1/tcp/{n}" for n in range(1, 60)), f"{circuit}/p2p/{RELAY}"])
    assert len(told) == MAX_TOLD
    assert told[-1] == circuit


def test_only_the_newest_witnesses_are_kept():
    sightings = Sightings()
    for number in range(2 * MAX_WITNESSES):
        assert sightings.note(sighting("/ip4/8.8.8.8/tcp/1", by=str(number)))
    assert not sightings.note(sighting("/ip4/8.8.8.8/tcp/1", by=str(2 * MAX_WITNESSES - 1)))
    assert len(sightings.all()) == MAX_WITNESSES
    assert sightings.all()[0].by == str(2 * MAX_WITNESSES - 1)


@pytest.mark.parametrize(
    ("words", "expected", "keeps"),
    [
        ([], [], None),
        ([sighting("/ip4/8.8.8.8/tcp/4001")], ["/ip4/8.8.8.8/tcp/4001"], True),
        ([sighting("/ip4/8.8.8.8/tcp/999")], ["/ip4/8.8.8.8/tcp/999", "/ip4/8.8.8.8/tcp/4001"], False),
        ([sighting("/ip4/8.8.8.8/tcp/999", local=50000)], ["/ip4/8.8.8.8/tcp/4001"], None),
        ([sighting("/ip4/8.8.8.8/tcp/999/ws", local=None)], ["/ip4/8.8.8.8/tcp/4001"], None),
        ([sighting("/ip4/192.168.1.4/tcp/4001")], [], True),
        ([sighting("/ip4/8.8.8.8/tcp/4001", outbound=False)], [], None),
        ([sighting("/dns4/me.example/tcp/4001")], [], True),
    ],
)
def test_where_a_nat_may_let_others_in_follows_from_what_was_seen(words, expected, keeps):
    sightings = Sightings()
    for word in words:
        sightings.note(word)
    assert sightings.punchable(4001) == expected
    assert sightings.keeps_ports(4001) is keeps
