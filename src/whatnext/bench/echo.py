"""A plain libp2p echo between two processes: what the link itself costs, with nothing of ours on top.

`python -m whatnext.bench.echo serve` says where it listens, on stdout; `… call ADDRESS COUNT BYTES` prints every
round trip in milliseconds as a JSON list. Both end when their standard input does.
"""

import json
import subprocess
import sys
import time

import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, Stream, open_network

PROTOCOL = "/whatnext/echo/1.0.0"
LISTEN = ("/ip4/127.0.0.1/tcp/0",)
WARM_UP = 50
PAUSE_S = 0.001


async def _echo(stream: Stream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


async def serve() -> None:
    """Echo until standard input ends."""
    async with open_network(Identity.generate(), NetConfig(listen=LISTEN), {PROTOCOL: _echo}) as network:
        sys.stdout.write(network.addresses()[0] + "\n")
        sys.stdout.flush()
        # libp2p brings trio-stubs, which describe an older trio
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)  # type: ignore[call-arg]


async def call(address: str, count: int, size: int) -> list[float]:
    """Milliseconds of each round trip of `size` bytes, after a warm-up."""
    async with open_network(Identity.generate(), NetConfig(listen=LISTEN)) as network:
        where, _, peer = address.rpartition("/p2p/")
        await network.dial(peer, [where])
        stream = await network.open_stream(peer, [PROTOCOL])
        data, took = bytes(size), []
        for _ in range(WARM_UP + count):
            began = time.perf_counter()
            await stream.send_all(data)
            left = size
            while left:
                left -= len(await stream.receive_some())
            took.append((time.perf_counter() - began) * 1000)
            await trio.sleep(PAUSE_S)
        return took[WARM_UP:]


def round_trips(count: int, size: int) -> list[float]:
    """Run both sides as processes of their own; milliseconds of each round trip."""
    module = [sys.executable, "-m", "whatnext.bench.echo"]
    with subprocess.Popen(
        [*module, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        caller = subprocess.run(
            [*module, "call", address, str(count), str(size)], stdout=subprocess.PIPE, text=True, check=True
        )
        server.communicate("")
    found: list[float] = json.loads(caller.stdout)
    return found


def main(arguments: list[str]) -> None:
    """Run one side."""
    if arguments[:1] == ["serve"]:
        trio.run(serve)
    else:
        address, count, size = arguments[1:]
        sys.stdout.write(json.dumps(trio.run(call, address, int(count), int(size))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
