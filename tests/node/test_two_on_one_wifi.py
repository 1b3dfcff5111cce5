"""Paths that go silent, devices that move, peers that are blocked: two real nodes on one Wi-Fi."""

import signal
import time
import uuid
from collections.abc import Iterator

import pytest

from whatnext.errors import WhatNextError
from whatnext.lab import Lab, why_not
from whatnext.lab.whole_node import WholeNode, wait_until

pytestmark = pytest.mark.real

NOTICED_S, BACK_S = 20, 10


class Pair:
    """Anna's and Ben's node on one Wi-Fi, sharing a playlist."""

    def __init__(self, lab: Lab, directory) -> None:
        self.wifi = lab.lan("wifi")
        self.hosts = [lab.host("anna"), lab.host("ben")]
        self.links = [self.wifi.attach(host) for host in self.hosts]
        self.anna, self.ben = self.nodes = [WholeNode(host, directory / host.name) for host in self.hosts]
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_ready()
        self.playlist = self.anna.ask("playlist.create", name="Road trip")["id"]
        link = self.anna.ask("invite.create", playlist=self.playlist)["link"]
        self.ben.ask("join", link=link)
        wait_until(self.in_sync, 20, "both have the playlist")

    def titles(self, node: WholeNode) -> list[str]:
        entries = node.ask("playlist.show", playlist=self.playlist)["entries"]
        return sorted(entry["title"] for entry in entries)

    def add(self, node: WholeNode, title: str) -> None:
        node.ask("playlist.add", playlist=self.playlist, tracks=[{"title": title}])

    def states(self) -> list[bool]:
        """Whether each is in sync with the other."""
        return [any(peer["inSync"] for peer in node.ask("peers.list")) for node in self.nodes]

    def in_sync(self) -> bool:
        return all(self.states())

    def have_pinged(self) -> bool:
        """Whether each has had an answer over the connection of now."""
        return all(any(peer["latencyMs"] for peer in node.ask("peers.list")) for node in self.nodes)

    def connections(self) -> list[int]:
        return [len(node.ask("node.status")["connections"]) for node in self.nodes]

    def have(self, *titles: str) -> bool:
        """Whether both have these tracks, each once, and know of each other that they have the same."""
        found = [self.titles(node) for node in self.nodes]
        return found[0] == found[1] and all(found[0].count(title) == 1 for title in titles) and self.in_sync()


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Iterator[Pair]:
    """For all tests of this file: each leaves the two as it found them, connected and in sync."""
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        made = Pair(lab, tmp_path_factory.mktemp("wifi"))
        yield made
        for node in made.nodes:
            node.stop()


def cut_and_heal(pair: Pair, noticed, stay_s: float = 0.0) -> None:
    """Cut Ben off until it was noticed, and some more; print how long that and coming back took."""
    pair.links[1].cut()
    saw = wait_until(lambda: noticed(pair.connections()), NOTICED_S, "the cut was noticed")
    titles = [f"while cut, by {node.host.name}, {uuid.uuid4()}" for node in pair.nodes]
    for node, title in zip(pair.nodes, titles, strict=True):
        pair.add(node, title)
    healing = time.monotonic() + stay_s
    while time.monotonic() < healing:  # what is tested is the length of the silence
        assert pair.states() != [True, True]
        time.sleep(0.5)
    pair.links[1].heal()
    back = wait_until(lambda: pair.have(*titles), BACK_S, "back in sync")
    print(
        f"noticed after {saw:.1f} s, silent for {stay_s:g} s more, back in sync {back:.1f} s after it healed"
    )
    wait_until(lambda: pair.connections() == [1, 1], 5, "one connection each")


def by_both(connections: list[int]) -> bool:
    return connections == [0, 0]


def by_one(connections: list[int]) -> bool:
    return 0 in connections


def test_a_silent_path_is_noticed_by_both_and_soon_after_it_heals_nothing_is_missing(pair):
    cut_and_heal(pair, by_both)


@pytest.mark.soak
@pytest.mark.parametrize("stay_s", [0.0, 10.0, 45.0, 90.0])
@pytest.mark.parametrize("noticed", [by_one, by_both])
def test_however_long_the_silence_and_whoever_notices_it(pair, noticed, stay_s):
    wait_until(pair.have_pinged, 5, "the first ping is over: it is longest until the next one")
    cut_and_heal(pair, noticed, stay_s)


@pytest.mark.soak
def test_a_device_that_slept_is_back_in_sync_soon_after_it_wakes(pair):
    pair.ben.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: pair.anna.ask("node.status")["connections"] == [], NOTICED_S, "Anna noticed")
    pair.add(pair.anna, "while Ben slept")
    pair.ben.process.send_signal(signal.SIGCONT)
    back = wait_until(lambda: pair.have("while Ben slept"), BACK_S, "back in sync")
    print(f"after sleep: in sync {back:.1f} s after waking")


def test_a_device_that_gets_another_address_is_back_in_sync_soon_after(pair):
    link = pair.links[1]
    pair.hosts[1].ip(
        f"addr del {link.address}/24 dev {link.device}", f"addr add 10.1.0.77/24 dev {link.device}"
    )
    pair.add(pair.ben, "from the new address")
    took = wait_until(lambda: pair.have("from the new address"), BACK_S, "back in sync")
    print(f"another address: in sync after {took:.1f} s")
    wait_until(lambda: pair.connections() == [1, 1], 5, "one connection each")


def test_a_blocked_peer_is_out_at_once_stays_out_over_a_restart_and_is_back_when_unblocked(pair):
    anna, ben = pair.nodes
    assert anna.ask("peers.block", peer=ben.peer)["shared"] == ["Road trip"]
    wait_until(lambda: pair.connections() == [0, 0], 3, "Ben is out")
    pair.add(ben, "while blocked")

    def tried(sentence: str) -> bool:
        return any(sentence in line for line in ben.log().splitlines() if anna.peer in line)

    wait_until(lambda: tried("could not be reached"), 15, "Ben tried to come back")
    assert pair.connections() == [0, 0]
    with pytest.raises(WhatNextError, match="blocked"):
        anna.ask("connect", target=ben.peer)
    anna.stop()
    anna.start()
    assert [peer["blocked"] for peer in anna.ask("peers.list") if peer["peer"] == ben.peer] == [True]
    assert anna.ask("peers.unblock", peer=ben.peer)["changed"] is True
    wait_until(lambda: pair.have("while blocked"), 20, "back in sync")
