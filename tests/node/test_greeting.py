"""A connected peer that never greets is explained on both sides, whoever should have opened the stream."""

import random

import pytest
import trio
import trio.testing

from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.net.circuits.messages import HOP
from whatnext.node.links import SyncLinks
from whatnext.sync import PROTOCOLS, opens_stream

pytestmark = pytest.mark.real

LISTEN = NetConfig(listen=("/ip4/127.0.0.1/tcp/0",))


def two() -> tuple[Identity, Identity]:
    """The first is the one that should open."""
    a, b = Identity.generate(), Identity.generate()
    return (a, b) if opens_stream(a.peer_id, b.peer_id) else (b, a)


class NoHub:
    async def attach(self, stream):
        raise AssertionError("nobody speaks our version")


class Looked:
    """A network that counts how often it was asked whether a peer is a relay, and answered yes."""

    def __init__(self, network):
        self.count = 0
        self._network = network

    def __getattr__(self, name):
        return getattr(self._network, name)

    def is_relay(self, peer):
        found = self._network.is_relay(peer)
        self.count += found
        return found


async def drain(stream):
    while await stream.receive_some():
        pass


@pytest.mark.parametrize("we_open", [True, False])
@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        ("/whatnext/sync/2.0.0", "peer speaks /whatnext/sync/2.x, this app 1.x: update WhatNext"),
        ("/other/1.0.0", "peer does not speak /whatnext/sync: is it a WhatNext peer?"),
    ],
)
async def test_who_shares_no_version_is_told_of_in_a_sentence(monkeypatch, we_open, theirs, sentence):
    monkeypatch.setattr("whatnext.node.links.GREETING_S", (0.05, 0.2, 1.0, 5.0))
    opener, other = two()
    own, peer = (opener, other) if we_open else (other, opener)
    async with open_network(own, LISTEN) as ours, open_network(peer, LISTEN, {theirs: drain}) as remote:
        links = SyncLinks(ours.peer, NoHub(), random.Random(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(links.run, ours)
            await ours.dial(remote.peer, remote.addresses())
            with trio.fail_after(10):
                while remote.peer not in links.problems:  # noqa: ASYNC110 - it has no event
                    await trio.sleep(0.01)
            assert links.problems == {remote.peer: sentence}
            await ours.disconnect(remote.peer)
            with trio.fail_after(5):
                while links.problems:  # noqa: ASYNC110 - likewise
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("we_open", [True, False])
async def test_a_relay_is_not_blamed_for_having_no_sync(monkeypatch, caplog, we_open):
    monkeypatch.setattr("whatnext.node.links.GREETING_S", (0.05, 0.2))
    opener, other = two()
    own, relay = (opener, other) if we_open else (other, opener)
    async with open_network(own, LISTEN) as ours, open_network(relay, LISTEN, {HOP: drain}) as remote:
        links = SyncLinks(ours.peer, NoHub(), random.Random(1))
        looked = Looked(ours)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(links.run, looked)
            await ours.dial(remote.peer, remote.addresses())
            with trio.fail_after(10):
                while looked.count < 1:  # noqa: ASYNC110 - it has no event
                    await trio.sleep(0.01)
            await trio.testing.wait_all_tasks_blocked()
            assert links.problems == {}
            assert not [record for record in caplog.records if record.levelname == "WARNING"]
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("we_open", [True, False])
async def test_who_speaks_no_sync_at_all_is_no_warning_and_an_rxdb_client_no_problem(
    monkeypatch, caplog, we_open
):
    caplog.set_level("INFO")
    monkeypatch.setattr("whatnext.node.links.GREETING_S", (0.05, 0.2, 1.0, 5.0))
    opener, other = two()
    own, client = (opener, other) if we_open else (other, opener)
    handlers = {"/whatnext/rxdb/1.0.0": drain}
    async with open_network(own, LISTEN) as ours, open_network(client, LISTEN, handlers) as remote:
        links = SyncLinks(ours.peer, NoHub(), random.Random(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(links.run, ours)
            await ours.dial(remote.peer, remote.addresses())
            with trio.fail_after(10):
                while remote.peer not in links.problems:  # noqa: ASYNC110 - it has no event
                    await trio.sleep(0.01)
            [said] = [each for each in caplog.records if "does not speak" in each.getMessage()]
            assert said.levelname == "INFO"
            links.excuse(remote.peer)
            assert links.problems == {}
            links._complain(ours, remote.peer, "at its next try")
            assert links.problems == {}
            await ours.disconnect(remote.peer)
            with trio.fail_after(5):
                while links._excused:  # noqa: ASYNC110 - likewise
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()


async def test_nothing_is_said_of_a_peer_that_speaks_our_version(monkeypatch):
    monkeypatch.setattr("whatnext.node.links.GREETING_S", (0.05, 0.05))
    opener, own = two()
    handlers = dict.fromkeys(PROTOCOLS, drain)
    async with open_network(own, LISTEN) as ours, open_network(opener, LISTEN, handlers) as remote:
        await ours.dial(remote.peer, remote.addresses())
        with trio.fail_after(5):
            while not ours.addresses_of(remote.peer):  # noqa: ASYNC110 - identify has no event
                await trio.sleep(0.01)
        assert ours.mismatch(remote.peer, PROTOCOLS) is None
        assert ours.mismatch(remote.peer, ["/whatnext/sync/3.0.0"]) is not None
        assert ours.mismatch(Identity.generate().peer_id, PROTOCOLS) is None
