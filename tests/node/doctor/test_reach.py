"""Whether others can dial this device: what peers' words come to."""

import msgspec
import pytest
import trio

from whatnext.errors import ConnectionLost, VersionMismatch
from whatnext.net.dialback import Answer, Dialled, Outcome, Refusal
from whatnext.node.doctor import reach_probe
from whatnext.node.doctor.findings import NodeSeen, PortSeen, RelaySeen, WordSeen
from whatnext.node.doctor.reach_probe import MAX_ASKED, ask_peers
from whatnext.node.doctor.reach_verdicts import judge, relays
from whatnext.node.doctor.verdict import State

OWN = ["127.0.0.1", "192.168.1.7"]
PUBLIC = "5.5.5.7"
NODE = NodeSeen(
    peer="12D3x",
    addresses=["/ip4/192.168.1.7/tcp/4001/p2p/12D3x", "/ip4/192.168.1.7/tcp/4002/ws/p2p/12D3x"],
    discovery=True,
    discovery_problem=None,
    peers=[],
)


def word(observed=f"/ip4/{PUBLIC}/tcp/51000", **changes):
    return msgspec.structs.replace(WordSeen(peer="12D3KooWben", observed=observed), **changes)


def reachable(*words, own=OWN, ports=()):
    return judge(msgspec.structs.replace(NODE, words=list(words), seen_ports=list(ports)), own)


REACHED = word(reached=[f"/ip4/{PUBLIC}/tcp/4001"], failed=[f"/ip4/{PUBLIC}/tcp/4002/ws"])
FAILED = word(failed=[f"/ip4/{PUBLIC}/tcp/4001"])


def test_a_port_that_the_nat_maps_and_a_public_address_are_told_apart():
    mapped = reachable(REACHED)
    assert (mapped.verdict, "NAT that maps a port" in mapped.seen) == (State.OK, True)
    assert f"/ip4/{PUBLIC}/tcp/4001" in mapped.seen
    public = reachable(REACHED, own=[*OWN, PUBLIC])
    assert (public.verdict, "public address" in public.seen) == (State.OK, True)


def test_one_peer_that_gets_through_is_enough():
    assert reachable(FAILED, REACHED).verdict is State.OK


def test_behind_a_nat_that_lets_nobody_in_the_port_to_forward_is_named():
    found = reachable(FAILED)
    assert found.verdict is State.WARNING
    assert "Behind a NAT" in found.seen
    assert PUBLIC in found.seen
    assert "TCP 4001, 4002" in found.next
    assert "relay" in found.next


def test_behind_a_nat_nobody_is_told_to_use_the_relay_that_is_used():
    held = RelaySeen(relay="12D3KooWrelay", connected=True, reserved=True, problem=None)
    found = judge(msgspec.structs.replace(NODE, words=[FAILED], relays=[held]), OWN)
    assert "relay add" not in found.next
    assert "TCP 4001, 4002" in found.next


def test_a_public_address_that_nobody_reaches_has_a_firewall_before_it():
    found = reachable(FAILED, own=[*OWN, PUBLIC])
    assert (found.verdict, "firewall" in found.next) == (State.WARNING, True)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ([], None),
        ([(4001, 4001)], "keeps port numbers"),
        ([(4001, 9000)], None),
        ([(4001, 9000), (4001, 9001)], "symmetric"),
        ([(4001, 4001), (5000, 9001)], None),
    ],
)
def test_the_kind_of_nat_is_guessed_only_from_what_two_peers_agree_on(seen, words):
    found = reachable(FAILED, ports=[PortSeen(by="b", local=ours, seen=theirs) for ours, theirs in seen]).seen
    for each in ("keeps port numbers", "symmetric"):
        assert (each in found) is (each == words)


def test_a_firewall_on_this_device_is_found_by_a_device_beside_it():
    near = word("/ip4/192.168.1.7/tcp/51000")
    fine = reachable(msgspec.structs.replace(near, reached=["/ip4/192.168.1.7/tcp/4001"]))
    assert (fine.verdict, "another network" in fine.seen) == (State.OK, True)
    shut = reachable(msgspec.structs.replace(near, failed=["/ip4/192.168.1.7/tcp/4001"]))
    assert (shut.verdict, "firewall" in shut.next) == (State.PROBLEM, True)
    assert reachable(near).verdict is State.NOT_CHECKED


def test_when_nobody_can_tell_nothing_is_guessed():
    assert judge(None, OWN).verdict is State.NOT_CHECKED
    assert reachable().verdict is State.NOT_CHECKED
    refused = reachable(word("", problem="it answers too many at the moment"))
    assert (refused.verdict, "too many" in refused.seen) == (State.NOT_CHECKED, True)


def test_relays_that_hold_no_place_are_a_problem_only_when_none_does():
    held = RelaySeen(relay="12D3one", connected=True, reserved=True, problem=None)
    away = RelaySeen(
        relay="12D3two", connected=False, reserved=False, problem="refused: nothing listens there"
    )
    assert relays([]).verdict is State.OK
    assert relays([held]).verdict is State.OK
    assert (relays([held, away]).verdict, "1 of 2" in relays([held, away]).seen) == (State.OK, True)
    assert (relays([away]).verdict, "nothing listens" in relays([away]).seen) == (State.PROBLEM, True)


# Asking


class Connection(msgspec.Struct):
    peer: str
    path: str


class NetworkOfATest:
    def __init__(self, *connections):
        self._connections = [Connection(*each) for each in connections]

    def connections(self):
        return self._connections

    def addresses(self):
        return ["/ip4/192.168.1.7/tcp/4001/p2p/12D3x"]


async def test_each_peer_says_its_own_and_those_without_the_protocol_nothing(monkeypatch):
    async def ask(network, peer, addresses):
        assert addresses == ["/ip4/0.0.0.0/tcp/4001"]
        if peer == "old":
            raise VersionMismatch("too old")
        if peer == "gone":
            raise ConnectionLost("it left")
        if peer == "busy":
            return Answer(f"/ip4/{PUBLIC}/tcp/5", [], Refusal.BUSY)
        return Answer(
            f"/ip4/{PUBLIC}/tcp/5",
            [
                Dialled("/a", Outcome.REACHED),
                Dialled("/b", Outcome.FAILED),
                Dialled("/c", Outcome.SKIPPED),
            ],
        )

    monkeypatch.setattr(reach_probe, "ask", ask)
    network = NetworkOfATest(
        ("old", "lan"), ("gone", "lan"), ("busy", "lan"), ("far", "direct"), ("r", "relay")
    )
    words = await ask_peers(network)
    assert [each.peer for each in words] == ["far", "gone", "busy"]
    assert (words[0].reached, words[0].failed, words[0].problem) == (["/a"], ["/b"], None)
    assert words[1].problem == "it left"
    assert "too many" in words[2].problem


async def test_only_a_few_are_asked_those_elsewhere_first(monkeypatch):
    asked = []

    async def ask(network, peer, addresses):
        asked.append(peer)
        await trio.lowlevel.checkpoint()
        return Answer("", [])

    monkeypatch.setattr(reach_probe, "ask", ask)
    network = NetworkOfATest(*[(f"near{at}", "lan") for at in range(9)], ("far", "direct"))
    await ask_peers(network)
    assert len(asked) == MAX_ASKED
    assert "far" in asked
