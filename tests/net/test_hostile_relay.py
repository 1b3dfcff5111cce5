"""What a relay can do to those it carries: hear that they talk, slow them down, cut them off. Nothing else."""

import random

import pytest
import trio
from small_relay import small_relay

from whatnext.errors import ConnectionLost, NetworkError, WrongPeer
from whatnext.identity import Identity

pytestmark = pytest.mark.real

NOTE = "/test/note/1.0.0"
SECRET = b"the secret of the playlist " * 40


@pytest.fixture
def notes():
    """Who said what to a node with the handlers."""
    heard = []

    async def take(stream):
        data = b""
        while part := await stream.receive_some():
            data += part
        heard.append((stream.peer, data))

    return heard, {NOTE: take}


async def send(network, peer, data=SECRET):
    async with await network.open_stream(peer, [NOTE]) as stream:
        await stream.send_all(data)


async def at_relay(network, relay, eventually):
    network.relays.use([relay.address])
    await eventually(network.circuits.addresses)


async def test_what_passes_it_is_unreadable(node, notes, eventually):
    heard, handlers = notes
    async with small_relay() as relay, node(handlers) as ben, node() as anna:
        await at_relay(ben, relay, eventually)
        await anna.dial(ben.peer, [relay.circuit(ben.peer)])
        await send(anna, ben.peer)
        assert await eventually(lambda: heard) == [(anna.peer, SECRET)]
        passed = b"".join(relay.passed)
        assert len(passed) > len(SECRET)
        for plain in (b"secret", NOTE.encode(), b"/yamux", anna.peer.encode(), b"whatnext/"):
            assert plain not in passed


async def test_whoever_it_says_is_calling_the_caller_is_who_proved_it(node, notes, eventually):
    heard, handlers = notes
    friend = Identity.generate().peer_id
    async with small_relay() as relay, node(handlers) as ben, node() as mallory:
        await at_relay(ben, relay, eventually)
        relay.caller = friend
        await mallory.dial(ben.peer, [relay.circuit(ben.peer)])
        await send(mallory, ben.peer)
        assert await eventually(lambda: heard) == [(mallory.peer, SECRET)]
        assert friend not in [connection.peer for connection in ben.connections()]


async def test_when_it_answers_in_the_peers_place_the_dialler_sees_another_key(node, eventually):
    async with small_relay() as relay, node() as ben, node() as anna:
        await at_relay(ben, relay, eventually)
        relay.intruding = True
        with pytest.raises(WrongPeer, match="its key is not the PeerID dialled"):
            await anna.dial(ben.peer, [relay.circuit(ben.peer)])
        assert ben.peer not in [connection.peer for connection in anna.connections()]


@pytest.mark.parametrize("harm", ["flip", "drop", "repeat", "swap"])
async def test_bytes_it_changes_drops_or_repeats_end_the_connection_and_are_never_taken(
    node, notes, eventually, harm
):
    heard, handlers = notes
    rng, before = random.Random(harm), [b""]

    def flip(data):
        at = rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    def swap(data):
        held, before[0] = before[0], b"" if before[0] else data
        return data + held if held else b""

    harms = {"flip": flip, "drop": lambda data: data[:-1], "repeat": lambda data: data + data, "swap": swap}
    async with small_relay() as relay, node(handlers) as ben, node(heartbeat_s=0.2) as anna:
        await at_relay(ben, relay, eventually)
        await anna.dial(ben.peer, [relay.circuit(ben.peer)])
        await send(anna, ben.peer)
        await eventually(lambda: heard)
        relay.tamper = harms[harm]
        with trio.move_on_after(3):
            try:
                await send(anna, ben.peer, b"changed on the way" * 1000)
            except NetworkError:
                pass
            else:
                await eventually(lambda: ben.peer not in [c.peer for c in anna.connections()])
        await eventually(lambda: anna.peer not in [c.peer for c in ben.connections()], within=20)
        assert [data for _, data in heard] == [SECRET]
        relay.tamper = bytes
        await anna.dial(ben.peer, [relay.circuit(ben.peer)])
        await send(anna, ben.peer)
        await eventually(lambda: len(heard) == 2)


async def test_a_recorded_conversation_played_back_to_the_peer_is_nobodys(node, notes, eventually):
    heard, handlers = notes
    async with small_relay() as relay, node(handlers, handshake_timeout_s=0.5) as ben:
        await at_relay(ben, relay, eventually)
        relay.recorded = []
        async with node() as anna:
            relay.tamper = lambda data: relay.recorded.append(data) or data
            await anna.dial(ben.peer, [relay.circuit(ben.peer)])
            await send(anna, ben.peer)
            await eventually(lambda: heard)
        relay.tamper = bytes
        await eventually(lambda: len(ben.connections()) == 1)
        with pytest.raises(ConnectionLost):
            await relay.play_back(ben.peer, anna.peer, relay.recorded)
        assert [connection.peer for connection in ben.connections()] == [relay.network.peer]
        assert len(heard) == 1
