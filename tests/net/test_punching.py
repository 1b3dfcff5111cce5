"""Hole punching: its messages and rules, and on loopback the parts that need no router. Routers: `tests/nat`."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from libp2p.relay.circuit_v2.pb.dcutr_pb2 import HolePunch
from small_relay import small_relay

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.identity import Identity
from whatnext.net.framing import framed, read_message
from whatnext.net.punching.messages import MAX_TARGETS, PROTOCOL, Message, Step, decode, encode, targets
from whatnext.net.punching.puncher import Puncher
from whatnext.net.punching.rounds import Part, parts, wait_before_dialling

PUBLIC = "/ip4/8.8.8.8/tcp/4001"


@pytest.mark.parametrize("message", [Message(Step.CONNECT, (PUBLIC,)), Message(Step.SYNC)])
def test_messages_survive_the_wire(message):
    assert decode(encode(message)) == message


def test_the_wire_is_the_specs():
    assert encode(Message(Step.SYNC)) == HolePunch(type=HolePunch.SYNC).SerializeToString() == b"\x08\xac\x02"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    try:
        message = decode(body)
    except ProtocolViolation:
        return
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("address", "knocked_at"),
    [
        (PUBLIC, [PUBLIC]),
        (f"{PUBLIC}/p2p/12D3KooWX", [PUBLIC]),
        ("/ip6/2001:4860:4860::8888/tcp/1", ["/ip6/2001:4860:4860::8888/tcp/1"]),
        ("/ip4/8.8.8.8/tcp/4001/ws", []),
        ("/ip4/8.8.8.8/udp/4001/quic-v1", []),
        (f"{PUBLIC}/p2p/12D3KooWX/p2p-circuit", []),
        ("/dns4/inside.example/tcp/22", []),
        ("/ip4/192.168.1.1/tcp/80", []),
        ("/ip4/127.0.0.1/tcp/80", []),
        ("/ip4/10.0.0.1/tcp/80", []),
        ("/ip4/169.254.169.254/tcp/80", []),
        ("/ip6/::1/tcp/80", []),
        ("/ip6/fd00::1/tcp/80", []),
    ],
)
def test_a_peer_can_make_us_knock_only_at_plain_tcp_on_the_internet(address, knocked_at):
    assert targets([address]) == knocked_at


def test_a_peer_can_make_us_knock_at_a_few_addresses_only():
    assert len(targets([f"/ip4/8.8.8.8/tcp/{port}" for port in range(1, 100)])) == MAX_TARGETS


@pytest.mark.parametrize(
    ("keeps_ports", "first"), [(True, Part.SERVER), (None, Part.SERVER), (False, Part.CLIENT)]
)
def test_the_parts_change_each_round_and_begin_with_what_the_own_router_needs(keeps_ports, first):
    rounds = parts(keeps_ports)
    assert len(rounds) == 3
    assert rounds[0] is first
    assert rounds[1] is not first
    assert rounds[2] is first


@given(st.floats(0, 10))
def test_the_side_that_starts_dials_after_the_other_has_heard_its_word(round_trip_s):
    assert wait_before_dialling(round_trip_s) > round_trip_s / 2


@pytest.fixture
def connected(node, eventually):
    """`async with connected() as (relay, ben, anna)`: Anna has called Ben through a relay."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def make(handlers=None):
        async with small_relay() as relay, node(handlers) as ben, node() as anna:
            ben.relays.use([relay.address])
            await eventually(ben.circuits.addresses)
            await anna.dial(ben.peer, [relay.circuit(ben.peer)])
            yield relay, ben, anna

    return make


async def asked(network, peer, first):
    stream = await network.open_stream(peer, [PROTOCOL])
    await stream.send_all(framed(encode(first) if isinstance(first, Message) else first))
    return await stream.receive_some()


def paths(network, peer):
    return {c.path for c in network.connections() if c.peer == peer}


@pytest.mark.real
async def test_a_caller_that_can_be_reached_is_dialled_and_the_circuit_is_given_up_when_idle(
    connected, eventually
):
    async with connected() as (relay, ben, anna), trio.open_nursery() as nursery:
        assert paths(ben, anna.peer) == {"relay"}  # near addresses are left alone
        nursery.start_soon(Puncher(ben, ben._swarm, local=True).run)
        await eventually(lambda: "lan" in paths(anna, ben.peer))
        await eventually(lambda: paths(anna, ben.peer) == paths(ben, anna.peer) == {"lan"})
        await eventually(lambda: not relay.circuits)
        nursery.cancel_scope.cancel()


@pytest.mark.real
async def test_who_called_never_starts_a_punch(connected, eventually):
    async with connected() as (_, ben, anna), trio.open_nursery() as nursery:
        puncher = Puncher(anna, anna._swarm, local=True)
        nursery.start_soon(puncher.run)
        await eventually(lambda: anna.addresses_of(ben.peer))
        puncher.try_again()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert puncher._tried == {}
        assert paths(ben, anna.peer) == {"relay"}
        nursery.cancel_scope.cancel()


@pytest.mark.real
async def test_a_caller_that_left_before_its_turn_is_not_knocked_at(node):
    async with node() as ben:
        puncher, knocked = Puncher(ben, ben._swarm, local=True), []

        async def knock(*asked):
            knocked.append(asked)

        puncher._knock = knock
        with trio.fail_after(0.5):
            await puncher._upgrade(Identity.generate().peer_id)
        assert knocked == []


class OneCircuit:
    """A network with one peer that called through a relay."""

    def __init__(self):
        self.path, self.opened_at = "relay", 1.0

    def connections(self):
        return [SimpleNamespace(peer="anna", path=self.path, direction="in", opened_at=self.opened_at)]

    def is_connected(self, peer):
        return self.path is not None

    def handle(self, protocol, handler):
        """Nobody asks."""

    @contextmanager
    def events(self):
        yield self

    def __aiter__(self):
        return self

    async def __anext__(self):
        await trio.sleep_forever()


@pytest.mark.parametrize(
    ("at_s", "happens", "tries"),
    [
        (None, None, [0, 30, 180]),
        (10, "another network", [0, 10, 40, 190]),
        (10, "another circuit", [0, 10, 40, 190]),
        (10, "direct", [0]),
        (100, "gone", [0, 30]),
    ],
)
async def test_a_circuit_is_tried_twice_more_as_long_as_it_is_all_there_is(
    autojump_clock, at_s, happens, tries
):
    network, tried = OneCircuit(), []
    puncher = Puncher(network, None)

    async def upgrade(peer):
        tried.append(trio.current_time())

    puncher._upgrade = upgrade
    with trio.move_on_after(3600):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(puncher.run)
            if at_s is not None:
                await trio.sleep(at_s)
                match happens:
                    case "another network":
                        puncher.try_again()
                    case "another circuit":
                        network.opened_at = 2.0
                        puncher._wake.set()
                    case "direct":
                        network.path = "direct"
                    case "gone":
                        network.path = None
    assert tried == tries


@pytest.mark.real
async def test_one_circuit_is_tried_once_until_the_network_changes(connected, eventually):
    async with connected() as (_, ben, anna), trio.open_nursery() as nursery:
        puncher, tried = Puncher(ben, ben._swarm, local=True), []

        async def upgrade(peer):
            tried.append(peer)

        puncher._upgrade = upgrade
        nursery.start_soon(puncher.run)
        await eventually(lambda: tried == [anna.peer])
        puncher._wake.set()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert tried == [anna.peer]
        puncher.try_again()
        await eventually(lambda: tried == [anna.peer, anna.peer])
        nursery.cancel_scope.cancel()


@pytest.mark.real
async def test_on_a_direct_connection_nobody_is_answered(node):
    async with node() as ben, node() as anna:
        await anna.dial(ben.peer, ben.addresses())
        with pytest.raises(ConnectionLost):
            await asked(anna, ben.peer, Message(Step.CONNECT, (PUBLIC,)))


@pytest.mark.real
@pytest.mark.parametrize("first", [Message(Step.SYNC), b"\xff\xff"])
async def test_who_does_not_begin_with_addresses_is_cut_off_and_the_circuit_lives(
    connected, first, eventually
):
    async with connected() as (_, ben, anna):
        with pytest.raises(ConnectionLost):
            await asked(ben, anna.peer, first)
        assert await ben.ping(anna.peer) > 0


@pytest.mark.real
async def test_the_side_that_called_answers_with_its_addresses_and_waits_for_the_word(connected):
    async with connected() as (_, ben, anna):
        Puncher(anna, anna._swarm, local=True)
        stream = await ben.open_stream(anna.peer, [PROTOCOL])
        await stream.send_all(framed(encode(Message(Step.CONNECT, (PUBLIC,)))))
        answer = decode(await read_message(stream, 4096))
        assert answer.step is Step.CONNECT
        assert set(answer.addresses) == {
            a.partition("/p2p/")[0] for a in anna.addresses() if "/ws" not in a and "circuit" not in a
        }
        await stream.reset()
