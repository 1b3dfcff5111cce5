"""Each transport between two processes: dialling, opening a stream, echo of 300 bytes, 16 MB one way, memory.

One JSON line each. Run it on a quiet machine: `PYTHONPATH=src python tests/net/measure_transports.py`.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import psutil
import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, open_network

LISTEN = {
    "tcp": "/ip4/127.0.0.1/tcp/0",
    "tcp, mplex": "/ip4/127.0.0.1/tcp/0",
    "ws": "/ip4/127.0.0.1/tcp/0/ws",
    "quic-v1": "/ip4/127.0.0.1/udp/0/quic-v1",
    "webrtc-direct": "/ip4/127.0.0.1/udp/0/webrtc-direct",
}
ECHO, LATE = "/test/echo/1.0.0", "/test/late/1.0.0"
DIALS, ROUNDS, SIZE, BULK = 11, 1000, 300, 16_000_000
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


async def echoes(network: Network, peer: str) -> dict[str, float]:
    times = []
    async with await network.open_stream(peer, [ECHO]) as stream:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await stream.send_all(b"x" * SIZE)
            left = SIZE
            while left:
                left -= len(await stream.receive_some())
            times.append(ms_since(began))
    times.sort()
    return {"p50_ms": round(median(times), 2), "p99_ms": round(times[-ROUNDS // 100], 2)}


async def measured(name: str, process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    async with open_network(Identity.generate(), NetConfig(listen=(LISTEN[name],))) as network:
        row = await dials(network, told["peer"], told["addresses"])
        row |= await echoes(network, told["peer"])
        stream = await network.open_stream(told["peer"], [LATE])
        began = time.perf_counter()
        await stream.send_all(bytes(BULK))
        await stream.close()
        arrived = json.loads(await trio.to_thread.run_sync(process.stdout.readline))
        speed = BULK / 1e6 / (time.perf_counter() - began)
        assert arrived["count"] == BULK
        row |= {"mb_per_s": round(speed, 1), "rss_mib": round(psutil.Process().memory_info().rss / MIB)}
    print(json.dumps({"what": name, **row}), flush=True)


def main() -> None:
    if len(sys.argv) == 1:  # a process each, so that memory is each one's own
        for name in LISTEN:
            subprocess.run([sys.executable, __file__, name], check=True)
        return
    if "mplex" in sys.argv[1]:
        from whatnext.net import muxers

        muxers.YAMUX = "/nobody/has/this"
    name = sys.argv[1]
    words = [sys.executable, str(Path(__file__).with_name("transport_process.py")), LISTEN[name], "0"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        trio.run(measured, name, process)
    finally:
        process.kill()


if __name__ == "__main__":
    main()
