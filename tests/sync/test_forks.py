"""A device that signs two records with one number: the proof spreads, and the log ends everywhere alike."""

from types import SimpleNamespace

from network import network
from raw import Raw

from whatnext.identity import Identity
from whatnext.sync.frames import Ack, Heads


async def liar_in(net, *devices, length):
    """A member that tells the first device one history and the second another; they differ from record `length` on."""
    playlist = devices[0].create()
    liars = []
    for device in devices[1:]:
        device.join(playlist, devices[0].invite(playlist))
        cable = net.connect(devices[0], device)
        await net.in_sync(playlist, devices[0], device)
        cable.cut()
        await net.over(cable)
    identity = Identity(net.rng.randbytes(32))
    liar = SimpleNamespace(identity=identity, peer=identity.peer_id)
    devices[0].set_role(playlist, liar, "editor")
    records = devices[0].library.missing(playlist, {}, max_records=999, max_bytes=1 << 20)
    for device in devices[1:]:
        device.library.receive(playlist, records)
    common = []
    for device in devices[:2]:
        hand = Raw(net, device, liar.identity)
        liars.append(hand)
        hand.written = list(common)
        await hand.share(playlist)
        while len(hand.written) < length - 1:
            hand.sign(playlist, [device.entry(f"common {len(hand.written)}")])
        common = list(hand.written)
        for number in range(20):
            hand.sign(playlist, [device.entry(f"{device.name} {number}")])
        for start in range(0, len(hand.written), 50):
            await hand.give(*hand.written[start : start + 50])
            assert (await hand.expect(Ack)).refused == []
        hand.cable.cut()
        await net.over(hand.cable)
    return playlist, liar


async def test_a_fork_is_found_when_its_two_ends_meet_and_a_third_hears_the_proof(autojump_clock):
    async with network() as net:
        anna, ben, cleo = net.trio_of("anna", "ben", "cleo")
        playlist, liar = await liar_in(net, anna, ben, cleo, length=1)
        net.connect(ben, cleo)
        await net.in_sync(playlist, ben, cleo)
        net.connect(anna, ben)
        await net.in_sync(playlist)
        heads = {
            log: head
            for log, head in cleo.library.heads(playlist).items()
            if log.author == liar.identity.public_key
        }
        assert [head.fork_at for head in heads.values()] == [1]
        assert [head.seq for head in heads.values()] == [0]


async def test_a_fork_far_down_a_long_log_is_found_step_by_step(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist, liar = await liar_in(net, anna, ben, length=150)
        net.connect(anna, ben)
        await net.in_sync(playlist)
        heads = [
            h for log, h in ben.library.heads(playlist).items() if log.author == liar.identity.public_key
        ]
        assert [(head.seq, head.fork_at) for head in heads] == [(149, 150)]
        assert len(ben.titles(playlist)) == 149


async def test_a_device_that_heard_of_the_fork_before_its_records_agrees(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist, _ = await liar_in(net, anna, ben, length=3)
        net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        late = net.device("late")
        late.join(playlist, anna.invite(playlist))
        net.connect(anna, late)
        await net.in_sync(playlist)
        assert late.hub.status()[0].playlists[0].state == "in sync"


async def test_heads_told_after_a_fork_are_the_shorter_ones(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist, liar = await liar_in(net, anna, ben, length=2)
        watcher = Raw(net, anna)
        anna.set_role(playlist, watcher, "viewer")
        await watcher.share(playlist)
        net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        told = []
        while not told or told[-1] != 2:
            heads = await watcher.expect(Heads)
            told += [
                row.fork_at
                for each in heads.authors
                if each.author == liar.identity.public_key
                for row in each.logs
            ]
        assert told[-1] == 2
