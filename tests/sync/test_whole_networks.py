"""Whole networks from a seed: any topology that is connected in the end makes all devices equal."""

import itertools

import pytest
import trio
from device import Device
from network import Network, network

from whatnext.sync.discipline import OffenceKind
from whatnext.sync.events import Offence


async def members(net: Network, count: int, entries: int = 3) -> tuple[bytes, list[Device]]:
    """An owner and members that all know each other's admission; nobody is linked afterwards."""
    devices = [
        net.device(f"d{number}", skew_ms=net.rng.randrange(-30_000, 30_000)) for number in range(count)
    ]
    playlist = devices[0].create(entries=entries)
    key = devices[0].invite(playlist)
    for device in devices[1:]:
        device.join(playlist, key)
        cable = net.connect(devices[0], device)
        await net.in_sync(playlist, devices[0], device)
        cable.cut()
        await net.over(cable)
    return playlist, devices


@pytest.mark.parametrize("count", [3, 6, 10])
@pytest.mark.parametrize("shape", ["line", "ring", "mesh"])
async def test_every_edit_reaches_every_device(autojump_clock, shape, count):
    async with network() as net:
        playlist, devices = await members(net, count)
        pairs = list(itertools.pairwise(devices))
        if shape == "ring":
            pairs.append((devices[-1], devices[0]))
        if shape == "mesh":
            pairs = list(itertools.combinations(devices, 2))
        for a, b in pairs:
            net.connect(a, b, latency=net.rng.uniform(0.001, 0.05))
        for number in range(10):
            for device in devices:
                device.add(playlist, f"{device.name} {number}")
            await trio.sleep(0.02)
        await net.in_sync(playlist)
        assert len(devices[0].titles(playlist)) == 3 + 10 * count
        assert not any(device.happened(Offence) for device in devices)


async def test_a_partition_that_heals_brings_both_sides_edits_together(autojump_clock):
    async with network() as net:
        playlist, devices = await members(net, 6)
        left, right = devices[:3], devices[3:]
        for side in (left, right):
            for a, b in itertools.combinations(side, 2):
                net.connect(a, b)
        bridge = net.connect(left[0], right[0])
        await net.in_sync(playlist)
        bridge.cut()
        for device in devices:
            device.add(playlist, device.name)
        await net.in_sync(playlist, *left)
        await net.in_sync(playlist, *right)
        assert left[0].titles(playlist) != right[0].titles(playlist)
        net.connect(left[1], right[2])
        await net.in_sync(playlist)
        assert {device.name for device in devices} <= set(left[0].titles(playlist))


async def random_life(net: Network, steps: int) -> tuple[bytes, list[Device]]:
    """Edits, links, cuts, joins and removals in random order."""
    rng = net.rng
    count = rng.randrange(2, 7)
    owner = net.device("owner")
    playlist = owner.create(entries=rng.randrange(5))
    keys = [owner.invite(playlist, role) for role in ("editor", "viewer", "editor")]
    others = [net.device(f"d{number}", skew_ms=rng.randrange(-20_000, 20_000)) for number in range(1, count)]
    for device in others:
        device.join(playlist, rng.choice(keys))
    devices = [owner, *others]
    for _ in range(steps):
        a, b = rng.sample(devices, 2)
        act = rng.random()
        if act < 0.30:
            cut_after = rng.choice([float("inf"), rng.randrange(1, 20_000)])
            net.connect(
                a, b, latency=rng.uniform(0.001, 0.3), cut_after=cut_after, rate=rng.choice([20_000, 1e6])
            )
        elif act < 0.45 and net.cables:
            net.cables[rng.randrange(len(net.cables))].cut()
        elif act < 0.80 and a.library.standing(playlist, a.peer) in ("owner", "editor"):
            a.add(playlist)
        elif act < 0.85 and a is not owner and owner.library.standing(playlist, a.peer):
            owner.set_role(playlist, a, rng.choice(["editor", "viewer"]))
        elif act < 0.88:
            owner.revoke(playlist, keys[2], [d for d in others if rng.random() < 0.7])
        await trio.sleep(rng.choice([0, 0.001, 0.05, 1.0]))
    return playlist, devices


def connect_all(net: Network, devices: list[Device]) -> None:
    """A random tree and some more links, one per pair."""
    shuffled = net.rng.sample(devices, len(devices))
    pairs = {(device, shuffled[net.rng.randrange(index)]) for index, device in enumerate(shuffled[1:], 1)}
    for _ in range(2):
        a, b = net.rng.sample(devices, 2)
        if (b, a) not in pairs:
            pairs.add((a, b))
    for a, b in sorted(pairs, key=lambda pair: (pair[0].name, pair[1].name)):
        net.connect(a, b, latency=0.01)


@pytest.mark.parametrize("seed", range(30))
async def test_any_network_that_is_connected_in_the_end_becomes_equal(autojump_clock, seed):
    async with network(seed) as net:
        playlist, devices = await random_life(net, steps=60)
        for cable in net.cables:
            cable.cut()
        for cable in net.cables:
            await net.over(cable)
        owner = devices[0]
        connect_all(net, devices)
        await trio.sleep(20)
        # Whoever lost its place by a revoked invite gets nothing more; everybody else is equal.
        inside = [d for d in devices if owner.library.standing(playlist, d.peer) not in (None, "removed")]
        if len(inside) == len(devices):
            await net.in_sync(playlist, *inside)
        else:
            for device in inside[1:]:
                cable = net.connect(owner, device)
            await net.until(lambda: net.equal_heads(playlist, *inside))
        kinds = {event.kind for device in devices for event in device.happened(Offence)}
        assert kinds <= {OffenceKind.NO_RIGHT, OffenceKind.REWIND}, "nobody here lies"
        assert not {ended.code for _, ended in net.ended} & {"offence", "blocked", "protocol_violation"}
