"""What a device counts of its links: how late records arrive, how long greetings take; and listeners miss nothing."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from network import network

from whatnext.sync.events import LinkEnded, PeerHandshaken, PlaylistInSync
from whatnext.sync.hub import FEED_CAPACITY
from whatnext.sync.metrics import DELAY_BOUNDS_S, Delays, Traffic

seconds = st.floats(-10, 200_000)


@given(st.lists(seconds))
def test_every_delay_is_counted_once_in_its_group(noted):
    delays = Delays()
    for each in noted:
        delays.note(each)
    assert sum(delays.counts) == len(noted)
    for at, bound in enumerate(DELAY_BOUNDS_S):
        assert sum(delays.counts[: at + 1]) == sum(each <= bound for each in noted)
    assert delays.total_s == pytest.approx(sum(max(0.0, each) for each in noted))


@given(st.lists(seconds), st.lists(seconds))
def test_two_links_counters_add_up_and_a_copy_stays_as_it_was(first, second):
    a, b, both = Traffic(records_in=1), Traffic(records_in=2), Delays()
    for each in first:
        a.lag.note(each)
    for each in second:
        b.lag.note(each)
    for each in [*first, *second]:
        both.note(each)
    kept = a.copy()
    a.add(b)
    assert (a.records_in, a.lag.counts) == (3, both.counts)
    assert (kept.records_in, sum(kept.lag.counts)) == (1, len(first))


async def test_records_made_while_apart_are_counted_by_how_late_they_come(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = anna.create()
        ben.join(playlist, anna.invite(playlist))
        cable = net.connect(anna, ben)
        await net.in_sync(playlist)
        before = ben.hub.traffic().lag
        anna.add(playlist)
        await net.in_sync(playlist)
        live = ben.hub.traffic().lag
        cable.cut()
        await trio.sleep(1)
        anna.add(playlist)
        await trio.sleep(7200)
        net.connect(anna, ben)
        await net.in_sync(playlist)
        late = ben.hub.traffic().lag
    within_a_second, within_a_day = DELAY_BOUNDS_S.index(1.0) + 1, DELAY_BOUNDS_S.index(86400.0)
    assert sum(live.counts[:within_a_second]) == sum(before.counts[:within_a_second]) + 1
    assert late.counts[within_a_day] == live.counts[within_a_day] + 1
    assert late.total_s - live.total_s >= 7200


async def test_each_greeting_is_timed_on_both_sides(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        net.connect(anna, ben)
        await net.until(lambda: anna.happened(PeerHandshaken) and ben.happened(PeerHandshaken))
        for device in (anna, ben):
            assert sum(device.hub.traffic().hellos.counts) == 1


async def test_a_listener_hears_every_event_also_those_a_slow_feed_drops(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        heard = []
        anna.hub.listen(heard.append)
        playlist = anna.create()
        ben.join(playlist, anna.invite(playlist))
        with anna.hub.subscribe() as slow:
            cable = net.connect(anna, ben)
            await net.in_sync(playlist)
            for _ in range(FEED_CAPACITY + 10):
                ben.add(playlist)
                await net.in_sync(playlist)
            cable.cut()
            await net.until(lambda: any(isinstance(event, LinkEnded) for event in heard))
            assert slow.dropped > 0
    assert isinstance(heard[0], PeerHandshaken)
    assert sum(isinstance(event, PlaylistInSync) for event in heard) > FEED_CAPACITY
