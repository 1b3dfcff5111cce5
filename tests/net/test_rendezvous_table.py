"""A meeting point's table and messages: no network, time as an argument."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.errors import ProtocolViolation
from whatnext.identity import Identity
from whatnext.net.peer_records import seal
from whatnext.net.rendezvous.messages import (
    MAX_TTL_S,
    Discover,
    Discovered,
    Register,
    Registered,
    Status,
    Unregister,
    decode,
    encode,
    namespace_of,
)
from whatnext.net.rendezvous.table import Limits, Table

PEERS = [Identity(bytes([number]) * 32) for number in range(1, 8)]
ANN, BEN = PEERS[0], PEERS[1]
HOST = "192.0.2.1"


def record(identity, seq=1, address="/ip4/192.0.2.1/tcp/4001"):
    return seal(identity.peer_id, identity.sign, [address], seq).sealed


def own(identity, **options):
    return Register(namespace_of(identity.peer_id), record(identity), **options)


def under(space, identity, **options):
    return Register(space, record(identity), **options)


def found(table, identity, asker=BEN, now=0.0):
    answer = table.discover(asker.peer_id, Discover(namespace_of(identity.peer_id)), now)
    return [entry.record for entry in answer.entries]


def test_who_knows_the_peerid_finds_the_peer():
    table = Table()
    assert table.register(ANN.peer_id, HOST, own(ANN, ttl=60), 0) == Registered(Status.OK, ttl=60)
    assert found(table, ANN) == [record(ANN)]
    assert found(table, BEN) == []


def test_an_entry_ends_with_its_time():
    table = Table()
    table.register(ANN.peer_id, HOST, own(ANN, ttl=60), 0)
    assert found(table, ANN, now=59)
    assert not found(table, ANN, now=60)
    table.tick(60)
    assert len(table) == 0


def test_registering_again_replaces_the_entry_and_an_older_record_does_not():
    table, space = Table(), namespace_of(ANN.peer_id)
    for seq, status in ((5, Status.OK), (6, Status.OK), (4, Status.E_INVALID_SIGNED_PEER_RECORD)):
        assert table.register(ANN.peer_id, HOST, Register(space, record(ANN, seq)), 0).status == status
    assert found(table, ANN) == [record(ANN, 6)]
    assert len(table) == 1


def test_a_peer_takes_back_only_its_own_entry():
    table, space = Table(), "jam"
    for each in (ANN, BEN):
        table.register(each.peer_id, HOST, under(space, each), 0)
    table.unregister(ANN.peer_id, Unregister(space))
    table.unregister(ANN.peer_id, Unregister("elsewhere"))
    assert len(table) == 1


def test_nobody_registers_another_peer_or_in_its_namespace():
    table = Table()
    assert table.register(BEN.peer_id, HOST, own(ANN), 0).status == Status.E_NOT_AUTHORIZED
    theirs = under(namespace_of(ANN.peer_id), BEN)
    assert table.register(BEN.peer_id, HOST, theirs, 0).status == Status.E_NOT_AUTHORIZED
    assert len(table) == 0


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (Register("", record(ANN)), Status.E_INVALID_NAMESPACE),
        (Register("é" * 128, record(ANN)), Status.E_INVALID_NAMESPACE),
        (Register("jam", record(ANN), MAX_TTL_S + 1), Status.E_INVALID_TTL),
        (Register("jam", b""), Status.E_INVALID_SIGNED_PEER_RECORD),
        (Register("jam", record(ANN)[:-1]), Status.E_INVALID_SIGNED_PEER_RECORD),
    ],
)
def test_what_makes_no_sense_is_refused(asked, status):
    table = Table()
    assert table.register(ANN.peer_id, HOST, asked, 0).status == status
    assert len(table) == 0


def test_asking_for_everybody_is_refused():
    answer = Table().discover(ANN.peer_id, Discover(""), 0)
    assert answer.status == Status.E_INVALID_NAMESPACE


@pytest.mark.parametrize(
    ("limits", "hosts", "spaces", "kept"),
    [
        (Limits(total=3), 5, 1, 3),
        (Limits(per_namespace=2), 5, 1, 2),
        (Limits(per_host=2), 1, 1, 2),
        (Limits(per_peer=2), 5, 4, 10),
    ],
)
def test_each_limit_holds(limits, hosts, spaces, kept):
    table = Table(limits)
    for space in range(spaces):
        for number, each in enumerate(PEERS[:5]):
            table.register(each.peer_id, f"host {number % hosts}", under(f"jam {space}", each), 0)
    assert len(table) == kept
    table.tick(MAX_TTL_S)
    assert len(table) == 0
    assert not table._held, "what expired counts against nobody"


def test_room_is_made_by_what_has_expired():
    table = Table(Limits(total=1))
    table.register(ANN.peer_id, HOST, own(ANN, ttl=60), 0)
    assert table.register(BEN.peer_id, HOST, own(BEN), 59).status == Status.E_UNAVAILABLE
    assert table.register(BEN.peer_id, HOST, own(BEN), 60).status == Status.OK


def test_a_peer_that_asks_too_often_waits_and_nobody_else_does():
    table = Table(Limits(rate=1, burst=3))
    answers = [table.discover(ANN.peer_id, Discover("jam"), 0).status for _ in range(4)]
    assert answers == [Status.OK] * 3 + [Status.E_UNAVAILABLE]
    assert table.discover(BEN.peer_id, Discover("jam"), 0).status == Status.OK
    assert table.discover(ANN.peer_id, Discover("jam"), 1).status == Status.OK


def test_rates_of_ever_new_peers_cost_no_memory():
    table = Table(Limits(max_callers=3))
    for each in PEERS:
        table.discover(each.peer_id, Discover("jam"), 0)
    assert len(table._callers) == 3


def test_pages_follow_each_other_by_their_cookie():
    table = Table()
    for each in PEERS:
        table.register(each.peer_id, HOST, under("jam", each), 0)
    seen, cookie = [], b""
    for expected in (3, 3, 1, 0):
        answer = table.discover(ANN.peer_id, Discover("jam", 3, cookie), 0)
        assert len(answer.entries) == expected
        seen += [entry.record for entry in answer.entries]
        cookie = answer.cookie
    assert seen == [record(each) for each in PEERS]
    assert table.discover(ANN.peer_id, Discover("jam", 3, b"x"), 0).status == Status.E_INVALID_COOKIE


TEXT = st.text(max_size=20)
TTL = st.integers(0, 2**40)
REGISTER = st.builds(Register, TEXT, st.binary(max_size=30), TTL)
MESSAGES = st.one_of(
    REGISTER,
    st.builds(Registered, st.integers(0, 500), TEXT, TTL),
    st.builds(Unregister, TEXT),
    st.builds(Discover, TEXT, st.integers(0, 100), st.binary(max_size=10)),
    st.builds(
        Discovered,
        st.integers(0, 500),
        TEXT,
        st.lists(REGISTER, max_size=3).map(tuple),
        st.binary(max_size=10),
    ),
)


@given(MESSAGES)
def test_messages_come_back_as_they_were(message):
    assert decode(encode(message)) == message


@given(st.binary(max_size=200))
def test_rubbish_is_refused_or_read_as_some_message(rubbish):
    try:
        message = decode(rubbish)
    except ProtocolViolation:
        return
    assert isinstance(message, msgspec.Struct)


@given(MESSAGES, st.data())
def test_a_damaged_message_never_breaks_the_table(message, data):
    damaged = bytearray(encode(message))
    if damaged:
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    table = Table()
    try:
        asked = decode(bytes(damaged))
    except ProtocolViolation:
        return
    if isinstance(asked, Register):
        assert table.register(ANN.peer_id, HOST, asked, 0).status != Status.OK
    elif isinstance(asked, Discover):
        assert not table.discover(ANN.peer_id, asked, 0).entries


def test_the_namespace_does_not_tell_the_peerid():
    assert ANN.peer_id not in namespace_of(ANN.peer_id)
    assert namespace_of(ANN.peer_id) != namespace_of(BEN.peer_id)
    assert len(namespace_of(ANN.peer_id)) == len("/whatnext/peer/") + 52
