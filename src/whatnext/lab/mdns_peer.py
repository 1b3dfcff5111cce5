"""A node that does nothing but mDNS: `python -m whatnext.lab.mdns_peer NAME`, for tests and experiments.

Says `ready` when everything is loaded, begins at the first line on stdin, prints each event as a line of JSON with
its time (`CLOCK_MONOTONIC`, which all processes of a machine share), refreshes at each further line, and leaves
politely when stdin ends. The key is made from NAME.
"""

import hashlib
import sys
import time
from collections.abc import AsyncIterator

import msgspec
import trio

from whatnext.identity import Identity
from whatnext.net.addresses import announced, interface_ips
from whatnext.net.mdns import Event, open_mdns

LISTENING = ("/ip4/0.0.0.0/tcp/4001", "/ip4/0.0.0.0/tcp/4002/ws")


class Line(msgspec.Struct):
    """What was printed. `event` is Found, Quiet, Lost, or Open when discovery runs; `at` in monotonic seconds."""

    at: float
    event: str
    peer: str
    addresses: tuple[str, ...] = ()
    whatnext: bool = False


def identity_of(name: str) -> Identity:
    """The key of the node with this name."""
    return Identity(hashlib.sha256(name.encode()).digest())


async def main(name: str) -> None:
    """Run until stdin ends."""
    import whatnext.net.mdns.responder  # noqa: F401 - loaded before the clock runs

    own = identity_of(name).peer_id
    commands = _lines()
    print("ready", flush=True)  # noqa: T201
    if not await anext(commands, ""):
        return
    async with open_mdns(own, _addresses, _tell) as mdns:
        _say(Line(time.monotonic(), "Open", own))
        async for _ in commands:
            mdns.refresh()


def _addresses() -> list[str]:
    return announced(LISTENING, interface_ips())


def _tell(event: Event) -> None:
    addresses, whatnext = getattr(event, "addresses", ()), getattr(event, "whatnext", False)
    _say(Line(time.monotonic(), type(event).__name__, event.peer, addresses, whatnext))


def _say(line: Line) -> None:
    print(msgspec.json.encode(line).decode(), flush=True)  # noqa: T201


async def _lines() -> AsyncIterator[str]:
    stdin = trio.lowlevel.FdStream(0)
    rest = b""
    async for data in stdin:
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line.decode()


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
