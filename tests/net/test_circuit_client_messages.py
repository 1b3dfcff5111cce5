"""What a relay may send a client: read within bounds, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, Limit, PeerId, Reservation, Status, StopMessage
from multiaddr import Multiaddr

from whatnext.errors import ProtocolViolation, Unreachable
from whatnext.identity import Identity
from whatnext.net.circuits import messages
from whatnext.net.circuits.messages import MAX_RELAY_ADDRESSES, Call, Refusal
from whatnext.net.circuits.routes import MAX_EACH, Route, circuit_addresses, route_of

RELAY, PEER = Identity.generate().peer_id, Identity.generate().peer_id
READERS = [messages.read_reservation, messages.read_connected, messages.read_call]


@pytest.mark.parametrize("read", READERS)
@given(body=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(read, body):
    try:
        read(body)
    except ProtocolViolation:
        return


@given(addrs=st.lists(st.binary(max_size=40), max_size=20), expire=st.integers(0, 2**64 - 1))
def test_any_addresses_and_end_of_a_reservation_are_taken_within_bounds(addrs, expire):
    place = Reservation(expire=expire, addrs=addrs)
    answer = HopMessage(type=HopMessage.STATUS, status=Status.OK, reservation=place)
    read = messages.read_reservation(answer.SerializeToString())
    assert len(read.addresses) <= MAX_RELAY_ADDRESSES
    assert read.expires_at == float(expire)


def test_a_reservation_carries_its_addresses_end_and_limits():
    place = Reservation(expire=1_800_000_000, addrs=[Multiaddr("/ip4/1.2.3.4/tcp/5").to_bytes(), b"\xff"])
    limit = Limit(duration=120, data=131072)
    answer = HopMessage(type=HopMessage.STATUS, status=Status.OK, reservation=place, limit=limit)
    read = messages.read_reservation(answer.SerializeToString())
    assert read.addresses == ("/ip4/1.2.3.4/tcp/5",)
    assert (read.expires_at, read.limit) == (1_800_000_000.0, messages.Limit(120, 131072))


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 400, 401, 999])
def test_every_refusal_has_its_sentence(status):
    answer = HopMessage(type=HopMessage.STATUS, status=status).SerializeToString()
    refusal = messages.read_connected(answer)
    assert refusal == Refusal(status)
    assert "relay" in str(refusal) or "peer" in str(refusal)


@pytest.mark.parametrize(
    "message",
    [
        HopMessage(type=HopMessage.RESERVE),
        HopMessage(type=HopMessage.STATUS),
        HopMessage(status=Status.OK),
        StopMessage(type=StopMessage.CONNECT),
        StopMessage(type=StopMessage.STATUS, status=Status.OK),
        StopMessage(peer=PeerId(id=b"x")),
    ],
)
@pytest.mark.parametrize("read", READERS)
def test_a_message_of_another_kind_is_refused(read, message):
    with pytest.raises(ProtocolViolation):
        read(message.SerializeToString())


def test_a_call_names_its_caller():
    call = StopMessage(type=StopMessage.CONNECT, peer=PeerId(id=ID.from_string(PEER).to_bytes()))
    assert messages.read_call(call.SerializeToString()) == Call(PEER, messages.Limit())


@pytest.mark.parametrize(
    ("address", "route"),
    [
        (f"/ip4/1.2.3.4/tcp/5/p2p/{RELAY}/p2p-circuit", Route(RELAY, "/ip4/1.2.3.4/tcp/5")),
        (
            f"/dns4/r.example/tcp/5/ws/p2p/{RELAY}/p2p-circuit/p2p/{PEER}",
            Route(RELAY, "/dns4/r.example/tcp/5/ws"),
        ),
        (f"/p2p/{RELAY}/p2p-circuit", Route(RELAY, "")),
    ],
)
def test_a_circuit_address_names_the_relay_and_where_it_is(address, route):
    assert route_of(address) == route
    assert str(route) == address.removesuffix(f"/p2p/{PEER}")


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/1.2.3.4/tcp/5",
        "/ip4/1.2.3.4/tcp/5/p2p-circuit",
        f"/ip4/1.2.3.4/tcp/5/p2p/{RELAY}/p2p-circuit/p2p/{PEER}/p2p-circuit",
    ],
)
def test_what_leads_through_no_relay_or_two_is_refused(address):
    with pytest.raises(Unreachable):
        route_of(address)


def test_circuit_addresses_are_few_the_public_first_and_only_of_this_relay():
    told = [
        "/ip4/127.0.0.1/tcp/1",
        f"/ip4/8.8.8.8/tcp/2/p2p/{PEER}",
        f"/ip4/8.8.8.8/tcp/3/p2p/{RELAY}",
        f"/ip4/8.8.8.8/tcp/4/p2p/{PEER}/p2p-circuit",
        "/ip4/8.8.8.8/tcp/5",
        "/ip4/8.8.8.8/tcp/6",
    ]
    found = circuit_addresses(RELAY, [f"/ip4/192.168.1.9/tcp/9/p2p/{RELAY}"], told)
    assert found == [f"/ip4/8.8.8.8/tcp/{port}/p2p/{RELAY}/p2p-circuit" for port in (3, 5)]
    assert len(found) == MAX_EACH
