"""`/whatnext/rxdb` between two libp2p hosts: versions old and new, what a stream may do, and who is blamed."""

import sys
import zlib
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

sys.path.insert(0, str(Path(__file__).parents[1] / "playlists"))

from playlist_devices import Circle

from whatnext.errors import ConnectionLost, VersionMismatch
from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.node.rxdb import RxdbClients
from whatnext.rxdb.driver import StreamChannel
from whatnext.rxdb.versions import PROTOCOLS, has_errors
from whatnext.sync import PROTOCOLS as SYNC
from whatnext.sync.discipline import Discipline

LOCAL = NetConfig(listen=("/ip4/127.0.0.1/tcp/0",), close_timeout_s=0.5)
NEW, OLD = PROTOCOLS
EPOCH = {"id": "a|1", "collection": "nothing", "method": "masterChangesSince", "params": [None, 1]}
PULL = {"id": "a|2", "collection": "playlists", "method": "masterChangesSince", "params": [None, 100]}


class Side:
    """A node's RxDB master on its own host; Bob, at the other host, is an editor of its playlist."""

    def __init__(self, protocols):
        self.circle, self.protocols = Circle(), protocols
        self.bob = self.circle.friend("Bob")
        self.discipline = Discipline()
        self.came = []
        self.clients = RxdbClients(self.circle.ann.here, self.discipline, on_peer=self.came.append)


@asynccontextmanager
async def apart(side, identity=None):
    """The node, and a host that has dialled it."""
    async with (
        open_network(side.circle.ann.library.identity, LOCAL) as node,
        open_network(identity or side.bob.library.identity, LOCAL) as peer,
    ):
        for protocol in side.protocols:
            node.handle(protocol, side.clients.stream)
        await peer.dial(node.peer, node.addresses())
        yield node, peer


class Talk:
    def __init__(self, stream):
        self.stream = stream
        self.channel = StreamChannel(stream, packs=has_errors(stream.protocol))

    async def ask(self, message):
        await self.channel.send(msgspec.json.encode(message))
        with trio.fail_after(5):
            raw = await self.channel.receive()
        return None if raw is None else msgspec.json.decode(raw)


@pytest.mark.parametrize(
    ("offered", "asked", "agreed"),
    [
        (PROTOCOLS, PROTOCOLS, NEW),
        (PROTOCOLS, (OLD,), OLD),
        ((OLD,), PROTOCOLS, OLD),
        (("/whatnext/rxdb/1.2.0", *PROTOCOLS), PROTOCOLS, NEW),
        (PROTOCOLS, ("/whatnext/rxdb/2.0.0", *PROTOCOLS), NEW),
    ],
    ids=["new and new", "old client", "old node", "newer node", "newer client"],
)
async def test_old_and_new_speak_the_newest_version_both_know(offered, asked, agreed):
    side = Side(offered)
    async with apart(side) as (node, peer):
        talk = Talk(await peer.open_stream(node.peer, asked))
        assert talk.stream.protocol == agreed
        (playlist,) = (await talk.ask(PULL))["result"]["documents"]
        assert playlist["id"] == side.circle.id
        assert side.came == [peer.peer]


async def test_only_the_new_version_has_a_word_for_what_cannot_be_answered():
    async with apart(Side(PROTOCOLS)) as (node, peer):
        new, old = [Talk(await peer.open_stream(node.peer, [version])) for version in PROTOCOLS]
        assert (await new.ask(EPOCH))["error"]["code"] == "unknown_collection"
        with pytest.raises(ConnectionLost):
            await old.ask(EPOCH)


async def test_only_the_new_version_packs_long_messages():
    side = Side(PROTOCOLS)
    side.circle.ann.add(side.circle.id, *(f"Track {number}" for number in range(50)))
    async with apart(side) as (node, peer):
        for version, first in ((NEW, 0x78), (OLD, ord("{"))):
            stream = await peer.open_stream(node.peer, [version])
            asking = Talk(stream)
            await asking.channel.send(msgspec.json.encode({**PULL, "collection": "entries"}))
            with trio.fail_after(5):
                data = await stream.receive_some(64)
            assert first in data[:4]
            assert (first == 0x78) == data.lstrip(bytes(range(128, 256)))[1:].startswith(
                zlib.compress(b"", 1)[:2]
            )


@pytest.mark.parametrize(
    ("ours", "theirs", "sentence"),
    [
        (
            PROTOCOLS,
            ("/whatnext/rxdb/2.0.0",),
            "peer speaks /whatnext/rxdb/2.x, this app 1.x: update WhatNext",
        ),
        (
            ("/whatnext/rxdb/2.0.0",),
            PROTOCOLS,
            "peer speaks /whatnext/rxdb/1.x, this app 2.x: ask your friend to update WhatNext",
        ),
        (SYNC, ("/whatnext/sync/2.0.0",), "peer speaks /whatnext/sync/2.x, this app 1.x: update WhatNext"),
        (
            ("/whatnext/sync/2.0.0",),
            SYNC,
            "peer speaks /whatnext/sync/1.x, this app 2.x: ask your friend to update WhatNext",
        ),
    ],
)
async def test_with_no_version_in_common_a_sentence_says_who_should_update(ours, theirs, sentence):
    async def idle(stream):
        await stream.receive_some()

    async with (
        open_network(Identity.generate(), LOCAL, dict.fromkeys(theirs, idle)) as there,
        open_network(Identity.generate(), LOCAL) as here,
    ):
        await here.dial(there.peer, there.addresses())
        with pytest.raises(VersionMismatch) as caught:
            await here.open_stream(there.peer, ours)
        assert str(caught.value) == sentence


@pytest.mark.parametrize("parts", [["é", "é"], ["AAAA", "AAAA"], ["=", "x"]])
async def test_an_admission_that_is_none_is_refused_and_the_stream_goes_on(parts):
    side = Side(PROTOCOLS)
    stranger = Identity.generate()
    async with apart(side, stranger) as (node, peer):
        talk = Talk(await peer.open_stream(node.peer, PROTOCOLS))
        answer = await talk.ask({"id": "a|1", "method": "join", "params": [side.circle.id, *parts]})
        assert answer["error"]["code"]
        assert (await talk.ask(PULL))["result"]["documents"] == []


async def test_what_is_no_message_counts_against_the_peer():
    side = Side(PROTOCOLS)
    async with apart(side) as (node, peer):
        for _ in range(50):
            if side.discipline.blocked_for(peer.peer, trio.current_time()):
                break
            talk = Talk(await peer.open_stream(node.peer, PROTOCOLS))
            await talk.channel.send(b"nonsense")
            with pytest.raises(ConnectionLost):
                await talk.channel.receive()
        assert side.discipline.blocked_for(peer.peer, trio.current_time()) > 0


async def test_a_third_stream_of_one_peer_is_refused():
    async with apart(Side(PROTOCOLS)) as (node, peer):
        talks = [Talk(await peer.open_stream(node.peer, PROTOCOLS)) for _ in range(2)]
        for talk in talks:
            assert (await talk.ask(PULL))["result"]["documents"]
        with pytest.raises(ConnectionLost):
            await ask_once(peer, node.peer)


async def ask_once(peer, target):
    return await Talk(await peer.open_stream(target, PROTOCOLS)).ask(PULL)
