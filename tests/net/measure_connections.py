"""What a connection costs the node that has it: memory when it comes, processor time while nothing is said.

`PYTHONPATH=src python tests/net/measure_connections.py [SECONDS]`: a node in a process of its own, and others with
one connection to it and one open stream each. One JSON line for each number of connections; SECONDS at rest.
"""

import json
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network

STEPS = (0, 1, 8, 16, 32, 48, 60)
KIB = 1024


def used_s(node: psutil.Process) -> float:
    times = node.cpu_times()
    return float(times.user + times.system)


async def measured(process: "subprocess.Popen[str]", rest_s: float) -> None:
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    node = psutil.Process(process.pid)
    first = 0
    async with AsyncExitStack() as stack:
        count = 0
        for step in STEPS:
            while count < step:
                visitor = open_network(Identity.generate(), NetConfig(listen=()))
                network = await stack.enter_async_context(visitor)
                await network.dial(told["peer"], told["addresses"])
                stream = await network.open_stream(told["peer"], ["/test/echo/1.0.0"])
                await stream.send_all(b"x")
                await stream.receive_some()
                count += 1
            await trio.sleep(2)
            resident, spent = node.memory_info().rss, used_s(node)
            first = first or resident
            await trio.sleep(rest_s)
            row = {"connections": count, "resident_mib": round(resident / KIB / KIB, 1)}
            if count:
                row |= {"kib_each": round((resident - first) / KIB / count)}
            row |= {"at_rest_cpu_ms_per_min": round(60_000 * (used_s(node) - spent) / rest_s)}
            print(json.dumps(row), flush=True)


def main() -> None:
    words = [
        sys.executable,
        str(Path(__file__).with_name("transport_process.py")),
        "/ip4/127.0.0.1/tcp/0",
        "0",
    ]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        trio.run(measured, process, float(sys.argv[1]) if sys.argv[1:] else 20.0)
    finally:
        process.kill()


if __name__ == "__main__":
    main()
