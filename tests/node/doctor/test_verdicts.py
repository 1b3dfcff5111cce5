"""What the findings mean, without looking at anything."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.node.doctor.findings import (
    AddressTried,
    FileSeen,
    FileState,
    Findings,
    FirewallSeen,
    InterfaceSeen,
    MulticastSeen,
    NodeSeen,
    PeerSeen,
    ProfileSeen,
)
from whatnext.node.doctor.verdict import State, Verdict
from whatnext.node.doctor.verdicts import judge

CHECKS = [
    "device key", "database", "disk", "node",
    "interfaces", "announced addresses", "multicast", "listening", "firewall",
    "clock", "neighbours", "peers", "reachable", "relays",
]  # fmt: skip
ANNOUNCED = ["/ip4/192.168.1.7/tcp/4001/p2p/12D3x", "/ip4/192.168.1.7/tcp/4002/ws/p2p/12D3x"]
TRIED = [
    AddressTried("/ip4/192.168.1.7/tcp/4001", own=True),
    AddressTried("/ip4/192.168.1.7/tcp/4002/ws", own=True),
]


def peer(letter: str, **changes) -> PeerSeen:
    seen = PeerSeen(
        peer=letter * 20, name=f"Peer {letter}", connected=True, nearby="here", problem=None, skew_ms=12
    )
    return msgspec.structs.replace(seen, **changes)


NODE = NodeSeen(
    peer="12D3x", addresses=ANNOUNCED, discovery=True, discovery_problem=None, peers=[peer("a"), peer("b")]
)
PROFILE = ProfileSeen(
    directory="p",
    key=FileSeen("p/device.key", FileState.FINE),
    database=FileSeen("p/whatnext.db", FileState.FINE),
    free_bytes=5_000_000_000,
    held="the running node",
)
WELL = Findings(
    profile=PROFILE,
    interfaces=[InterfaceSeen("lo", ("127.0.0.1",), False), InterfaceSeen("wlan0", ("192.168.1.7",), True)],
    announced=ANNOUNCED,
    multicast=[MulticastSeen("wlan0 (192.168.1.7)")],
    tried=TRIED,
    firewall=FirewallSeen("linux"),
    node=NODE,
)


def verdict(check: str, node: dict | None = None, profile: dict | None = None, **changes) -> Verdict:
    """Of one check, when the findings of a device that is well are changed."""
    if node is not None:
        changes["node"] = msgspec.structs.replace(NODE, **node)
    if profile is not None:
        changes["profile"] = msgspec.structs.replace(PROFILE, **profile)
    report = judge(msgspec.structs.replace(WELL, **changes))
    assert [each.check for each in report.verdicts] == CHECKS
    return next(each for each in report.verdicts if each.check == check)


def test_a_crash_of_today_is_told_with_its_report_and_an_older_one_is_not():
    told = verdict("node", profile={"crash": "p/crash-report.txt", "crashed_s": 3 * 60.0})
    assert told.verdict is State.WARNING
    assert "3 minutes ago" in told.seen
    assert "p/crash-report.txt" in told.next
    for seconds, ago in ((29, "0 minutes ago"), (59, "1 minute ago"), (90.5, "2 minutes ago")):
        assert verdict("node", profile={"crash": "p", "crashed_s": seconds}).seen.endswith(f" {ago}.")
    assert "5 hours ago" in verdict("node", profile={"crash": "p", "crashed_s": 5.5 * 3600}).seen
    assert verdict("node", profile={"crash": "p", "crashed_s": 25 * 3600.0}).verdict is State.OK


def test_a_device_that_is_well_has_no_problem_and_no_nat_is_claimed_to_be_known():
    report = judge(WELL)
    assert (report.node_running, report.problems) == (True, 0)
    assert {each.check for each in report.verdicts if each.verdict is not State.OK} == {"reachable"}
    assert verdict("reachable").verdict is State.NOT_CHECKED
    assert "Nobody could tell" in verdict("reachable").seen


def test_without_a_node_it_says_that_a_running_one_tells_more_and_guesses_nothing():
    report = judge(
        msgspec.structs.replace(
            WELL, node=None, tried=[], profile=msgspec.structs.replace(PROFILE, held=None)
        )
    )
    assert report.problems == 0
    by_check = {each.check: each for each in report.verdicts}
    assert by_check["node"].verdict is State.WARNING
    assert "tells more" in by_check["node"].next
    for check in ("listening", "clock", "neighbours", "peers", "reachable", "relays"):
        assert by_check[check].verdict is State.NOT_CHECKED


@pytest.mark.parametrize(
    ("check", "changes", "state", "words"),
    [
        ("device key", {"key": FileSeen("k", FileState.OPEN, "0644")}, "problem", "chmod 600 k"),
        ("device key", {"key": FileSeen("k", FileState.MISSING)}, "problem", "new device to your friends"),
        ("device key", {"key": FileSeen("k", FileState.DAMAGED)}, "problem", "not a WhatNext device key"),
        ("device key", {"key": FileSeen("k", FileState.UNREADABLE, "denied")}, "problem", "denied"),
        ("database", {"database": FileSeen("d", FileState.DAMAGED, "page 3")}, "problem", "backup restore"),
        ("database", {"database": FileSeen("d", FileState.UNREADABLE, "locked")}, "problem", "locked"),
        ("disk", {"free_bytes": 19_999_999}, "problem", "19 MB"),
        ("disk", {"free_bytes": 199_999_999}, "warning", "199 MB"),
        ("disk", {"unwritable": "read-only"}, "problem", "read-only"),
    ],
)
def test_what_is_wrong_with_the_profile_is_named_with_its_remedy(check, changes, state, words):
    found = verdict(check, profile=changes)
    assert found.verdict == state
    assert words in f"{found.seen} {found.next}"
    assert found.next


def test_a_new_profile_is_no_problem():
    new = {"key": FileSeen("k", FileState.MISSING), "database": FileSeen("d", FileState.MISSING)}
    assert verdict("device key", profile=new).verdict is State.OK
    assert verdict("database", profile=new).verdict is State.OK


def test_a_profile_that_is_held_while_no_node_answers_is_a_problem_that_names_the_holder():
    found = verdict("node", profile={"held": "process 17 uses the profile p"}, node=None)
    assert found.verdict is State.OK  # a node answers: it is the holder
    report = judge(
        msgspec.structs.replace(
            WELL, node=None, profile=msgspec.structs.replace(PROFILE, held="process 17 uses it")
        )
    )
    assert report.verdicts[3].verdict is State.PROBLEM
    assert "process 17" in report.verdicts[3].seen


@pytest.mark.parametrize(
    ("interfaces", "state", "words"),
    [
        ([], "problem", "No network interface is up"),
        ([InterfaceSeen("lo", ("127.0.0.1", "::1"), False)], "problem", "Only loopback"),
        ([InterfaceSeen("eth0", (), True)], "problem", "Only loopback"),
        ([InterfaceSeen("eth0", ("169.254.3.4", "fe80::1"), True)], "warning", "DHCP"),
        ([InterfaceSeen("eth0", ("fe80::1", "2001:db8::1"), True)], "ok", "eth0: fe80::1, 2001:db8::1"),
    ],
)
def test_a_device_on_no_network_is_told_so(interfaces, state, words):
    found = verdict("interfaces", interfaces=interfaces)
    assert found.verdict == state
    assert words in f"{found.seen} {found.next}"


@pytest.mark.parametrize(
    ("announced", "state"),
    [
        (["/ip4/127.0.0.1/tcp/4001"], "problem"),
        (["/ip4/0.0.0.0/tcp/4001"], "problem"),
        ([], "problem"),
        (["/ip4/127.0.0.1/tcp/4001", "/ip4/10.0.0.2/tcp/4001"], "ok"),
    ],
)
def test_addresses_nobody_else_can_dial_are_a_problem(announced, state):
    assert verdict("announced addresses", announced=announced).verdict == state


def test_multicast_that_is_not_heard_back_points_to_the_firewall():
    silent = MulticastSeen("eth0", "sent, but not heard back in 1 s")
    found = verdict("multicast", multicast=[silent], firewall=FirewallSeen("linux", ("nft",)))
    assert found.verdict is State.PROBLEM
    assert "UDP port 5353" in found.next
    assert "nft" in found.next
    assert verdict("multicast", multicast=[silent, MulticastSeen("wlan0")]).verdict is State.WARNING


def test_a_port_that_another_program_holds_is_told_apart_from_a_firewall():
    found = verdict("multicast", multicast=[MulticastSeen("eth0", "in use", port_taken=True)])
    assert found.verdict is State.PROBLEM
    assert "Another program holds UDP port 5353" in found.seen
    assert verdict("multicast", multicast=[]).verdict is State.PROBLEM


def test_own_addresses_that_do_not_answer_are_a_problem_and_forwarded_ones_a_warning():
    blocked = AddressTried("/ip4/192.168.1.7/tcp/4001", own=True, problem="no answer in 1.5 s")
    found = verdict("listening", tried=[blocked, TRIED[1]])
    assert found.verdict is State.PROBLEM
    assert "allow TCP 4001." in found.next
    forwarded = AddressTried("/ip4/203.0.113.5/tcp/4001", own=False, problem="no answer in 1.5 s")
    assert verdict("listening", tried=[forwarded, *TRIED]).verdict is State.WARNING
    assert verdict("listening", tried=[]).verdict is State.WARNING
    assert "TCP 4001, 4002 (ws)" in verdict("listening").seen


def test_a_firewall_tool_is_only_a_hint_and_ufw_that_is_on_a_warning():
    hint = verdict("firewall", firewall=FirewallSeen("linux", ("nft",)))
    assert hint.verdict is State.NOT_CHECKED
    assert "only a hint" in hint.seen
    assert verdict("firewall", firewall=FirewallSeen("linux", ("ufw",), True)).verdict is State.WARNING
    assert verdict("firewall", firewall=FirewallSeen("darwin")).verdict is State.NOT_CHECKED


@pytest.mark.parametrize(
    ("skews", "state"),
    [
        ([], "not checked"),
        ([60_000, -60_000], "ok"),
        ([60_001], "warning"),
        ([90_000, 91_000], "problem"),
        ([90_000, 91_000, 0], "problem"),
        ([90_000, 0, 0], "warning"),
        ([-90_000, 90_000], "warning"),
    ],
)
def test_one_peer_whose_clock_differs_is_a_warning_and_peers_that_agree_against_us_a_problem(skews, state):
    peers = [peer(chr(97 + at), skew_ms=skew) for at, skew in enumerate(skews)]
    assert verdict("clock", node={"peers": peers}).verdict == state


@given(st.lists(st.integers(-(2**53), 2**53) | st.none(), max_size=9))
def test_this_devices_clock_is_never_blamed_when_most_peers_agree_with_it(skews):
    peers = [peer(chr(97 + at), skew_ms=skew) for at, skew in enumerate(skews)]
    known = [skew for skew in skews if skew is not None]
    fine = sum(abs(skew) <= 60_000 for skew in known)
    found = verdict("clock", node={"peers": peers})
    if known and fine * 2 > len(known):
        assert found.verdict is not State.PROBLEM
    assert (found.verdict is State.OK) == bool(known and fine == len(known))


def test_discovery_that_is_off_broken_or_hears_nobody_is_told_apart():
    assert "--no-mdns" in verdict("neighbours", node={"discovery": False}).seen
    broken = verdict("neighbours", node={"discovery_problem": "port 5353 is taken"})
    assert broken.verdict is State.PROBLEM
    assert "port 5353 is taken" in broken.seen
    alone = verdict("neighbours", node={"peers": [peer("a", nearby="gone"), peer("b", nearby=None)]})
    assert alone.verdict is State.WARNING
    assert "guest" in alone.next
    assert "Peer a (…aaaaaa)" in verdict("neighbours").seen


def test_the_last_problem_of_each_peer_is_told():
    away = peer("c", connected=False, problem="no address answered: 10.0.0.9 refused")
    found = verdict("peers", node={"peers": [peer("a"), away]})
    assert found.verdict is State.WARNING
    assert "1 of 2" in found.seen
    assert "Peer c (…cccccc): no address answered" in found.seen
    assert "Invite" in verdict("peers", node={"peers": []}).next
