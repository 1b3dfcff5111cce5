"""Registering and asking at a meeting point, over real connections on loopback."""

import pytest
import trio

from whatnext.errors import ConnectionLost, ProtocolViolation, Refused, VersionMismatch
from whatnext.identity import Identity
from whatnext.net.framing import framed
from whatnext.net.peer_records import own_record, seal
from whatnext.net.rendezvous.client import RendezvousClient
from whatnext.net.rendezvous.messages import (
    PROTOCOL,
    Discovered,
    Register,
    Registered,
    encode,
    namespace_of,
)
from whatnext.net.rendezvous.server import MAX_REQUEST_BYTES, RendezvousServer
from whatnext.net.rendezvous.table import Limits

pytestmark = pytest.mark.real

ANN = Identity(bytes([7]) * 32)


async def meet(point, *others):
    for each in others:
        await each.dial(point.peer, point.addresses())


async def test_a_peer_that_registered_is_found_by_its_peerid_until_it_leaves(node, eventually):
    async with node() as point, node() as ann, node() as ben:
        server = RendezvousServer(point)
        await meet(point, ann, ben)
        assert await RendezvousClient(ann).register(point.peer, own_record(ann), 600) == 600
        asking = RendezvousClient(ben)
        found = await asking.find(point.peer, ann.peer)
        assert set(found) == {address.rpartition("/p2p/")[0] for address in ann.addresses()}
        assert (await ben.dial(ann.peer, found)).peer == ann.peer
        assert await asking.find(point.peer, ANN.peer_id) == ()
        await RendezvousClient(ann).unregister(point.peer)
        await eventually(lambda: not len(server.table))
        assert await asking.find(point.peer, ann.peer) == ()


async def test_a_refusal_comes_with_the_words_of_the_meeting_point(node):
    async with node() as point, node() as ann:
        RendezvousServer(point, Limits(total=0))
        await meet(point, ann)
        with pytest.raises(Refused, match=r"E_UNAVAILABLE \(this meeting point is full\)"):
            await RendezvousClient(ann).register(point.peer, own_record(ann), 600)


async def test_a_meeting_point_counts_addresses_behind_one_ip_together(node):
    async with node() as point, node() as ann, node() as ben:
        RendezvousServer(point, Limits(per_host=1))
        await meet(point, ann, ben)
        await RendezvousClient(ann).register(point.peer, own_record(ann), 600)
        with pytest.raises(Refused, match="too many peers from this address"):
            await RendezvousClient(ben).register(point.peer, own_record(ben), 600)


async def test_a_node_that_is_no_meeting_point_says_so(node):
    async with node() as point, node() as ann:
        await meet(point, ann)
        with pytest.raises(VersionMismatch):
            await RendezvousClient(ann).find(point.peer, ANN.peer_id)
        with pytest.raises(ConnectionLost, match="not connected"):
            await RendezvousClient(ann).find(ANN.peer_id, point.peer)


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff" * 20,
        framed(b"rubbish"),
        framed(encode(Registered(0, ttl=5))),
        b"\xff\xff\xff\x7f",
    ],
)
async def test_nonsense_of_a_meeting_point_is_its_violation(node, answer):
    async def lying(stream):
        await stream.receive_some()
        await stream.send_all(answer)

    async with node({PROTOCOL: lying}) as point, node() as ann:
        await meet(point, ann)
        with pytest.raises(ProtocolViolation):
            await RendezvousClient(ann).find(point.peer, ANN.peer_id)


async def test_a_lying_meeting_point_sends_nobody_anywhere(node):
    other = Identity.generate()
    trap = seal(other.peer_id, other.sign, ["/ip4/203.0.113.1/tcp/1"], 2**60).sealed
    old = seal(ANN.peer_id, ANN.sign, ["/ip4/192.0.2.1/tcp/1"], 1).sealed
    new = seal(ANN.peer_id, ANN.sign, ["/ip4/192.0.2.2/tcp/1"], 2).sealed
    space = namespace_of(ANN.peer_id)

    async def lying(stream):
        await stream.receive_some()
        entries = tuple(Register(space, record, 9) for record in (trap, new, b"unsigned", old))
        await stream.send_all(framed(encode(Discovered(0, entries=entries))))

    async with node({PROTOCOL: lying}) as point, node() as ben:
        await meet(point, ben)
        found = await RendezvousClient(ben).find(point.peer, ANN.peer_id)
        assert found == ("/ip4/192.0.2.2/tcp/1",)


async def test_a_silent_meeting_point_is_given_up(node, monkeypatch):
    monkeypatch.setattr("whatnext.net.rendezvous.client.ANSWER_S", 0.3)

    async def silent(stream):
        await trio.sleep_forever()

    async with node({PROTOCOL: silent}) as point, node() as ben:
        await meet(point, ben)
        with pytest.raises(ConnectionLost, match=r"did not answer within 0\.3 s"):
            await RendezvousClient(ben).find(point.peer, ANN.peer_id)


@pytest.mark.parametrize("request_", [framed(b"\xff" * 9), b"\xff\xff\x7f", framed(encode(Registered(0)))])
async def test_who_asks_nonsense_loses_the_stream_and_others_are_served(node, request_):
    async with node() as point, node() as rude, node() as ben:
        RendezvousServer(point)
        await meet(point, rude, ben)
        stream = await rude.open_stream(point.peer, [PROTOCOL])
        await stream.send_all(request_)
        with pytest.raises(ConnectionLost):
            await stream.receive_some()
        assert await RendezvousClient(ben).find(point.peer, ANN.peer_id) == ()
    assert MAX_REQUEST_BYTES < 0x7FFF
