"""Trouble on our own side: a full disk, clocks that differ, a copied key."""

import trio
from network import network

from whatnext.errors import StoreDamaged, StoreUnwritable
from whatnext.sync.events import LinkEnded, RecordsRefused, StoreFailed
from whatnext.sync.feed import Feed


async def pair(net, skew_ms=0):
    anna, ben = net.device("anna", skew_ms=skew_ms), net.device("ben")
    playlist = anna.create()
    ben.join(playlist, anna.invite(playlist))
    net.connect(anna, ben)
    await net.in_sync(playlist)
    return anna, ben, playlist


async def test_what_a_full_disk_cannot_keep_is_not_acknowledged_and_comes_again(autojump_clock, monkeypatch):
    async with network() as net:
        anna, ben, playlist = await pair(net)
        receive = ben.library.receive

        def full(*_):
            raise StoreUnwritable("the disk is full")

        monkeypatch.setattr(ben.library, "receive", full)
        anna.add(playlist, "held back")
        await net.until(lambda: ben.happened(StoreFailed))
        await trio.sleep(60)
        assert len(ben.happened(StoreFailed)) == 1, "no busy loop"
        assert anna.share(ben, playlist).state == "refused"
        assert anna.share(ben, playlist).refused == "unavailable"
        assert anna.link(ben).phase == "handshaken"
        monkeypatch.setattr(ben.library, "receive", receive)
        ben.add(playlist, "there is room again")
        await net.in_sync(playlist)
        assert ben.titles(playlist) == ["held back", "there is room again"]


async def test_a_damaged_database_ends_the_link_and_not_the_node(autojump_clock, monkeypatch):
    async with network() as net:
        anna, ben, playlist = await pair(net)

        def damaged(*_, **__):
            raise StoreDamaged("page 7")

        monkeypatch.setattr(anna.library, "missing", damaged)
        anna.add(playlist)
        await net.until(lambda: anna.happened(LinkEnded))
        assert (anna.happened(LinkEnded)[0].code, anna.happened(LinkEnded)[0].reason) == ("local", "page 7")
        assert ben.happened(LinkEnded)


async def test_a_record_from_a_fast_clock_waits_until_due_and_then_counts(autojump_clock):
    async with network() as net:
        anna, ben, playlist = await pair(net, skew_ms=50_000)
        anna.skew_ms = 100_000

        async def due():
            while True:
                await trio.sleep(1)
                ben.library.receive_due()

        net.spawn(due)
        anna.add(playlist, "from the future")
        begun = trio.current_time()
        await net.until(lambda: anna.happened(RecordsRefused))
        assert anna.happened(RecordsRefused)[-1].codes == {"early": 1}
        assert ben.titles(playlist) == []
        await net.in_sync(playlist)
        assert ben.titles(playlist) == ["from the future"]
        assert 30 < trio.current_time() - begun < 60


async def test_a_link_to_our_own_key_is_refused(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        net.connect(anna, anna)
        await net.until(lambda: len(net.ended) == 2)
        assert {ended.code for _, ended in net.ended} == {"self"}
        assert anna.hub.status() == []


async def test_a_listener_that_does_not_listen_loses_the_oldest_events_only(autojump_clock):
    closed = []
    feed = Feed(3, closed.append)
    with feed:
        for number in range(5):
            feed.put(LinkEnded("peer", str(number), ""))
        assert [(await anext(feed)).code for _ in range(3)] == ["2", "3", "4"]
        assert feed.dropped == 2
        with trio.move_on_after(5) as waited:
            await anext(feed)
        assert waited.cancelled_caught
        feed.put(LinkEnded("peer", "later", ""))
        assert (await anext(feed)).code == "later"
    assert closed == [feed]
