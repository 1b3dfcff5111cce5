"""What a node does when its device woke up or changed networks, on clocks and addresses of the test."""

import pytest
import trio

from whatnext.node.moves import LOOK_EVERY_S, PROBE_S, Moves


class World:
    """Clocks, addresses, and what was asked of the node's parts."""

    def __init__(self):
        self.asleep_s = 0.0
        self.addresses = ["192.168.1.7"]
        self.asked = []

    def wall(self):
        return 1_790_000_000.0 + trio.current_time() + self.asleep_s

    def refresh(self):
        self.asked.append("announce and ask")

    def moved(self):
        self.asked.append("seek everybody")

    async def probe(self, timeout_s):
        self.asked.append(f"probe for {timeout_s:g} s")
        await trio.sleep(timeout_s)


DONE = ["announce and ask", "seek everybody", f"probe for {PROBE_S:g} s"]


@pytest.fixture
async def world(nursery):
    made = World()
    nursery.start_soon(Moves(made, made, lambda: made.addresses, made.wall).run, made)
    await trio.sleep(10)
    assert made.asked == []
    return made


async def test_after_sleep_everything_is_checked_within_a_second(world, autojump_clock):
    world.asleep_s = 3600
    await trio.sleep(1.5 * LOOK_EVERY_S)
    assert world.asked == DONE
    await trio.sleep(60)
    assert world.asked == DONE


async def test_a_change_of_network_as_well_and_again_one_that_comes_while_connections_are_checked(
    world, autojump_clock
):
    world.addresses = []
    await trio.sleep(1.5 * LOOK_EVERY_S)
    assert world.asked == DONE
    world.addresses = ["10.0.0.3"]
    await trio.sleep(PROBE_S + 1.5 * LOOK_EVERY_S)
    assert world.asked == [*DONE, *DONE]
