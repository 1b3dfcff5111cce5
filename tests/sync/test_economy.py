"""What goes over the wire and what the user is told meanwhile: bytes, copies, exact pending counts."""

import itertools

import trio
from network import network
from raw import Raw

from whatnext.records.codec import decode
from whatnext.records.judge import Head
from whatnext.sync import frames
from whatnext.sync.events import PlaylistInSync
from whatnext.sync.frames import Ack, Heads, Interest, Records


async def joined(net, *names, entries=2):
    devices = net.trio_of(*names)
    playlist = devices[0].create(entries=entries)
    key = devices[0].invite(playlist)
    for device in devices[1:]:
        device.join(playlist, key)
    return playlist, devices


async def test_one_added_track_costs_at_most_450_bytes_with_its_answer(autojump_clock, capsys):
    async with network() as net:
        playlist, (anna, ben) = await joined(net, "anna", "ben")
        cable = net.connect(anna, ben)
        await net.in_sync(playlist)
        # Sequence numbers of two and three bytes, as a playlist in use has them.
        for _ in range(300):
            anna.add(playlist)
        await net.in_sync(playlist)
        before = cable.bytes
        record = anna.add(playlist, "Les Champs-Élysées")
        await net.in_sync(playlist)
        spent = cable.bytes - before
        with capsys.disabled():
            print(f"\none add: {spent} bytes on the wire, {record.size} of them the record")
        assert spent <= 450
        assert spent - record.size <= 40


async def test_a_record_goes_at_most_once_over_each_link_and_never_back(autojump_clock):
    async with network() as net:
        playlist, devices = await joined(net, "anna", "ben", "cleo", "dora")
        for a, b in itertools.pairwise(devices):
            net.connect(a, b)
        await net.in_sync(playlist)
        before = [device.hub.traffic() for device in devices]
        for device in devices:
            for _ in range(10):
                device.add(playlist)
        await net.in_sync(playlist)
        after = [device.hub.traffic() for device in devices]
        sent = sum(b.records_out - a.records_out for a, b in zip(before, after, strict=True))
        duplicates = sum(b.duplicates_in - a.duplicates_in for a, b in zip(before, after, strict=True))
        assert sent == 40 * 3, "each of 40 records once over each of 3 links"
        assert duplicates == 0


async def test_in_a_full_mesh_no_direction_of_a_link_carries_a_record_twice(autojump_clock):
    async with network() as net:
        playlist, devices = await joined(net, "anna", "ben", "cleo", "dora")
        for a, b in itertools.combinations(devices, 2):
            net.connect(a, b)
        await net.in_sync(playlist)
        before = sum(device.hub.traffic().records_out for device in devices)
        devices[0].add(playlist)
        await net.in_sync(playlist)
        sent = sum(device.hub.traffic().records_out for device in devices) - before
        assert 3 <= sent <= 3 + 6, "three from the author, and what the others crossed"


async def test_pending_counts_are_exact_at_every_step(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        playlist = anna.create(entries=999)
        raw = Raw(net, anna)
        anna.set_role(playlist, raw, "editor")
        await raw.share(playlist)
        assert anna.share(raw, playlist).state == "unknown"
        assert anna.share(raw, playlist).pending_out is None
        await raw.send(Heads(playlist, [], partial=False, more=False))
        got = 0
        while got < 1001:
            batch = await raw.expect(Records)
            assert anna.share(raw, playlist).state == "catching up"
            assert anna.share(raw, playlist).pending_out == 1001 - got
            got += len(batch.records)
            await raw.send(Ack(batch.serial, [], []))
            await trio.sleep(0.1)
        assert anna.share(raw, playlist).pending_out == 0
        assert anna.share(raw, playlist).state == "in sync"
        mine = [raw.sign(playlist, [anna.entry()]) for _ in range(3)]
        everything = dict(anna.library.heads(playlist)) | {mine[2].log: Head(3, mine[2].hash)}
        await raw.send(Heads(playlist, frames.group(everything.items()), partial=False, more=False))
        for number in range(3):
            await trio.sleep(0.1)
            assert anna.share(raw, playlist).pending_in == 3 - number
            await raw.give(mine[number])
            await raw.expect(Ack)
        assert anna.share(raw, playlist).pending_in == 0
        assert anna.share(raw, playlist).state == "in sync"


async def test_what_the_peer_has_and_we_lack_is_counted(autojump_clock):
    async with network() as net:
        playlist, (anna, ben) = await joined(net, "anna", "ben")
        cable = net.connect(anna, ben)
        await net.in_sync(playlist)
        cable.cut()
        await net.over(cable)
        for _ in range(900):
            ben.add(playlist)
        net.connect(anna, ben, rate=50_000, latency=0.2)
        await net.until(lambda: anna.share(ben, playlist) and anna.share(ben, playlist).state != "unknown")
        seen = set()
        while not net.equal(playlist):
            status = anna.share(ben, playlist)
            have = len(anna.library.records(playlist))
            assert status.pending_in == len(ben.library.records(playlist)) - have
            assert status.state == ("in sync" if status.pending_in == 0 else "catching up")
            seen.add(status.pending_in)
            await trio.sleep(0.05)
        assert len(seen) > 3


async def test_connected_handshaken_and_in_sync_are_told_apart(autojump_clock):
    async with network() as net:
        _, (anna, ben) = await joined(net, "anna", "ben")
        net.connect(anna, ben, latency=1.0)
        seen = []
        for _ in range(200):
            link = anna.link(ben)
            shown = (link.phase, *(p.state for p in link.playlists)) if link else ()
            if shown and (not seen or seen[-1] != shown):
                seen.append(shown)
            await trio.sleep(0.05)
        assert seen[0] == ("connected",)
        assert ("handshaken",) in seen
        assert seen[-1] == ("handshaken", "in sync")
        assert seen.index(("handshaken",)) < seen.index(("handshaken", "in sync"))
        assert ("handshaken", "catching up") in seen


async def test_no_answer_is_never_shown_as_no_changes(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        playlist = anna.create()
        raw = Raw(net, anna)
        anna.set_role(playlist, raw, "editor")
        await raw.share(playlist)
        for _ in range(100):
            await trio.sleep(1)
            assert anna.share(raw, playlist).state == "unknown"
            assert anna.share(raw, playlist).pending_in is None
        assert anna.happened(PlaylistInSync) == []


async def test_playlists_take_turns(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        large, small = anna.create(entries=1500), anna.create(entries=5)
        for playlist in (large, small):
            ben.join(playlist, anna.invite(playlist))
        net.connect(anna, ben, rate=200_000)
        await net.in_sync(small)
        assert len(ben.library.records(large)) < 1500
        await net.in_sync(large)


async def test_many_new_playlists_at_once_are_told_in_few_messages(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        raw = Raw(net, anna)
        await raw.greet()
        for _ in range(200):
            anna.create()
            await trio.sleep(0.001)
        await trio.sleep(30)
        tags, messages = [], 0
        while len(tags) < 200:
            tags = (await raw.expect(Interest)).tags
            messages += 1
        assert messages <= 25


async def test_a_batch_stays_within_its_bounds_and_one_large_record_may_go_alone(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        playlist = anna.create()
        for _ in range(3):
            large = anna.entry()
            large.fields["links"] = ["https://example.org/" + "x" * 3000] * 20
            anna.library.write(playlist, [large])
        for _ in range(700):
            anna.add(playlist)
        raw = Raw(net, anna)
        anna.set_role(playlist, raw, "editor")
        await raw.share(playlist)
        await raw.send(Heads(playlist, [], partial=False, more=False))
        total = 0
        while total < 705:
            batch = await raw.expect(Records)
            sizes = [len(r.body) + len(r.signature) for r in batch.records]
            assert len(sizes) <= 512
            assert len(sizes) == 1 or sum(sizes) <= 256 * 1024
            assert [decode(r).playlist for r in batch.records] == [playlist] * len(sizes)
            total += len(sizes)
            await raw.send(Ack(batch.serial, [], []))
