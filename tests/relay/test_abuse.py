"""What one abuser costs the others: nothing. Addresses are told apart by the loopback network's many."""

import logging
import sys

import pytest
import trio
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb

from whatnext.errors import ConnectionLost, Refused
from whatnext.net.framing import framed
from whatnext.net.relay_access import MAX_MESSAGE, PROTOCOL, ShowToken, encode, show_token
from whatnext.relay.circuits import Why
from whatnext.relay.config import AccessConfig

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2 without being told to"),
]

TOKEN = "sixteen letters!"
ELSEWHERE = "127.0.0.2"


def port_of(relay):
    return int(relay.network.addresses()[0].split("/")[4])


async def test_circuits_stay_within_their_limit_when_all_ask_at_once(relay, client):
    most = 0
    statuses = []

    async def ask(caller, target):
        nonlocal most
        answer, _ = await caller.call(target.peer)
        most = max(most, len(running.switchboard.circuits))
        statuses.append(answer.status)

    async with (
        relay(circuits=4) as running,
        client(running, waits=True) as anna,
        client(running, waits=True) as ben,
        client(running) as carol,
        client(running) as dave,
        trio.open_nursery() as nursery,
    ):
        for _ in range(5):
            for caller, target in [(carol, anna), (dave, ben), (carol, ben), (dave, anna)]:
                nursery.start_soon(ask, caller, target)
        while len(statuses) < 20:  # noqa: ASYNC110 - each asks in a task of its own
            await trio.sleep(0.01)
        assert most == 4
        assert sorted(statuses) == [pb.OK] * 4 + [pb.RESOURCE_LIMIT_EXCEEDED] * 16
        nursery.cancel_scope.cancel()


async def test_half_open_connections_of_one_address_keep_no_other_address_out(relay, client):
    async with relay() as running, client(running, waits=True) as anna:
        opened = []
        for _ in range(300):  # each sends nothing, so its handshake never ends
            with trio.move_on_after(0.5):
                opened.append(await trio.open_tcp_stream("127.0.0.1", port_of(running)))
        assert len(opened) > 100
        with trio.fail_after(3):
            async with client(running, source=ELSEWHERE) as other:
                assert (await other.reserve()).status == pb.OK
        assert (await anna.reserve()).status == pb.OK
        for stream in opened:
            await stream.aclose()


async def test_places_hoarded_under_many_names_are_those_of_one_address(relay, client):
    async with relay(reservations=4, reservations_per_ip=2) as running:
        async with client(running) as one, client(running) as two, client(running) as three:
            statuses = [(await each.reserve()).status for each in (one, two, three)]
            assert statuses == [pb.OK, pb.OK, pb.RESERVATION_REFUSED]
            async with client(running, source=ELSEWHERE) as other:
                assert (await other.reserve()).status == pb.OK
        assert running.ledger.refusals[Why.RESERVATIONS_IP] == 1


async def test_a_flood_of_requests_is_refused_shortly_and_hurts_no_other_address(relay, client, caplog):
    caplog.set_level(logging.INFO, "whatnext.relay")
    async with (
        relay(requests_per_peer=1.0, requests_per_ip=1.0) as running,
        client(running) as mallory,
        client(running, source=ELSEWHERE) as other,
    ):
        refused = 0
        for _ in range(90):
            refused += (await mallory.reserve()).status == pb.RESOURCE_LIMIT_EXCEEDED
        assert refused >= 90 - 30 - 10
        assert len([r for r in caplog.records if r.getMessage().startswith("refused")]) < 40
        with trio.fail_after(2):
            assert (await other.reserve()).status == pb.OK


async def test_nobody_can_make_a_waiting_peer_ring_without_end(relay, client):
    async with (
        relay(calls_per_target=0.1) as running,
        client(running, waits=True) as anna,
        client(running) as mallory,
    ):
        anna.answer = pb.PERMISSION_DENIED
        statuses = [(await mallory.call(anna.peer))[0].status for _ in range(10)]
        assert statuses == [pb.CONNECTION_FAILED] * 3 + [pb.RESOURCE_LIMIT_EXCEEDED] * 7


async def test_a_refusal_is_no_larger_than_what_asked_for_it(relay, client):
    async with relay() as running, client(running) as mallory:
        stream = await mallory.hop()
        asked = framed(
            pb.HopMessage(type=pb.HopMessage.CONNECT, peer=pb.PeerId(id=b"x" * 38)).SerializeToString()
        )
        await stream.send_all(asked)
        answered = b""
        while part := await stream.receive_some():
            answered += part
        assert 0 < len(answered) < len(asked)


async def test_a_client_shows_its_token_and_then_may_wait(relay, client):
    async with (
        relay(AccessConfig(mode="token", tokens=(TOKEN,))) as running,
        client(running) as anna,
        client(running) as ben,
    ):
        assert (await anna.reserve()).status == pb.PERMISSION_DENIED
        with pytest.raises(Refused, match="does not know that token"):
            await show_token(anna.network, anna.relay, "another sixteen!")
        await show_token(anna.network, anna.relay, TOKEN)
        assert (await anna.reserve()).status == pb.OK
        answer, _ = await ben.call(anna.peer)  # who calls needs none
        assert answer.status == pb.OK
        assert (running.ledger.tokens_accepted, running.ledger.refusals[Why.TOKEN]) == (1, 1)


@pytest.mark.parametrize("frame", [b"\x05nope!", b"\xff\xff\x7f", framed(b""), framed(b"x" * MAX_MESSAGE)])
async def test_what_is_no_token_frame_is_cut_off(relay, client, frame):
    async with relay() as running, client(running) as mallory:
        stream = await mallory.network.open_stream(mallory.relay, [PROTOCOL])
        await stream.send_all(frame)
        with pytest.raises(ConnectionLost):
            await stream.receive_some()
        await show_token(mallory.network, mallory.relay, "any, as it wants none")


def test_a_token_stands_in_one_short_frame():
    assert len(encode(ShowToken("x" * 256))) < MAX_MESSAGE
