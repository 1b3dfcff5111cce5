"""Each transport between two processes: dialling, opening a stream, echo of 300 bytes, bytes one way, memory.

One JSON line each. Run it on a quiet machine: `PYTHONPATH=src python tests/net/measure_transports.py`. With a
round-trip time, a loss or a rate the two stand in hosts of the lab, as root: `--rtt-ms 20 --loss 0.01 --rate-mbit 10`.
"""

import argparse
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import psutil
import trio

from whatnext.identity import Identity
from whatnext.lab import Lab, Quality
from whatnext.net import NetConfig, Network, open_network

LISTEN = {
    "tcp": "/ip4/{}/tcp/0",
    "tcp, mplex": "/ip4/{}/tcp/0",
    "ws": "/ip4/{}/tcp/0/ws",
    "quic-v1": "/ip4/{}/udp/0/quic-v1",
    "webrtc-direct": "/ip4/{}/udp/0/webrtc-direct",
}
ECHO, LATE = "/test/echo/1.0.0", "/test/late/1.0.0"
DIALS, SIZE = 11, 300
MIB = 1024 * 1024


def ms_since(began: float) -> float:
    return 1000 * (time.perf_counter() - began)


async def dials(network: Network, peer: str, addresses: list[str]) -> dict[str, float]:
    dialled, opened = [], []
    for last in range(DIALS - 1, -1, -1):
        began = time.perf_counter()
        await network.dial(peer, addresses)
        dialled.append(ms_since(began))
        began = time.perf_counter()
        async with await network.open_stream(peer, [ECHO]):
            opened.append(ms_since(began))
        if last:
            await network.disconnect(peer)
    return {"dial_ms": round(median(dialled), 1), "open_ms": round(median(opened), 1)}


async def echoes(network: Network, peer: str, rounds: int) -> dict[str, float]:
    times = []
    async with await network.open_stream(peer, [ECHO]) as stream:
        for _ in range(rounds):
            began = time.perf_counter()
            await stream.send_all(b"x" * SIZE)
            left = SIZE
            while left:
                left -= len(await stream.receive_some())
            times.append(ms_since(began))
    times.sort()
    return {"p50_ms": round(median(times), 2), "p99_ms": round(times[-rounds // 100], 2)}


async def measured(asked: argparse.Namespace) -> None:
    """One transport. The other process's words come on stdin."""
    told = json.loads(sys.stdin.readline())
    listen = LISTEN[asked.only].format(asked.here)
    async with open_network(Identity.generate(), NetConfig(listen=(listen,))) as network:
        row = await dials(network, told["peer"], told["addresses"])
        row |= await echoes(network, told["peer"], asked.rounds)
        stream = await network.open_stream(told["peer"], [LATE])
        size = round(asked.bulk_mb * 1e6)
        began = time.perf_counter()
        await stream.send_all(bytes(size))
        await stream.close()
        arrived = json.loads(await trio.to_thread.run_sync(sys.stdin.readline))
        speed = size / 1e6 / (time.perf_counter() - began)
        assert arrived["count"] == size
        row |= {"mb_per_s": round(speed, 2), "rss_mib": round(psutil.Process().memory_info().rss / MIB)}
    print(json.dumps({"what": asked.only, **row}), flush=True)


def in_two_processes(asked: argparse.Namespace, name: str) -> None:
    """A process each, so that memory is each one's own; in hosts of the lab when the network is to be bad."""
    quality = Quality(
        delay_s=asked.rtt_ms / 4000,  # a frame passes two links, there and back
        loss=asked.loss / 2,
        rate_bit_s=asked.rate_mbit * 1e6 if asked.rate_mbit else None,
    )
    places, start = ["127.0.0.1"] * 2, [subprocess.Popen] * 2
    words = [
        [sys.executable, str(Path(__file__).with_name("transport_process.py"))],
        [sys.executable, __file__],
    ]
    with ExitStack() as stack:
        if quality != Quality():
            lab = stack.enter_context(Lab())
            lan, hosts = lab.lan("between"), [lab.host("there"), lab.host("here")]
            for seed, host in enumerate(hosts):
                lan.attach(host, quality, seed=seed)
            places, start = [host.address for host in hosts], [host.popen for host in hosts]
        words[0] += [LISTEN[name].format(places[0]), "0"]
        words[1] += [
            "--only",
            name,
            "--here",
            places[1],
            f"--rounds={asked.rounds}",
            f"--bulk-mb={asked.bulk_mb}",
        ]
        server = start[0](words[0], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        caller = start[1](words[1], stdin=server.stdout)
        try:
            if caller.wait():
                raise SystemExit(f"{name} failed")
        finally:
            caller.kill()
            server.kill()
            server.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rtt-ms", type=float, default=0.0)
    parser.add_argument("--loss", type=float, default=0.0, help="0.01 is 1 %% each way")
    parser.add_argument("--rate-mbit", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--bulk-mb", type=float, default=16.0)
    parser.add_argument("--only", choices=LISTEN)
    parser.add_argument("--here", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here is None:
        for name in [asked.only] if asked.only else LISTEN:
            in_two_processes(asked, name)
        return
    if "mplex" in asked.only:
        from whatnext.net import muxers

        muxers.YAMUX = "/nobody/has/this"
    trio.run(measured, asked)


if __name__ == "__main__":
    main()
