"""Circuits between real nodes through a small relay, all on loopback."""

import msgspec
import pytest
import trio
from libp2p.relay.circuit_v2.pb.circuit_pb2 import Limit, PeerId, Status, StopMessage
from small_relay import LOCAL, small_relay

from whatnext.errors import Refused, Unreachable, UserError
from whatnext.identity import Identity
from whatnext.net import Standing, open_network
from whatnext.net.circuits.messages import STOP
from whatnext.net.dialing import Pool
from whatnext.net.framing import framed, read_message
from whatnext.net.rendezvous.messages import PROTOCOL as RENDEZVOUS

pytestmark = pytest.mark.real

ECHO = "/test/echo/1.0.0"


async def said(stream, data):
    await stream.send_all(data)
    got = b""
    while len(got) < len(data):
        part = await stream.receive_some()
        assert part
        got += part
    return got


async def test_two_nodes_meet_through_a_relay_and_each_proves_who_it_is(node, echoing, eventually):
    async with small_relay() as relay, node(echoing) as ben, node() as anna:
        ben.relays.use([relay.address])
        await eventually(lambda: ben.relays.states()[0].place)
        info = await anna.dial(ben.peer, [relay.circuit(ben.peer)])
        assert (info.peer, info.path, info.transport, info.direction) == (ben.peer, "relay", "relay", "out")
        assert info.address == relay.address + "/p2p-circuit"
        [there] = [c for c in ben.connections() if c.peer == anna.peer]
        assert (there.path, there.direction) == ("relay", "in")
        assert there.address.endswith(f"/p2p/{relay.network.peer}/p2p-circuit")
        data = bytes(range(256)) * 2048
        assert await said(await anna.open_stream(ben.peer, [ECHO]), data) == data


async def test_a_circuit_address_is_told_to_others_only_while_the_relay_holds_the_place(node, eventually):
    async with node() as ben:
        async with small_relay() as relay:
            ben.relays.use([relay.address])
            await eventually(ben.circuits.addresses)
            assert relay.circuit(ben.peer) in ben.addresses()
            assert ben.circuits.relays() == [relay.address]
        await eventually(lambda: not ben.circuits.addresses())
        assert not any("p2p-circuit" in address for address in ben.addresses())


async def test_a_relay_that_restarts_has_the_place_again_within_ten_seconds(node, echoing, eventually):
    device = Identity.generate()
    async with node(echoing) as ben, node() as anna:
        async with small_relay(device) as relay:
            address = relay.address
            ben.relays.use([address])
            await eventually(ben.circuits.addresses)
        await eventually(lambda: ben.relays.states()[0].problem)
        again = msgspec.structs.replace(LOCAL, listen=(address.partition("/p2p/")[0],))
        async with small_relay(device, again) as relay:
            await eventually(ben.circuits.addresses, within=10)
            assert (await anna.dial(ben.peer, [relay.circuit(ben.peer)])).path == "relay"


async def test_a_peer_that_is_not_at_the_relay_is_unreachable_with_the_reason(node):
    async with small_relay() as relay, node() as anna:
        absent = Identity.generate().peer_id
        with pytest.raises(Unreachable, match="not at this relay"):
            await anna.dial(absent, [relay.circuit(absent)])


async def test_a_relay_that_cannot_be_reached_is_told_as_the_reason(node, dead_port):
    async with node() as anna:
        relay, absent = Identity.generate().peer_id, Identity.generate().peer_id
        address = f"/ip4/127.0.0.1/tcp/{dead_port}/p2p/{relay}/p2p-circuit"
        with pytest.raises(Unreachable, match=r"its relay: .*refused"):
            await anna.dial(absent, [address])
        with pytest.raises(Unreachable, match="does not name its relay"):
            await anna.dial(absent, [f"/ip4/127.0.0.1/tcp/{dead_port}/p2p-circuit"])
        with pytest.raises(Unreachable, match="one of its own ends"):
            await anna.dial(relay, [address])


async def test_a_plain_peer_is_no_relay_and_the_reason_says_so(node):
    async with node() as ben, node() as anna:
        absent = Identity.generate().peer_id
        with pytest.raises(Unreachable, match="nothing there serves circuits"):
            await anna.dial(absent, [f"{ben.addresses()[0]}/p2p-circuit"])
        with pytest.raises(Refused, match="is no relay"):
            await anna.circuits.reserve(ben.peer, ben.addresses())


@pytest.mark.parametrize("tells", [True, False])
async def test_a_meeting_point_that_carries_nothing_is_said_to_be_one_and_is_no_warning(
    node, eventually, caplog, tells
):
    async def meet(stream):
        await stream.close()

    caplog.set_level("INFO")
    async with node({RENDEZVOUS: meet} if tells else {}) as point, node() as ben:
        ben.relays.use([point.addresses()[0]])
        await eventually(lambda: ben.relays.states()[0].problem)
        said = ben.relays.states()[0].problem
        assert ("tells where peers are, and carries no connections" in said) is tells
        [line] = [each for each in caplog.records if "no place at this relay" in each.getMessage()]
        assert line.levelname == ("INFO" if tells else "WARNING")


async def test_nobody_but_a_relay_of_ours_brings_callers(node):
    async with node() as ben, node() as mallory:
        await mallory.dial(ben.peer, ben.addresses())
        call = StopMessage(type=StopMessage.CONNECT, peer=PeerId(id=b"\x00\x24" + bytes(36)))
        async with await mallory.open_stream(ben.peer, [STOP]) as stream:
            await stream.send_all(framed(call.SerializeToString()))
            answer = StopMessage()
            answer.ParseFromString(await read_message(stream, 4096))
            assert answer.status == Status.PERMISSION_DENIED
            assert await stream.receive_some() == b""
        assert [c.peer for c in ben.connections()] == [mallory.peer]


async def test_a_blocked_caller_is_turned_away_before_its_handshake(node, eventually):
    anna_key = Identity.generate()

    def judge(peer):
        return Standing.BLOCKED if peer == anna_key.peer_id else Standing.KNOWN

    blocking = open_network(Identity.generate(), LOCAL, standing=judge)
    async with small_relay() as relay, blocking as ben, node(identity=anna_key) as anna:
        ben.relays.use([relay.address])
        await eventually(ben.circuits.addresses)
        with pytest.raises(Unreachable, match="could not reach the peer"):
            await anna.dial(ben.peer, [relay.circuit(ben.peer)])


async def test_of_three_relays_two_hold_places_and_the_third_steps_in_when_one_is_gone(node, eventually):
    async with node() as ben, small_relay() as second, small_relay() as third:
        async with small_relay() as first:
            ben.relays.use([first.address, second.address, third.address])
            await eventually(lambda: set(ben.circuits.relays()) == {first.address, second.address})
            assert third.asked == 0
        await eventually(lambda: set(ben.circuits.relays()) == {second.address, third.address})


async def test_a_refused_place_is_told_with_the_relays_reason_and_asked_for_again(node, eventually):
    async with small_relay() as relay, node() as ben:
        relay.refusing = Status.RESERVATION_REFUSED
        ben.relays.use([relay.address])
        await eventually(lambda: relay.asked > 1)
        [state] = ben.relays.states()
        assert state.problem == f"the relay grants no reservation now ({relay.network.peer})"
        relay.refusing = None
        await eventually(ben.circuits.addresses)
        assert ben.relays.states()[0].problem is None


async def test_a_relay_that_is_taken_out_of_the_list_is_left(node, eventually):
    async with small_relay() as relay, node() as ben:
        ben.relays.use([relay.address])
        await eventually(ben.circuits.addresses)
        ben.relays.use([])
        assert ben.circuits.addresses() == []
        assert ben.relays.states() == []


async def test_what_is_no_relays_address_is_refused_by_name(node):
    async with node() as ben:
        for bad in ("nonsense", "/ip4/127.0.0.1/tcp/1", ben.addresses()[0], "/ip4/127.0.0.1/tcp/1/p2p/x"):
            with pytest.raises(UserError, match="relay"):
                ben.relays.use([bad])


async def test_the_end_of_a_circuit_ends_its_connection_at_once_and_no_other(node, echoing, eventually):
    async with small_relay() as relay, node(echoing) as ben, node() as anna, node() as cora:
        ben.relays.use([relay.address])
        await eventually(ben.circuits.addresses)
        for caller in (anna, cora):
            await caller.dial(ben.peer, [relay.circuit(ben.peer)])
        stream = await cora.open_stream(ben.peer, [ECHO])
        await anna.disconnect(ben.peer)
        await eventually(lambda: anna.peer not in [c.peer for c in ben.connections()], within=1)
        assert await said(stream, b"undisturbed") == b"undisturbed"
        [circuit] = relay.circuits.values()
        circuit.cancel()
        await eventually(lambda: cora.connections()[0].peer == relay.network.peer, within=1)
        await eventually(lambda: cora.peer not in [c.peer for c in ben.connections()], within=1)
        assert len(cora.connections()) == 1


async def test_a_circuits_limits_are_kept_where_people_can_see_them(node, eventually):
    async with small_relay() as relay, node() as ben:
        relay.limit = Limit(duration=120, data=131072)
        ben.relays.use([relay.address])
        place = await eventually(lambda: ben.relays.states()[0].place)
        assert (place.limit.duration_s, place.limit.data_bytes) == (120, 131072)


async def test_a_cancelled_dial_leaves_no_circuit(node, eventually):
    async with small_relay() as relay, node() as ben, node() as anna:
        ben.relays.use([relay.address])
        await eventually(ben.circuits.addresses)
        relay.tamper = lambda data: b""  # it takes everything and passes nothing on
        async with trio.open_nursery() as nursery:
            nursery.start_soon(anna.dial, ben.peer, [relay.circuit(ben.peer)])
            await eventually(lambda: relay.circuits)
            nursery.cancel_scope.cancel()
        await eventually(lambda: not relay.circuits)
        assert [c.peer for c in anna.connections()] == [relay.network.peer]


async def test_a_relay_that_does_not_answer_is_not_waited_for_forever(node, monkeypatch):
    monkeypatch.setattr("whatnext.net.circuits.client.ANSWER_S", 0.1)
    async with small_relay() as relay, node() as ben:
        relay.silent = True
        with pytest.raises(Unreachable, match=r"did not answer within 0\.1 s"):
            await ben.circuits.reserve(relay.network.peer, [relay.address])
        relay.silent = False
        relay.refusing = Status.PERMISSION_DENIED
        with pytest.raises(Refused, match="has to allow it"):
            await ben.circuits.reserve(relay.network.peer, [relay.address])


async def test_relays_are_tried_again_for_who_was_here_a_moment_ago_and_never_too_often(node, monkeypatch):
    monkeypatch.setattr("whatnext.net.dialing.AGAIN_S", 0.01)
    monkeypatch.setattr("whatnext.net.network.REPEATS_AT_ONCE", 5)
    monkeypatch.setattr("whatnext.net.network.REPEATS_PER_S", 0.001)
    peer, relay = Identity.generate().peer_id, Identity.generate().peer_id
    circuit = f"/ip4/192.0.2.1/tcp/4001/p2p/{relay}/p2p-circuit"
    tried = []

    async def connect(address, target):
        tried.append(address)
        if address == circuit:
            raise Unreachable("the peer is not there")
        await trio.sleep_forever()

    async with node(dial_timeout_s=0.5) as anna:
        monkeypatch.setattr(anna.circuits, "connect", connect)
        for again, times in ((False, 1), (True, 6), (True, 1)):
            pool = Pool(peer, again=again)
            pool.add([circuit, "/ip4/192.0.2.2/tcp/4001"])
            pool.close()
            tried.clear()
            with pytest.raises(Unreachable):
                await anna.dial_as_found(pool)
            assert tried.count(circuit) == times


async def test_a_place_taken_over_anothers_visit_outlives_the_visit(node, eventually):
    async with small_relay() as relay, node() as ben, node() as anna:
        for network in (ben, anna):
            assert await network.visit(relay.network.peer, [relay.address])  # as the DHT does
        ben.relays.use([relay.address])
        await eventually(ben.circuits.addresses)
        await anna.dial(ben.peer, [relay.circuit(ben.peer)])
        for network in (ben, anna):
            await network.hang_up(relay.network.peer, "what was asked is answered")
        assert ben.circuits.addresses()
        assert ben.is_connected(relay.network.peer)
        assert await anna.ping(ben.peer) < 5
        assert {c.peer for c in anna.connections()} == {relay.network.peer, ben.peer}
