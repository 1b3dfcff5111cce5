"""A peer in its own process for the tests of transports: listens where it is told, reads what it is told to, late.

Arguments: the multiaddr to listen on, and how many seconds its reader pauses before it reads. It says on stdout where
it is, then for each stream how many bytes came and their SHA-256.
"""

import hashlib
import json
import sys

import trio

from whatnext.identity import Identity
from whatnext.net import NetConfig, Stream, open_network


async def echo(stream: Stream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


async def late(stream: Stream) -> None:
    await trio.sleep(float(sys.argv[2]))
    count, digest = 0, hashlib.sha256()
    while data := await stream.receive_some():
        count += len(data)
        digest.update(data)
    print(json.dumps({"count": count, "sha256": digest.hexdigest()}), flush=True)


async def main() -> None:
    handlers = {"/test/echo/1.0.0": echo, "/test/late/1.0.0": late}
    async with open_network(Identity.generate(), NetConfig(listen=(sys.argv[1],)), handlers) as network:
        print(json.dumps({"peer": network.peer, "addresses": network.addresses()}), flush=True)
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


trio.run(main)
