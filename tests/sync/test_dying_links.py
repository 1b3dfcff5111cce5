"""Links that are slow, break at any byte or go silent: nothing is lost, nothing counts twice, waits end."""

import pytest
import trio
from network import network
from wires import Cable, End

from whatnext.errors import ConnectionLost
from whatnext.sync import limits
from whatnext.sync.events import LinkEnded


async def pair(net, entries):
    """An owner with `entries` and a member that has only the first record of all."""
    anna, ben = net.trio_of("anna", "ben")
    playlist = anna.create(entries=entries)
    ben.join(playlist, anna.invite(playlist))
    return anna, ben, playlist


@pytest.mark.parametrize("seed", range(12))
async def test_a_link_cut_at_any_byte_goes_on_where_it_ended(autojump_clock, seed):
    async with network(seed) as net:
        anna, ben, playlist = await pair(net, entries=60)
        for _ in range(15):
            cable = net.connect(anna, ben, cut_after=net.rng.randrange(1, 9000))
            await net.until(lambda cable=cable: cable.plugged == 0 or net.equal(playlist), within=300)
            cable.cut()
            await net.over(cable)
            if net.rng.random() < 0.5:
                anna.add(playlist)
        net.connect(anna, ben)
        await net.in_sync(playlist)
        assert ben.hub.traffic().refused_in == 0


async def test_every_single_byte_of_the_first_exchange_may_be_the_last(autojump_clock):
    async with network() as net:
        anna, ben, playlist = await pair(net, entries=2)
        for cut_after in range(1, 400, 7):
            await net.over(net.connect(anna, ben, cut_after=cut_after))
        net.connect(anna, ben)
        await net.in_sync(playlist)


async def test_a_slow_link_gets_there_without_running_into_a_time_limit(autojump_clock):
    async with network() as net:
        anna, ben, playlist = await pair(net, entries=400)
        net.connect(anna, ben, rate=4_000, latency=1.0)
        await net.in_sync(playlist, within=600)
        assert not anna.happened(LinkEnded)
        assert not ben.happened(LinkEnded)


async def test_a_dead_path_is_noticed_by_the_answer_that_does_not_come(autojump_clock):
    async with network() as net:
        anna, ben, playlist = await pair(net, entries=1)
        cable = net.connect(anna, ben)
        await net.in_sync(playlist)
        cable.silence()
        anna.add(playlist, "into the void")
        assert anna.share(ben, playlist).state == "catching up"
        begun = trio.current_time()
        await net.until(lambda: anna.happened(LinkEnded))
        assert anna.happened(LinkEnded)[0].code == "timeout"
        assert trio.current_time() - begun <= limits.ANSWER_TIMEOUT_S + 1
        cable.cut()
        net.connect(anna, ben)
        await net.in_sync(playlist)
        assert "into the void" in ben.titles(playlist)


async def test_an_idle_link_stays(autojump_clock):
    async with network() as net:
        anna, ben, playlist = await pair(net, entries=1)
        net.connect(anna, ben)
        await net.in_sync(playlist)
        await trio.sleep(24 * 3600)
        assert not anna.happened(LinkEnded)
        assert anna.share(ben, playlist).state == "in sync"


async def test_a_newer_stream_takes_the_place_of_an_older_one(autojump_clock):
    async with network() as net:
        anna, ben, playlist = await pair(net, entries=1)
        net.connect(anna, ben)
        await net.in_sync(playlist)
        net.connect(anna, ben)
        await net.until(lambda: len(net.ended) == 2)
        assert {ended.code for _, ended in net.ended} <= {"replaced", "connection_lost"}
        anna.add(playlist, "over the newer one")
        await net.in_sync(playlist)
        assert len(anna.hub.status()) == 1


async def test_a_link_cut_between_batches_does_not_send_them_again(autojump_clock):
    async with network() as net:
        anna, ben, playlist = await pair(net, entries=300)
        cable = net.connect(anna, ben, rate=100_000)
        await net.until(lambda: ben.library.records(playlist))
        cable.cut()
        await net.over(cable)
        had = len(ben.library.records(playlist))
        assert 0 < had < 302
        net.connect(anna, ben)
        await net.in_sync(playlist)
        assert ben.hub.traffic().duplicates_in <= 1, "only its own admission comes back"


async def test_a_cancellation_that_meets_a_breaking_path_is_a_plain_cancellation(autojump_clock):
    class Breaking(End):
        """A stream whose reset, when both of its users are cancelled, surfaces as a lost connection."""

        async def receive_some(self, max_bytes):
            try:
                return await super().receive_some(max_bytes)
            except trio.Cancelled as cancelled:
                raise ConnectionLost("broke while it was cancelled") from cancelled

    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        cable = Cable(anna.peer, ben.peer)
        end = Breaking(ben.peer, outbound=True, incoming=cable.back, outgoing=cable.there)
        with trio.move_on_after(1) as scope:
            await anna.hub.attach(end)
        assert scope.cancelled_caught
        assert anna.hub.status() == []
        assert [event.code for event in anna.happened(LinkEnded)] == ["cancelled"]
        assert cable.there.broken


async def test_closing_the_hub_says_goodbye(autojump_clock):
    async with network() as net:
        anna, ben, playlist = await pair(net, entries=1)
        net.connect(anna, ben)
        await net.in_sync(playlist)
        await anna.hub.close()
        await net.until(lambda: ben.happened(LinkEnded))
        assert ben.happened(LinkEnded)[0].code == "shutdown"
        assert ben.happened(LinkEnded)[0].reason == "the peer ended the link: the node shuts down"
