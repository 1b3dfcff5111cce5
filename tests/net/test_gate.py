"""The gate without sockets: its table is a list, closing takes a second, and nobody ever overshoots the maximum."""

import pytest
import trio
import trio.testing

from whatnext.net.admission.gate import Gate, TurnedAway
from whatnext.net.admission.pruning import Held
from whatnext.net.admission.refusal import Refusal
from whatnext.net.config import NetConfig
from whatnext.net.standing import Standing

AWAY = Refusal("memory", "it is cut off")


class House:
    """A gate over a table of two places; peers named in capitals are members."""

    def __init__(self, *peers):
        self.there = {
            key: Held(key, peer, self.judge(peer), True, age_s=99.0) for key, peer in enumerate(peers)
        }
        self.highest = len(peers)
        self.gate = Gate(NetConfig(max_connections=2, high_watermark=1, low_watermark=1), self.judge)
        self.gate.attach(lambda in_detail: list(self.there.values()), self.close)

    def judge(self, peer):
        return Standing.MEMBER if peer.isupper() else Standing.STRANGER

    async def close(self, key, refusal):
        await trio.sleep(1)
        self.there.pop(key, None)

    async def come(self, key, peer, takes_s=0.0):
        async with self.gate.place(key, peer, "", outbound=False):
            await trio.sleep(takes_s)
            self.there[key] = Held(key, peer, self.judge(peer), True)
            self.highest = max(self.highest, len(self.there))
            await trio.lowlevel.checkpoint()

    def peers(self):
        return "".join(sorted(held.peer for held in self.there.values()))


async def test_a_friend_enters_when_the_stranger_is_gone(autojump_clock):
    house = House("a", "b")
    await house.come(7, "F")
    assert trio.current_time() == 1
    assert (house.peers(), house.highest) == ("Fb", 2)


async def test_two_friends_at_once_replace_two_strangers(autojump_clock):
    house = House("a", "b")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.come, 7, "F")
        nursery.start_soon(house.come, 8, "G")
    assert (house.peers(), house.highest, trio.current_time()) == ("FG", 2, 1)


async def test_who_is_being_closed_keeps_its_place_until_it_is_gone(autojump_clock):
    house = House("a", "B")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.gate.give_up, 0, AWAY)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(TurnedAway, match="maximum of 2"):
            await house.come(7, "c")
        await house.come(8, "F")  # a friend waits for it
    assert (house.peers(), house.highest, trio.current_time()) == ("BF", 2, 1)


async def test_a_friend_waits_for_a_stranger_who_is_just_entering(autojump_clock):
    house = House("B")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.come, 7, "c", 0.5)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(TurnedAway):
            await house.come(8, "d")
        await house.come(9, "F")
    assert (house.peers(), house.highest, trio.current_time()) == ("BF", 2, 1.5)


async def test_a_friend_does_not_wait_for_ever(autojump_clock):
    house = House("B")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.come, 7, "c", 60)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(TurnedAway):
            await house.come(9, "F")
        assert trio.current_time() < 5
        nursery.cancel_scope.cancel()


async def test_who_is_cancelled_on_the_way_gives_its_place_back(autojump_clock):
    house = House("B")
    with trio.move_on_after(0.5):
        await house.come(7, "c", 60)
    await house.come(8, "d")
    assert house.peers() == "Bd"


async def test_a_connection_is_closed_once_however_many_want_it_closed(autojump_clock):
    house = House("a", "b")
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(house.gate.give_up, 0, AWAY)
    assert (house.peers(), trio.current_time()) == ("b", 1)
    await house.gate.give_up(0, AWAY)
    assert trio.current_time() == 1
