"""Two processes: what happens when the other one is killed, stopped, or simply talks."""

import os
import signal

import psutil
import pytest
import trio

from whatnext.errors import ConnectionLost
from whatnext.net import Disconnected

pytestmark = pytest.mark.real

ECHO = "/test/echo/1.0.0"


async def test_another_process_echoes_a_megabyte_and_answers_pings(node, peer_process):
    other = peer_process()
    async with node() as network:
        await network.dial(other.peer, other.addresses)
        stream = await network.open_stream(other.peer, [ECHO])
        data = os.urandom(1 << 20)
        got = bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, data)
            while len(got) < len(data):
                got += await stream.receive_some()
        assert got == data
        assert 0 < await network.ping(other.peer) < 1


@pytest.mark.parametrize("transport", ["tcp", "ws"])
async def test_a_killed_peer_is_noticed_within_a_second(node, peer_process, transport):
    other = peer_process()
    addresses = [address for address in other.addresses if ("/ws" in address) == (transport == "ws")]
    async with node() as network:
        await network.dial(other.peer, addresses)
        stream = await network.open_stream(other.peer, [ECHO])
        with network.events() as events:
            with trio.fail_after(1):
                other.process.send_signal(signal.SIGKILL)
                with pytest.raises(ConnectionLost):
                    await stream.receive_some()
                gone = await anext(events)
        assert isinstance(gone, Disconnected)
        assert gone.peer == other.peer
        assert network.connections() == []


async def test_a_peer_process_ends_by_itself_when_asked(peer_process):
    other = peer_process()
    other.process.stdin.close()
    with trio.fail_after(5):
        assert await trio.to_thread.run_sync(other.process.wait) == 0


@pytest.mark.soak
@pytest.mark.parametrize("transport", ["tcp", "ws"])
async def test_a_stopped_peer_is_noticed_within_twenty_seconds(node, peer_process, transport):
    other = peer_process()
    addresses = [address for address in other.addresses if ("/ws" in address) == (transport == "ws")]
    async with node() as network:
        await network.dial(other.peer, addresses)
        stream = await network.open_stream(other.peer, [ECHO])
        await trio.sleep(1)
        with network.events() as events:
            other.process.send_signal(signal.SIGSTOP)
            started = trio.current_time()
            with trio.fail_after(20):
                gone = await anext(events)
            print(f"{transport}: noticed after {trio.current_time() - started:.1f} s")
        assert gone == Disconnected(other.peer, "it no longer answers")
        with pytest.raises(ConnectionLost):
            await stream.receive_some()
        assert network._swarm.get_connections() == []


@pytest.mark.soak
async def test_two_hundred_visits_leave_memory_and_tasks_where_they_were(node, peer_process):
    other = peer_process()
    there = psutil.Process(other.process.pid)
    async with node(max_connections=8) as network:

        async def visit():
            await network.dial(other.peer, other.addresses)
            stream = await network.open_stream(other.peer, [ECHO])
            await stream.send_all(b"hello")
            assert await stream.receive_some() == b"hello"
            await network.disconnect(other.peer)

        for _ in range(20):
            await visit()
        await trio.sleep(1)
        tasks, memory = trio.lowlevel.current_statistics().tasks_living, there.memory_info().rss
        for _ in range(200):
            await visit()
        await trio.sleep(1)
        grown = (there.memory_info().rss - memory) / 1e6
        more = trio.lowlevel.current_statistics().tasks_living - tasks
        print(f"200 visits: {grown:+.1f} MB there, {more:+d} tasks here")
        assert more <= 2
        assert grown < 8
