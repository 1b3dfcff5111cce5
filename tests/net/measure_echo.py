"""Echo between two processes, 300 bytes at a time and 32 MB at once: our network, and py-libp2p as it comes.

One JSON line each. Run it on a quiet machine: `PYTHONPATH=src python tests/net/measure_echo.py`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network

ECHO = "/test/echo/1.0.0"
ROUNDS, SIZE = 2000, 300
PIECE, BULK = 65536, 32 * 1024 * 1024


async def rounds(
    name: str, send: Callable[[bytes], Awaitable[None]], receive: Callable[[], Awaitable[bytes]]
) -> None:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await send(b"x" * SIZE)
        left = SIZE
        while left:
            left -= len(await receive())
        times.append(1000 * (time.perf_counter() - began))
    times.sort()
    began = time.perf_counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bulk, send)
        left = BULK
        while left:
            left -= len(await receive())
    speed = BULK / 1e6 / (time.perf_counter() - began)
    told = {"what": name, "p50_ms": round(median(times), 3), "p99_ms": round(times[-ROUNDS // 100], 3)}
    print(json.dumps({**told, "mb_per_s": round(speed)}))


async def bulk(send: Callable[[bytes], Awaitable[None]]) -> None:
    for _ in range(BULK // PIECE):
        await send(bytes(PIECE))


def start(*arguments: str) -> tuple["subprocess.Popen[str]", str]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline()


async def ours() -> None:
    process, line = start(str(Path(__file__).with_name("peer_process.py")))
    told = json.loads(line)
    async with open_network(Identity.generate(), NetConfig(listen=())) as network:
        for transport in ("tcp", "ws"):
            await network.dial(
                told["peer"], [a for a in told["addresses"] if ("/ws" in a) == (transport == "ws")]
            )
            stream = await network.open_stream(told["peer"], [ECHO])
            await rounds(f"WhatNext over {transport}", stream.send_all, stream.receive_some)
            await network.disconnect(told["peer"])
    process.kill()


async def stock() -> None:
    from libp2p import new_host
    from libp2p.peer.peerinfo import info_from_p2p_addr
    from multiaddr import Multiaddr

    process, line = start(__file__, "serve")
    host = new_host()
    async with host.run([]):
        there = info_from_p2p_addr(Multiaddr(line.strip()))
        await host.connect(there)
        stream = await host.new_stream(there.peer_id, [ECHO])
        await rounds("stock py-libp2p over tcp", stream.write, lambda: stream.read(65536))
        process.kill()
        await host.close()


async def serve() -> None:
    from libp2p import new_host
    from multiaddr import Multiaddr

    async def echo(stream):
        while data := await stream.read(65536):
            await stream.write(data)

    listen = [Multiaddr("/ip4/127.0.0.1/tcp/0")]
    host = new_host(listen_addrs=listen)
    host.set_stream_handler(ECHO, echo)
    async with host.run(listen):
        print(host.get_addrs()[0], flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        trio.run(serve)
    else:
        trio.run(ours)
        trio.run(stock)
