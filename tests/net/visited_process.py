"""A node in its own process that many visit: for each line on stdin it says, in JSON, what that costs and cost it.

A line is `look`, or `members PEER …` to make those peers its friends. `highest` is the largest number of connections
seen in any table after any step of any task since the last line.
"""

import gc
import json
import os
import sys
import time
from typing import Any

import psutil
import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, Standing, Stream, open_network
from whatnext.net.config import PerIp

EVERYBODY = PerIp(connections=1000, handshakes=1000, rate_per_s=1e6, burst=1_000_000)


class Ceiling(trio.abc.Instrument):
    """Looks at both tables of connections after every step of every task."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.highest = 0

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        swarm = len(self._network._swarm.get_connections())
        self.highest = max(self.highest, swarm, len(self._network._connections.all()))


async def echo(stream: Stream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


def costs(ceiling: Ceiling, network: Network) -> dict[str, Any]:
    gc.collect()
    highest, ceiling.highest = ceiling.highest, 0
    return {
        "highest": highest,
        "connected": [info.peer for info in network.connections()],
        "tasks": trio.lowlevel.current_statistics().tasks_living,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "cpu_s": time.process_time(),
        "mb": psutil.Process().memory_info().rss / 2**20,
    }


async def main(maximum: int) -> None:
    config = NetConfig(
        listen=("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"),
        max_connections=maximum,
        max_handshakes=1000,
        per_near_ip=EVERYBODY,
        stream_rate_per_s=1e6,
        stream_burst=1_000_000,
        heartbeat_s=0.5,
    )
    members: set[str] = set()

    def judge(peer: str) -> Standing:
        return Standing.MEMBER if peer in members else Standing.STRANGER

    handlers = {"/test/echo/1.0.0": echo}
    async with open_network(Identity.generate(), config, handlers, standing=judge) as network:
        print(json.dumps({"peer": network.peer, "addresses": network.addresses()}), flush=True)
        ceiling = Ceiling(network)
        trio.lowlevel.add_instrument(ceiling)
        while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            if line.startswith("members"):
                members.update(line.split()[1:])
            print(json.dumps(costs(ceiling, network)), flush=True)


trio.run(main, int(sys.argv[1]))
