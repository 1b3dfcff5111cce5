"""A peer in its own process, for the tests: says where it is on stdout, echoes and drains until stdin ends."""

import json
import sys

import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, Stream, open_network


async def echo(stream: Stream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


async def main() -> None:
    config = NetConfig(listen=("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"))
    async with open_network(Identity.generate(), config, {"/test/echo/1.0.0": echo}) as network:
        print(json.dumps({"peer": network.peer, "addresses": network.addresses()}), flush=True)
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


trio.run(main)
