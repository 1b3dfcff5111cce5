"""Subscriptions: in order, bounded, honest about what was dropped."""

import trio

from whatnext.net.events import Connected, Disconnected, EventHub, Missed


def came(number):
    return Connected(f"peer{number}", "/ip4/127.0.0.1/tcp/1", "in")


async def test_every_subscriber_gets_every_event_in_order():
    hub = EventHub()
    with hub.subscribe(10) as first, hub.subscribe(10) as second:
        for number in range(3):
            hub.publish(came(number))
        for events in (first, second):
            assert [await anext(events) for _ in range(3)] == [came(0), came(1), came(2)]


async def test_a_subscriber_that_waits_is_woken():
    hub = EventHub()
    with hub.subscribe(10) as events:
        async with trio.open_nursery() as nursery:

            async def later():
                await trio.testing.wait_all_tasks_blocked()
                hub.publish(Disconnected("peer", "it left"))

            nursery.start_soon(later)
            assert await anext(events) == Disconnected("peer", "it left")


async def test_a_slow_subscriber_is_told_that_it_missed_some_and_stays_bounded():
    hub = EventHub()
    with hub.subscribe(3) as events:
        for number in range(100):
            hub.publish(came(number))
        assert len(events._queue) <= 3
        assert await anext(events) == Missed()
        assert isinstance(await anext(events), Connected)


async def test_after_its_block_a_subscription_holds_nothing():
    hub = EventHub()
    with hub.subscribe(3):
        pass
    hub.publish(came(1))
    assert hub._subscriptions == []
