"""`bench relay-hour`: what a user of a relay costs its line in an hour: waiting, connected through it, editing.

Bytes are counted on the loopback interface, headers and acknowledgements included, so nothing else may use it
meanwhile: run it in a network namespace, `unshare --net sh -c "ip link set lo up; whatnext bench relay-hour"`.
Users have a node's own settings: their pings and renewed reservations are what is measured.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import psutil  # type: ignore[import-untyped]
import trio

from whatnext.bench.progress import say
from whatnext.bench.relay import EDIT_BYTES, PROTOCOL, echo, running_relay, there_and_back
from whatnext.errors import LocalError
from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, open_network

_HOUR_S = 3600.0
_SETTLE_S = 5.0
_STRAY_BYTES = 1000
"""More than this in a silent second, and something else uses the interface."""


class HourReport(msgspec.Struct, frozen=True, kw_only=True):
    """Kilobytes (1,000 bytes) on the relay's line, both directions together.

    `waiting` is a user with a reservation that nobody calls; `circuit` what a silent circuit adds, with both of its
    users; `edit` is 450 bytes through a circuit and their echo, in bytes.
    """

    bench: str = "relay-hour"
    users: int
    circuits: int
    seconds: float
    waiting_kb_h: float
    circuit_kb_h: float
    edit_bytes: float


def measure(users: int, seconds: float) -> HourReport:
    """Let so many users wait, then half of them call the other half, each for so long."""
    return trio.run(_measure, users, seconds)


async def _measure(users: int, seconds: float) -> HourReport:
    await _alone()
    pairs = users // 2
    with running_relay(pairs) as (_, address):
        async with AsyncExitStack() as stack:
            everybody = [await stack.enter_async_context(_user(address)) for _ in range(2 * pairs)]
            while not all(user.circuits.addresses() for user in everybody):  # noqa: ASYNC110 - for a moment
                await trio.sleep(0.1)
            await trio.sleep(_SETTLE_S)
            waiting = await _during(seconds) / len(everybody)
            say(f"waiting: {waiting * _HOUR_S / 1000:.0f} kB an hour and user")
            streams = []
            for called, caller in zip(everybody[::2], everybody[1::2], strict=True):
                await caller.dial(called.peer, [f"{address}/p2p-circuit"])
                streams.append(await caller.open_stream(called.peer, [PROTOCOL]))
            await trio.sleep(_SETTLE_S)
            silent = await _during(seconds)
            circuit = silent / pairs - 2 * waiting
            say(f"connected: {circuit * _HOUR_S / 1000:.0f} kB an hour and circuit")
            before, edits = _counted(), 20
            started = trio.current_time()
            for stream in streams:
                for _ in range(edits):
                    await there_and_back(stream, bytes(EDIT_BYTES))
            took = trio.current_time() - started
            edit = (_counted() - before - silent * took) / (edits * pairs)
    return HourReport(
        users=len(everybody),
        circuits=pairs,
        seconds=seconds,
        waiting_kb_h=round(waiting * _HOUR_S / 1000, 1),
        circuit_kb_h=round(circuit * _HOUR_S / 1000, 1),
        edit_bytes=round(edit, 1),
    )


@asynccontextmanager
async def _user(relay: str) -> AsyncIterator[Network]:
    """One with a node's own settings, which listens nowhere: a direct path would be found at once on this machine."""
    async with open_network(Identity.generate(), NetConfig(listen=()), {PROTOCOL: echo}) as network:
        network.relays.use([relay])
        yield network


async def _alone() -> None:
    """Raises `LocalError` when the loopback interface is in use."""
    before = _counted()
    await trio.sleep(1.0)
    if _counted() - before > _STRAY_BYTES:
        raise LocalError(
            "something else uses the loopback interface: run this in a network namespace of its own,"
            ' unshare --net sh -c "ip link set lo up; whatnext bench relay-hour"'
        )


async def _during(seconds: float) -> float:
    """Bytes a second on the line."""
    before, started = _counted(), trio.current_time()
    await trio.sleep(seconds)
    return (_counted() - before) / (trio.current_time() - started)


def _counted() -> int:
    """Bytes that went over loopback: each packet once."""
    return int(psutil.net_io_counters(pernic=True)["lo"].bytes_sent)
