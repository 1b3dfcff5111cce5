"""`bench relay`: what circuits cost the relay in memory and processor, and what the way through it costs its users.

The relay is a process of its own, all its users are in this one; a direct connection between two of them is measured
in the same run. Users listen nowhere, or hole punching would find the direct path on this machine.
"""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import msgspec
import psutil  # type: ignore[import-untyped]
import trio

from whatnext.bench.progress import say
from whatnext.errors import NetworkError, UserError
from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, Stream, open_network

PROTOCOL = "/whatnext/bench/1.0.0"
EDIT_BYTES = 450
"""One added track on the wire (design §11)."""
BULK_MIB = 32
EDIT_EVERY_S = 2.0
ROUND_TRIPS = 200
SETTLE_S = 2.0
_MIB = 1024 * 1024
_GENEROUS = """
[limits]
circuits = {circuits}
circuits_per_ip = {circuits}
reservations_per_ip = 512
requests_per_peer = 1000.0
requests_per_ip = 1000.0
circuit_bytes = 1099511627776
circuit_rate = 1073741824
peer_rate = 1073741824
ip_rate = 1073741824
total_rate = 1073741824
"""


class RelayReport(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory is the relay process's, in MB; `cpu_…` its processor time.

    `grew_mb` is from the first to the last look while the circuits talked, after a tenth of the time to warm up;
    `edits` went there and back, `lost` of them did not. `other_…` is the way through another relay, if one was named.
    """

    bench: str = "relay"
    clients: int
    circuits: int
    refused: int
    seconds: float
    rss_idle_mb: float
    rss_connected_mb: float
    rss_circuits_mb: float
    kb_per_client: float
    kb_per_circuit: float
    cpu_percent_idle_circuits: float
    edits: int
    lost: int
    edit_rtt_p50_ms: float
    edit_rtt_p99_ms: float
    cpu_ms_per_edit: float
    grew_mb: float
    relay_rtt_p50_ms: float
    direct_rtt_p50_ms: float
    other_rtt_p50_ms: float | None
    relay_mib_s: float
    direct_mib_s: float
    other_mib_s: float | None
    cpu_ms_per_mib: float


def measure(clients: int, circuits: int, seconds: float, other: str | None = None) -> RelayReport:
    """Connect so many clients, half of them waiting, open circuits, let all of them talk for so long.

    `other` is the address of another relay to compare with; its limits must allow `BULK_MIB`.
    """
    return trio.run(_measure, clients, circuits, seconds, other)


async def _measure(clients: int, circuits: int, seconds: float, other: str | None) -> RelayReport:
    with running_relay(circuits) as (process, address):
        watched = _Watched(process)
        crowd = await _crowd(address, watched, clients, circuits, seconds)
        await trio.sleep(SETTLE_S)  # the crowd's circuits have ended
        through, direct = await _through(address, watched), await _directly(address, watched)
        elsewhere = None if other is None else await _through(other, watched)
        return RelayReport(
            clients=clients,
            circuits=crowd.circuits,
            refused=crowd.refused,
            seconds=seconds,
            rss_idle_mb=round(crowd.idle, 2),
            rss_connected_mb=round(crowd.connected, 2),
            rss_circuits_mb=round(crowd.opened, 2),
            kb_per_client=round(1000 * (crowd.connected - crowd.idle) / clients, 1),
            kb_per_circuit=round(1000 * (crowd.opened - crowd.connected) / crowd.circuits, 1),
            cpu_percent_idle_circuits=round(crowd.quiet, 2),
            edits=len(crowd.took),
            lost=crowd.lost,
            edit_rtt_p50_ms=round(median(crowd.took), 3),
            edit_rtt_p99_ms=round(quantiles(crowd.took, n=100)[98], 3),
            cpu_ms_per_edit=round(1000 * crowd.cpu_s / len(crowd.took), 4),
            grew_mb=round(crowd.rss[-1] - crowd.rss[0], 2),
            relay_rtt_p50_ms=round(through.rtt_ms, 3),
            direct_rtt_p50_ms=round(direct.rtt_ms, 3),
            other_rtt_p50_ms=None if elsewhere is None else round(elsewhere.rtt_ms, 3),
            relay_mib_s=round(through.mib_s, 1),
            direct_mib_s=round(direct.mib_s, 1),
            other_mib_s=None if elsewhere is None else round(elsewhere.mib_s, 1),
            cpu_ms_per_mib=round(1000 * through.cpu_s / BULK_MIB, 2),
        )


class _Watched:
    """The relay's process as the system sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = psutil.Process(process.pid)

    def rss_mb(self) -> float:
        return float(self._process.memory_info().rss) / 1e6

    def cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


class _Crowd:
    """What many users did together, and what they cost."""

    def __init__(self, idle: float) -> None:
        self.idle = idle
        self.connected = self.opened = self.quiet = self.cpu_s = 0.0
        self.circuits = self.refused = self.lost = 0
        self.took: list[float] = []
        self.rss: list[float] = []


class _Way(msgspec.Struct):
    """One way between two users."""

    rtt_ms: float
    mib_s: float
    cpu_s: float


@contextmanager
def running_relay(circuits: int) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A relay in a process of its own that allows so many circuits and any bandwidth; and its address."""
    with TemporaryDirectory(prefix="whatnext-bench-") as top:
        config = Path(top) / "relay.toml"
        config.write_text(_GENEROUS.format(circuits=circuits), "utf-8")
        words = ["--json", "--profile", f"{top}/relay", "--config", str(config), "--ops-port", "0"]
        listen = ["--listen", "/ip4/127.0.0.1/tcp/0", "--log-level", "error"]
        with subprocess.Popen(
            [sys.executable, "-m", "whatnext", "relay", *words, *listen], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                yield process, msgspec.json.decode(process.stdout.readline())["addresses"][0]
            finally:
                process.kill()


@asynccontextmanager
async def _user(relay: str, listen: tuple[str, ...] = ()) -> AsyncIterator[Network]:
    # A hundred users in one process: on a busy machine their pings would wait longer than a user's may.
    config = NetConfig(listen=listen, heartbeat_s=30, heartbeat_timeout_s=60)
    async with open_network(Identity.generate(), config, {PROTOCOL: echo}) as network:
        where, _, peer = relay.rpartition("/p2p/")
        await network.dial(peer, [where])
        yield network


async def echo(stream: Stream) -> None:
    """Send back what comes until it ends."""
    while data := await stream.receive_some():
        await stream.send_all(data)


async def _crowd(address: str, watched: _Watched, clients: int, circuits: int, seconds: float) -> _Crowd:
    crowd = _Crowd(watched.rss_mb())
    async with AsyncExitStack() as stack:
        users = [await stack.enter_async_context(_user(address)) for _ in range(clients)]
        waiting, calling = users[::2], users[1::2]
        for each in waiting:
            await each.circuits.reserve(address.rpartition("/")[2], [address])
        await trio.sleep(SETTLE_S)
        crowd.connected = watched.rss_mb()
        say(f"{clients} clients: {crowd.idle:.1f} MB before, {crowd.connected:.1f} MB with them")
        streams = await _circuits(waiting, calling, address, circuits, crowd)
        used = watched.cpu_s()
        await trio.sleep(SETTLE_S)
        crowd.quiet = 100 * (watched.cpu_s() - used) / SETTLE_S
        crowd.opened, crowd.circuits = watched.rss_mb(), len(streams)
        say(f"{len(streams)} circuits: {crowd.opened:.1f} MB, {crowd.refused} refused")
        await _talk(streams, seconds, watched, crowd)
    if len(crowd.took) < 2:
        raise UserError(
            f"{len(crowd.took)} edits came back in {seconds:g} s, too few to measure: more --seconds"
        )
    return crowd


async def _circuits(
    waiting: list[Network], calling: list[Network], relay: str, wanted: int, crowd: _Crowd
) -> list[Stream]:
    """Streams over circuits; each caller asks for one more at the end, which the relay is to refuse."""
    streams: list[Stream] = []
    for number in range(wanted + len(calling)):
        caller = calling[number % len(calling)]
        target = waiting[(number + number // len(calling)) % len(waiting)]
        try:
            await caller.dial(target.peer, [f"{relay}/p2p-circuit"])
        except NetworkError:
            crowd.refused += 1
            continue
        streams.append(await caller.open_stream(target.peer, [PROTOCOL]))
    return streams


async def _talk(streams: list[Stream], seconds: float, watched: _Watched, crowd: _Crowd) -> None:
    """Every circuit sends an edit every `EDIT_EVERY_S` and waits for its echo."""
    used, end = watched.cpu_s(), trio.current_time() + seconds
    async with trio.open_nursery() as nursery:
        for number, stream in enumerate(streams):
            nursery.start_soon(_edits, stream, end, EDIT_EVERY_S * number / len(streams), crowd)
        await trio.sleep(seconds / 10)
        while trio.current_time() < end:
            crowd.rss.append(watched.rss_mb())
            await trio.sleep(min(10.0, seconds / 10))
            say(f"{len(crowd.took)} edits, {crowd.rss[-1]:.1f} MB")
    crowd.rss.append(watched.rss_mb())
    crowd.cpu_s = watched.cpu_s() - used


async def _edits(stream: Stream, end: float, delay: float, crowd: _Crowd) -> None:
    await trio.sleep(delay)
    data = bytes(EDIT_BYTES)
    while (began := trio.current_time()) < end:
        try:
            await there_and_back(stream, data)
        except NetworkError:
            crowd.lost += 1
            return
        crowd.took.append(1000 * (trio.current_time() - began))
        await trio.sleep(max(0.0, began + EDIT_EVERY_S - trio.current_time()))


async def there_and_back(stream: Stream, data: bytes) -> None:
    """Send and read as much back; raises `NetworkError` when that does not come."""
    await stream.send_all(data)
    left = len(data)
    while left:
        part = await stream.receive_some(left)
        if not part:
            raise NetworkError("the echo ended")
        left -= len(part)


async def _through(relay: str, watched: _Watched) -> _Way:
    """A fresh pair of users, by a relay."""
    async with _user(relay) as anna, _user(relay) as ben:
        await anna.circuits.reserve(relay.rpartition("/")[2], [relay])
        await ben.dial(anna.peer, [f"{relay}/p2p-circuit"])
        return await _way(ben, anna.peer, watched)


async def _directly(relay: str, watched: _Watched) -> _Way:
    """Another pair, without it."""
    async with _user(relay, ("/ip4/127.0.0.1/tcp/0",)) as anna, _user(relay) as ben:
        await ben.dial(anna.peer, anna.addresses())
        return await _way(ben, anna.peer, watched)


async def _way(caller: Network, target: str, watched: _Watched) -> _Way:
    stream = await caller.open_stream(target, [PROTOCOL])
    took = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        await there_and_back(stream, bytes(EDIT_BYTES))
        took.append(1000 * (time.perf_counter() - began))
    used, began = watched.cpu_s(), time.perf_counter()
    for _ in range(BULK_MIB // 2):  # there and back: both count
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, bytes(_MIB))
            left = _MIB
            while left:
                left -= len(await stream.receive_some(left))
    seconds = time.perf_counter() - began
    return _Way(median(took), BULK_MIB / seconds, watched.cpu_s() - used)
