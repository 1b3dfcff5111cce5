"""Devices and cables in one trio nursery: connect, cut, wait until something holds."""

import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio
from device import Device
from wires import Cable, End, Wire

from whatnext.sync.events import LinkEnded


class Network:
    """`seed` decides every key, id, nonce and cut."""

    def __init__(self, nursery: trio.Nursery, seed: int) -> None:
        self.rng = random.Random(seed)
        self.seed = seed
        self.devices: list[Device] = []
        self.cables: list[Cable] = []
        self.ended: list[tuple[str, LinkEnded]] = []
        self._nursery = nursery

    def device(self, name: str, skew_ms: int = 0) -> Device:
        device = Device(name, self.seed, skew_ms)
        self.devices.append(device)
        return device

    def trio_of(self, *names: str) -> list[Device]:
        return [self.device(name) for name in names]

    def connect(
        self,
        a: Device,
        b: Device,
        *,
        latency: float = 0.001,
        rate: float = math.inf,
        window: int = 64 * 1024,
        cut_after: float = math.inf,
    ) -> Cable:
        cable = Cable(
            a.peer,
            b.peer,
            Wire(latency, rate, window, cut_after),
            Wire(latency, rate, window),
        )
        self.cables.append(cable)
        self.plug(a, cable, cable.a_end)
        self.plug(b, cable, cable.b_end)
        return cable

    def plug(self, device: Device, cable: Cable, end: End) -> None:
        cable.plugged += 1
        self._nursery.start_soon(self._attach, device, cable, end)

    async def _attach(self, device: Device, cable: Cable, end: End) -> None:
        ended = await device.hub.attach(end)
        self.ended.append((device.name, ended))
        cable.plugged -= 1

    async def over(self, cable: Cable) -> None:
        """Wait until the hubs at both ends have let go of the cable."""
        await self.until(lambda: cable.plugged == 0, within=300)

    def spawn(self, task, *args) -> None:
        self._nursery.start_soon(task, *args)

    async def until(self, condition: Callable[[], object], within: float = 120.0) -> None:
        """Wait (in mock time) until the condition holds; fail with the state of all links if it never does."""
        with trio.move_on_after(within):
            while not condition():  # noqa: ASYNC110 # mock time; a condition over many devices has no event
                await trio.sleep(0.01)
        assert condition(), self.report()

    async def in_sync(self, playlist: bytes, *devices: Device, within: float = 120.0) -> None:
        await self.until(lambda: self.equal(playlist, *devices), within)

    def equal(self, playlist: bytes, *devices: Device) -> bool:
        """Same heads everywhere, and every link of these devices that shares the playlist says so."""
        chosen = devices or tuple(self.devices)
        if not self.equal_heads(playlist, *chosen):
            return False
        if any(d.documents(playlist) != chosen[0].documents(playlist) for d in chosen[1:]):
            return False
        shares = [
            device.share(other, playlist) for device in chosen for other in chosen if device is not other
        ]
        return all(share.state == "in sync" for share in shares if share is not None)

    def equal_heads(self, playlist: bytes, *devices: Device) -> bool:
        first = dict(devices[0].library.heads(playlist))
        return bool(first) and all(dict(d.library.heads(playlist)) == first for d in devices)

    def report(self) -> str:
        lines = []
        names = {device.peer: device.name for device in self.devices}
        for device in self.devices:
            for link in device.hub.status():
                shown = [
                    f"{p.state} out={p.pending_out} in={p.pending_in} refused={p.refused}"
                    for p in link.playlists
                ]
                lines.append(f"{device.name} → {names.get(link.peer)}: {link.phase} {shown}")
        return "\n".join([*lines, *(f"{name}: {ended.code} {ended.reason}" for name, ended in self.ended)])


@asynccontextmanager
async def network(seed: int = 1) -> AsyncIterator[Network]:
    """A network whose links all end with the block."""
    async with trio.open_nursery() as nursery:
        net = Network(nursery, seed)
        yield net
        nursery.cancel_scope.cancel()
    for device in net.devices:
        device.library.close()
