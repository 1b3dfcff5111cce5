"""Who hears what somebody listens to: members over their own link, while it lasts, and nobody else."""

import trio
from network import network
from raw import Raw

from whatnext.records import ids
from whatnext.sync.events import PeerPresence
from whatnext.sync.frames import Hello, Interest, Presence
from whatnext.sync.interest import InterestKey

ENTRY = ids.to_text(bytes(10))


def heard(device) -> list[str | None]:
    return [event.entry for event in device.happened(PeerPresence)]


async def met(net, *devices):
    first, *others = devices
    playlist = first.create(entries=1)
    key = first.invite(playlist)
    for other in others:
        other.join(playlist, key)
        net.connect(first, other)
    await net.in_sync(playlist, *devices)
    return playlist


async def test_members_hear_what_is_played_and_that_it_ended(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = await met(net, anna, ben)
        anna.hub.present(playlist, ENTRY)
        await net.until(lambda: heard(ben) == [ENTRY])
        anna.hub.present(playlist, None)
        await net.until(lambda: heard(ben) == [ENTRY, None])
        assert ben.happened(PeerPresence)[0].peer == anna.peer
        assert anna.documents(playlist) == ben.documents(playlist)


async def test_who_is_linked_but_no_member_hears_nothing(autojump_clock):
    async with network() as net:
        anna, ben, cleo = net.trio_of("anna", "ben", "cleo")
        playlist = await met(net, anna, ben)
        other = await met(net, anna, cleo)
        anna.hub.present(playlist, ENTRY)
        await net.until(lambda: heard(ben) == [ENTRY])
        anna.hub.present(other, ENTRY)
        await net.until(lambda: heard(cleo))
        assert [event.playlist for event in cleo.happened(PeerPresence)] == [other]
        assert [event.playlist for event in ben.happened(PeerPresence)] == [playlist]


async def test_who_was_removed_is_neither_told_nor_heard(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = await met(net, anna, ben)
        anna.set_role(playlist, ben, "removed")
        anna.hub.present(playlist, ENTRY)
        ben.hub.present(playlist, ENTRY)
        await trio.sleep(5)
        assert heard(anna) == heard(ben) == []


async def test_skipping_through_tracks_tells_the_last_one_and_few_of_the_others(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = await met(net, anna, ben)
        entries = [ids.to_text(bytes(9) + bytes([number])) for number in range(100)]
        for entry in entries:
            anna.hub.present(playlist, entry)
            await trio.sleep(0.02)
        await net.until(lambda: heard(ben)[-1:] == entries[-1:])
        assert 5 <= len(heard(ben)) <= 10


async def greeted(net, features: list[str]):
    """A member with these features whose side is driven by hand, and the playlist."""
    anna, ben = net.trio_of("anna", "ben")
    playlist = await met(net, anna, ben)
    net.cables[0].cut()
    await net.over(net.cables[0])
    raw = Raw(net, anna, ben.identity)
    await raw.send(Hello("raw/1", "Raw", features, raw.nonce, anna.wall()))
    hello = await raw.expect(Hello)
    key = InterestKey(raw.nonce, hello.nonce, raw.peer)
    await raw.send(Interest(key.tags([playlist])))
    await raw.expect(Interest)
    await trio.sleep(1)
    return anna, raw, playlist, hello


async def test_a_peer_that_does_not_know_the_message_never_gets_one(autojump_clock):
    async with network() as net:
        anna, raw, playlist, hello = await greeted(net, [])
        assert hello.features == ["presence"]
        anna.hub.present(playlist, ENTRY)
        await trio.sleep(5)
        anna.hub.disconnect(raw.peer, "test", "over")
        await raw.read_to_end()
        assert not [m for m in raw.messages if isinstance(m, Presence)]


async def test_a_peer_that_knows_it_gets_it_and_is_heard(autojump_clock):
    async with network() as net:
        anna, raw, playlist, _ = await greeted(net, ["presence", "of a later version"])
        anna.hub.present(playlist, ENTRY)
        assert await raw.expect(Presence) == Presence(playlist, ENTRY)
        await raw.send(Presence(bytes(20), ENTRY), Presence(playlist, ENTRY), Presence(playlist, None))
        await net.until(lambda: heard(anna) == [ENTRY, None])


async def test_a_flood_of_it_is_read_slowly_and_holds_nothing(autojump_clock):
    async with network() as net:
        anna, raw, playlist, _ = await greeted(net, ["presence"])
        began = trio.current_time()
        await raw.send(*[Presence(playlist, ENTRY)] * 400)
        await net.until(lambda: len(heard(anna)) == 400, within=60)
        took = trio.current_time() - began
        assert took > 10
