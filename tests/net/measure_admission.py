"""What an attempt to connect costs the node that is dialled, in processor time.

Run it on a quiet machine: `PYTHONPATH=src python tests/net/measure_admission.py`. Refused for its rate (before the
handshake), refused as blocked (after Noise), and let in, with identify and goodbye.
"""

import json
import subprocess
import sys
import time

import trio

from whatnext.errors import NetworkError
from whatnext.identity import Identity
from whatnext.net import NetConfig, Standing, open_network
from whatnext.net.config import PerIp

LISTEN = ("/ip4/127.0.0.1/tcp/0",)
ROUNDS = 200
ALL = PerIp(connections=1000, handshakes=1000, rate_per_s=1e6, burst=1_000_000)
NONE = PerIp(connections=1, handshakes=1, rate_per_s=0.001, burst=1)
CASES = {
    "refused for its rate": (NONE, Standing.STRANGER),
    "refused as blocked": (ALL, Standing.BLOCKED),
    "let in": (ALL, Standing.STRANGER),
}


async def dialled(case: str) -> None:
    per_ip, standing = CASES[case]
    config = NetConfig(listen=LISTEN, per_near_ip=per_ip)
    async with open_network(Identity.generate(), config, standing=lambda _: standing) as network:
        print(json.dumps([network.peer, network.addresses()]), flush=True)
        while await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            print(time.process_time(), flush=True)


def start(case: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, case], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


async def measure(case: str) -> None:
    process = start(case)
    peer, addresses = json.loads(process.stdout.readline())

    def spent() -> float:
        process.stdin.write("\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    async with open_network(Identity.generate(), NetConfig(listen=LISTEN)) as network:

        async def attempt() -> None:
            try:
                await network.dial(peer, addresses)
                await network.disconnect(peer)
            except NetworkError:
                pass  # refused, which is what is measured

        for _ in range(10):
            await attempt()
        before = spent()
        for _ in range(ROUNDS):
            await attempt()
        print(f"{case}: {1000 * (spent() - before) / ROUNDS:.2f} ms of processor")
    process.kill()
    process.wait()


async def main() -> None:
    for case in CASES:
        await measure(case)


if __name__ == "__main__":
    if sys.argv[1:]:
        trio.run(dialled, sys.argv[1])
    else:
        trio.run(main)
