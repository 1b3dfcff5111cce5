"""Many come and go, at a node in its own process: what stays behind there, and here."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from whatnext.errors import Unreachable

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc"),
]

VISITED = Path(__file__).with_name("visited_process.py")
ECHO = "/test/echo/1.0.0"
AT_ONCE = 8
LEFT_MB = 5.0


class Visited:
    """The other process, spoken to in lines."""

    def __init__(self, maximum):
        self.process = subprocess.Popen(
            [sys.executable, str(VISITED), str(maximum)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        told = json.loads(self.process.stdout.readline())
        self.peer, self.addresses = told["peer"], told["addresses"]

    async def ask(self, line="look"):
        """Its costs now."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(await trio.to_thread.run_sync(self.process.stdout.readline))

    async def at_rest(self, quiet):
        """Its costs once nobody is connected and no more tasks live than when nobody had ever been."""
        with trio.move_on_after(15):
            while True:
                costs = await self.ask()
                if not costs["connected"] and costs["tasks"] <= quiet["tasks"]:
                    break
                await trio.sleep(0.1)
        return costs


@pytest.fixture
def visited():
    """Start it with a maximum of connections."""
    with contextlib.ExitStack() as stack:

        def start(maximum):
            other = Visited(maximum)
            stack.callback(other.process.wait)
            stack.callback(other.process.kill)
            return other

        yield start


async def exchange(network, peer):
    async with await network.open_stream(peer, [ECHO]) as stream:
        await stream.send_all(b"hello")
        assert await stream.receive_some() == b"hello"


def own_use():
    """This process's open descriptors and living tasks."""
    return len(os.listdir("/proc/self/fd")), trio.lowlevel.current_statistics().tasks_living


async def in_parallel(count, work):
    """Run `work(number)` that often, some at once."""
    left = iter(range(count))

    async def worker():
        for number in left:
            await work(number)

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(worker)


@pytest.mark.parametrize(
    ("cycles", "streams"), [(24, 100), pytest.param(1000, 10_000, marks=pytest.mark.soak)]
)
async def test_coming_going_and_opening_streams_leaves_no_memory_task_or_descriptor(
    visited, node, cycles, streams
):
    other = visited(64)
    ways = [[address] for address in other.addresses]

    async def visit(number):
        async with node() as guest:  # a new identity each time
            await guest.dial(other.peer, ways[number % len(ways)])
            await exchange(guest, other.peer)

    async with node() as regular:

        async def come_again():
            for number in range(cycles // 2):
                await regular.dial(other.peer, ways[number % len(ways)])
                await exchange(regular, other.peer)
                await regular.disconnect(other.peer)

        async def talk(count):
            await regular.dial(other.peer, other.addresses)
            await in_parallel(count, lambda _: exchange(regular, other.peer))
            await regular.disconnect(other.peer)

        quiet = await other.ask()
        await in_parallel(max(10, cycles // 5), visit)
        await talk(streams // 5)
        before = await other.at_rest(quiet)
        here = own_use()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(come_again)
            nursery.start_soon(in_parallel, cycles - cycles // 2, visit)
        between = await other.ask()
        await talk(streams)
        after = await other.at_rest(quiet)
        told = f"{1000 * (between['cpu_s'] - before['cpu_s']) / cycles:.1f} ms of processor a visit"
        print(f"{cycles} cycles, {streams} streams: {before['mb']:.1f} MB, then {after['mb']:.1f}; {told}")
        assert after["connected"] == []
        assert (after["tasks"], after["descriptors"]) == (quiet["tasks"], before["descriptors"])
        assert after["mb"] - before["mb"] < LEFT_MB
        with trio.move_on_after(30):
            while any(left > had for left, had in zip(own_use(), here, strict=True)):  # noqa: ASYNC110 - no event for it
                await trio.sleep(0.1)
        # Fewer is well: a socket that was still closing at the first count is gone at the second.
        descriptors, tasks = own_use()
        assert descriptors <= here[0]
        assert tasks <= here[1]


@pytest.mark.soak
async def test_a_hundred_who_dial_another_process_at_once_never_exceed_its_maximum(visited, node):
    other = visited(32)
    async with contextlib.AsyncExitStack() as stack:
        guests = [await stack.enter_async_context(node()) for _ in range(100)]
        friends = guests[:8]
        await other.ask("members " + " ".join(friend.peer for friend in friends))
        for friend in friends[:4]:
            await friend.dial(other.peer, other.addresses)

        async def visit(guest):
            with contextlib.suppress(Unreachable):
                await guest.dial(other.peer, other.addresses)

        async with trio.open_nursery() as nursery:
            for guest in reversed(guests):  # four friends among the last
                nursery.start_soon(visit, guest)
        costs, wanted = await other.ask(), {friend.peer for friend in friends}
        with trio.fail_after(30):
            while not wanted <= set(costs["connected"]):
                async with trio.open_nursery() as nursery:  # as contacts do, a friend tries again
                    for friend in friends:
                        nursery.start_soon(visit, friend)
                now = await other.ask()
                costs = now | {"highest": max(costs["highest"], now["highest"])}
        assert costs["highest"] == 32
