"""The connection manager's rules, without a network: whatever comes in whatever order, the limits hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.net.admission.arrivals import REMEMBERED, Arrivals
from whatnext.net.admission.origins import Origin, origin_of
from whatnext.net.admission.places import Seat, seat
from whatnext.net.admission.pruning import Held, hoarders, surplus, watermark, worth
from whatnext.net.admission.refusal import Refusal
from whatnext.net.admission.streams import StreamMeter, Verdict
from whatnext.net.config import NetConfig, PerIp
from whatnext.net.standing import Standing

FEW = PerIp(connections=2, handshakes=2, rate_per_s=1.0, burst=3)
MANY = PerIp(connections=50, handshakes=50, rate_per_s=100.0, burst=100)
FAR = Origin("192.0.2.1", near=False)

origins = st.sampled_from([None, FAR, Origin("192.0.2.2", near=False), Origin("10.0.0.1", near=True)])
welcome = st.sampled_from([standing for standing in Standing if standing is not Standing.BLOCKED])


def held(key=0, peer="p", standing=Standing.STRANGER, **rest):
    return Held(key, peer, standing, rest.pop("inbound", True), **rest)


tables = st.lists(
    st.builds(
        Held,
        key=st.integers(),
        peer=st.sampled_from("abcdefgh"),
        standing=welcome,
        inbound=st.booleans(),
        origin=origins,
        age_s=st.floats(0, 100),
        idle_s=st.floats(0, 100),
        streams=st.integers(0, 3),
        passing=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda held: held.key,
)


# Where connections come from


@pytest.mark.parametrize(
    ("address", "key", "near"),
    [
        ("/ip4/8.8.8.8/tcp/4001", "8.8.8.8", False),
        ("/ip4/192.168.1.9/tcp/4001/ws", "192.168.1.9", True),
        ("/ip4/127.0.0.1/udp/1/quic-v1", "127.0.0.1", True),
        ("/ip6/2a01:4f8:1:2:3:4:5:6/tcp/1", "2a01:4f8:1:2::/64", False),
        ("/ip6/2a01:4f8:1:2::99/tcp/1", "2a01:4f8:1:2::/64", False),
        ("/ip6/fe80::1%eth0/tcp/1", "fe80::/64", True),
        ("/ip6/::ffff:8.8.8.8/tcp/1", "8.8.8.8", False),
    ],
)
def test_an_address_counts_as_its_network(address, key, near):
    assert origin_of(address) == Origin(key, near)


@pytest.mark.parametrize(
    "address", ["", "/dns/example.com/tcp/1", "/ip4/nonsense", "/ip4/192.0.2.1/tcp/1/p2p/x/p2p-circuit"]
)
def test_who_comes_by_a_relay_or_from_nowhere_counts_as_no_address(address):
    assert origin_of(address) is None


@given(st.text(alphabet="/ip46.:0123456789abcdef%p2-cru", max_size=60))
def test_no_address_is_too_strange_to_be_counted(address):
    origin_of(address)


# Before the handshake


@given(st.lists(st.tuples(origins, st.booleans(), st.floats(0, 2)), max_size=80))
def test_handshakes_under_way_never_exceed_their_limits(steps):
    arrivals, now, under_way = Arrivals(FEW, MANY, total=4), 0.0, []
    for origin, ends, pause in steps:
        now += pause
        if ends and under_way:
            arrivals.end(under_way.pop())
        elif arrivals.begin(origin, now) is None:
            under_way.append(origin)
        assert arrivals.under_way == len(under_way) <= 4
        assert under_way.count(FAR) <= FEW.handshakes
    for origin in under_way:
        arrivals.end(origin)
    assert arrivals.under_way == 0
    assert not arrivals._under_way_from


@given(st.lists(st.floats(0, 3), max_size=60))
def test_one_address_never_exceeds_its_rate_whatever_it_does(pauses):
    arrivals, now, let_in = Arrivals(FEW, MANY, total=100), 0.0, 0
    for pause in pauses:
        now += pause
        refusal = arrivals.begin(FAR, now)
        if refusal is None:
            let_in += 1
            arrivals.end(FAR)
        else:
            assert refusal.code == "rate"
        assert let_in <= FEW.burst + now * FEW.rate_per_s + 1e-6


def test_one_address_in_a_hurry_keeps_no_other_out():
    arrivals = Arrivals(FEW, MANY, total=100)
    while arrivals.begin(FAR, 0.0) is None:
        pass
    assert arrivals.begin(Origin("192.0.2.2", near=False), 0.0) is None
    assert arrivals.begin(Origin("10.0.0.1", near=True), 0.0) is None


def test_a_million_addresses_cost_bounded_memory():
    arrivals = Arrivals(FEW, MANY, total=4)
    for number in range(3 * REMEMBERED):
        origin = Origin(str(number), near=False)
        assert arrivals.begin(origin, 0.0) is None
        arrivals.end(origin)
    assert len(arrivals._far_rates) == REMEMBERED
    assert not arrivals._under_way_from


# Who gets a place


@given(tables, welcome, st.sampled_from("abcdefgh"), st.booleans(), origins, st.integers(1, 12))
def test_the_maximum_holds_and_nobody_yields_to_who_is_less(table, standing, peer, inbound, origin, maximum):
    config = NetConfig(max_connections=maximum, max_connections_per_peer=3, per_ip=FEW)
    newcomer = held(-1, peer, standing, inbound=inbound, origin=origin)
    found = seat(newcomer, table, config)
    if isinstance(found, Refusal):
        assert found.code in ("full", "peer_limit", "ip_limit")
    elif found.instead_of is None:
        assert len(table) < maximum
    else:
        gone = found.instead_of
        assert gone in table
        assert len(table) >= maximum
        assert not gone.passing
        assert gone.peer == peer or gone.standing < standing
        assert gone.peer == peer or standing >= Standing.KNOWN


@given(tables, st.booleans(), origins)
def test_a_blocked_peer_never_gets_a_place(table, inbound, origin):
    found = seat(held(-1, "x", Standing.BLOCKED, inbound=inbound, origin=origin), table, NetConfig())
    assert isinstance(found, Refusal)
    assert found.code == "blocked"


@given(tables, st.sampled_from([Standing.MEMBER, Standing.RELAY]), origins)
def test_a_friend_is_turned_away_only_when_nobody_less_is_there(table, standing, origin):
    found = seat(held(-1, "x", standing, origin=origin), table, NetConfig(max_connections=4, per_ip=FEW))
    if isinstance(found, Refusal):
        assert found.code == "full"
        assert all(one.passing or one.standing >= standing for one in table)


def test_the_least_worth_keeping_yields():
    table = [
        held(1, "a", Standing.KNOWN, idle_s=90.0),
        held(2, "b", Standing.STRANGER, streams=1),
        held(3, "c", Standing.STRANGER, idle_s=5.0),
        held(4, "d", Standing.STRANGER, idle_s=50.0),
    ]
    order = []
    while table:
        found = seat(held(-1, "m", Standing.MEMBER), table, NetConfig(max_connections=len(table)))
        assert isinstance(found, Seat)
        order.append(found.instead_of.key)
        table.remove(found.instead_of)
    assert order == [4, 3, 2, 1]


def test_a_peer_that_comes_back_takes_its_own_place():
    table = [held(1, "a", age_s=100.0), held(2, "a", age_s=1.0), held(3, "b", Standing.STRANGER)]
    assert seat(held(-1, "a"), table, NetConfig(max_connections=3)) == Seat(table[0])


def test_one_address_fills_not_the_whole_table_but_members_come_from_anywhere():
    table = [held(1, "a", origin=FAR), held(2, "b", origin=FAR)]
    config = NetConfig(per_ip=FEW)
    assert seat(held(-1, "c", origin=FAR), table, config).code == "ip_limit"
    assert seat(held(-1, "c", Standing.MEMBER, origin=FAR), table, config) == Seat()
    assert seat(held(-1, "c", origin=FAR, inbound=False), table, config) == Seat()
    assert seat(held(-1, "c", origin=None), table, config) == Seat()


# Pruning


@given(tables, st.integers(0, 10), st.integers(0, 5), st.floats(0, 100))
def test_pruning_stops_at_the_low_watermark_and_spares_friends_and_newcomers(table, low, room, grace):
    given_up = surplus(table, low=low, high=low + room, grace_s=grace)
    if len(table) <= low + room:
        assert given_up == []
    assert len(table) - len(given_up) >= min(low, len(table))
    assert all(one.standing < Standing.MEMBER and one.age_s >= grace for one in given_up)
    assert not any(one.passing for one in given_up)
    kept = [one for one in table if one not in given_up and one.age_s >= grace and not one.passing]
    for lost in given_up:
        assert all(worth(lost) <= worth(one) for one in kept if one.standing < Standing.MEMBER)
    if len(table) > low + room and len(table) - len(given_up) > low:  # nobody else could go
        assert all(one.standing >= Standing.MEMBER for one in kept)


@given(tables, st.integers(0, 10), st.integers(1, 5))
def test_a_table_just_pruned_is_not_pruned_again_for_the_next_newcomer(table, low, room):
    after = [one for one in table if one not in surplus(table, low=low, high=low + room, grace_s=0.0)]
    if len(after) == low:
        assert surplus([*after, held(-1)], low=low, high=low + room, grace_s=0.0) == []


@given(st.integers(1, 10_000))
def test_watermarks_lie_in_order_and_within_the_maximum(maximum):
    config = NetConfig()
    low, high = watermark(config.low_watermark, maximum), watermark(config.high_watermark, maximum)
    assert 1 <= low <= high <= maximum
    if maximum >= 10:
        assert low < high < maximum


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 500))
def test_who_fills_the_memory_goes_and_nobody_else(unread, budget):
    table = [held(key, unread=count) for key, count in enumerate(unread)]
    gone = hoarders(table, budget)
    kept = [one for one in table if one not in gone]
    assert sum(one.unread for one in kept) <= budget
    assert all(lost.unread >= one.unread for lost in gone for one in kept)
    if gone:  # the last one had to go as well
        assert sum(one.unread for one in kept) + gone[-1].unread > budget


# Streams


@given(st.lists(st.tuples(st.integers(1, 12), st.floats(0, 1)), max_size=80))
def test_streams_past_the_limit_are_reset_and_a_flood_ends_the_connection(steps):
    meter, now, passed = StreamMeter(8, 5.0, 10, 0.0), 0.0, 0
    for open_now, pause in steps:
        now += pause
        verdict = meter.opened(open_now, now)
        passed += verdict is not Verdict.CLOSE
        assert passed <= 10 + 5.0 * now + 1e-6
        assert (verdict is Verdict.SERVE) <= (open_now <= 8)
