"""Discovery for real: nodes in processes of their own, on networks without a route to anywhere."""

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from random import Random

import msgspec
import pytest
from zeroconf import DNSOutgoing, DNSPointer, DNSText

from whatnext.lab import Host, Lab, Link, why_not
from whatnext.lab.mdns_peer import Line, identity_of

pytestmark = pytest.mark.real


class Node:
    """A node of `whatnext.lab.mdns_peer` in a host."""

    def __init__(self, host: Host, name: str, stderr: int | None = None) -> None:
        self.host = host
        self.peer = identity_of(name).peer_id
        self.lines: list[Line] = []
        self.process = host.python(
            "-m",
            "whatnext.lab.mdns_peer",
            name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
        self._rest = b""

    def ready(self) -> None:
        assert self.process.stdout.readline().startswith(b"ready")

    def say(self) -> float:
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        return time.monotonic()

    def leave(self) -> float:
        self.process.stdin.close()
        return time.monotonic()

    def read(self) -> None:
        *lines, self._rest = (self._rest + os.read(self.process.stdout.fileno(), 65536)).split(b"\n")
        self.lines += [msgspec.json.decode(line, type=Line) for line in lines]

    def last(self, other: "Node") -> Line | None:
        return next((line for line in reversed(self.lines) if line.peer == other.peer), None)

    def sees(self, other: "Node") -> bool:
        last = self.last(other)
        return last is not None and last.event == "Found"


def until(nodes: list[Node], condition: Callable[[], bool], within: float) -> None:
    """Read what nodes print until the condition holds; fails after `within` seconds."""
    deadline = time.monotonic() + within
    with selectors.DefaultSelector() as selector:
        for node in nodes:
            selector.register(node.process.stdout, selectors.EVENT_READ, node)
        while not condition():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            assert ready, f"not within {within} s: {[node.lines for node in nodes]}"
            for key, _ in ready:
                key.data.read()


def all_see_all(nodes: list[Node]) -> bool:
    return all(a.sees(b) for a in nodes for b in nodes if a is not b)


class Lan:
    """Three nodes on one bridge."""

    def __init__(self, lab: Lab, names: str = "abc") -> None:
        self.lan = lab.lan("home")
        hosts = [lab.host(name) for name in names]
        self.links: list[Link] = [self.lan.attach(host) for host in hosts]
        self.nodes = [Node(host, name) for host, name in zip(hosts, names, strict=True)]
        for node in self.nodes:
            node.ready()


@pytest.fixture
def lab() -> Iterator[Lab]:
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        yield lab


@pytest.fixture
def lan(lab: Lab) -> Lan:
    return Lan(lab)


@pytest.fixture
def met(lan: Lan) -> Lan:
    for node in lan.nodes:
        node.say()
    until(lan.nodes, lambda: all_see_all(lan.nodes), 10)
    return lan


def test_everybody_sees_everybody_within_two_seconds_with_the_real_addresses_and_no_route(lan):
    started = max(node.say() for node in lan.nodes)
    until(lan.nodes, lambda: all_see_all(lan.nodes), 10)
    assert (
        max(node.last(other).at for node in lan.nodes for other in lan.nodes if node is not other)
        < started + 2
    )
    for node in lan.nodes:
        assert node.host.run(["ip", "route", "show", "default"]) == ""
        for other in lan.nodes:
            if other is not node:
                line = node.last(other)
                assert line.whatnext
                assert line.addresses == (
                    f"/ip4/{other.host.address}/tcp/4001",
                    f"/ip4/{other.host.address}/tcp/4002/ws",
                )


def test_who_comes_later_is_seen_and_sees(lan):
    early, late = lan.nodes[:2], lan.nodes[2]
    for node in early:
        node.say()
    until(early, lambda: all_see_all(early), 10)
    started = late.say()
    until(lan.nodes, lambda: all_see_all(lan.nodes), 10)
    assert max(late.last(early[0]).at, early[0].last(late).at) < started + 2


def test_who_leaves_is_lost_within_a_second_and_its_process_ends(met):
    a, b, c = met.nodes
    left = c.leave()
    until([a, b], lambda: not a.sees(c) and not b.sees(c), 5)
    assert a.last(c).event == b.last(c).event == "Lost"
    assert a.last(c).at < left + 1
    assert c.process.wait(5) == 0
    assert a.sees(b)


def test_a_node_that_gets_another_address_is_found_there(met):
    a, _, c = met.nodes
    c.host.ip(f"addr del {c.host.address}/24 dev eth0", "addr add 10.1.0.99/24 dev eth0")
    until([a], lambda: a.last(c).addresses == ("/ip4/10.1.0.99/tcp/4001", "/ip4/10.1.0.99/tcp/4002/ws"), 10)
    assert a.sees(c)


def test_a_node_that_moves_to_another_network_loses_the_old_neighbours_and_finds_the_new(lab, met):
    a, b, c = met.nodes
    cafe, dora = lab.lan("cafe"), lab.host("dora")
    cafe.attach(dora)
    d = Node(dora, "d")
    d.ready()
    d.say()
    met.links[2].unplug()
    cafe.attach(c.host)
    started = time.monotonic()
    until([c, d], lambda: c.sees(d) and d.sees(c), 10)
    until([c], lambda: c.last(a).event == c.last(b).event == "Lost", 20)
    assert c.last(a).at < started + 10
    assert a.sees(b)


def test_a_node_that_starts_without_any_network_finds_its_neighbours_when_it_gets_one(lab, met):
    a = met.nodes[0]
    dora = lab.host("dora")
    dora.ip("link set lo down")
    d = Node(dora, "d")
    d.ready()
    d.say()
    until([d], lambda: bool(d.lines), 10)
    assert d.lines[0].event == "Open"
    met.lan.attach(dora)
    started = time.monotonic()
    until([a, d], lambda: a.sees(d) and d.sees(a), 15)
    assert a.last(d).at < started + 6


def test_two_nodes_on_one_machine_without_a_network_find_each_other(lab):
    alone = lab.host("alone")
    nodes = [Node(alone, "a"), Node(alone, "b")]
    for node in nodes:
        node.ready()
        node.say()
    until(nodes, lambda: all_see_all(nodes), 10)
    assert nodes[0].last(nodes[1]).addresses[0].startswith("/ip4/127.0.0.1/")


def test_a_node_killed_and_started_again_never_leaves_the_list(met):
    a, _, c = met.nodes
    c.process.kill()
    again = Node(c.host, "c")
    again.ready()
    before = len(a.lines)
    again.say()
    until([again], lambda: again.sees(a), 10)
    assert [line.event for line in a.lines[before:] if line.peer == c.peer and line.event == "Lost"] == []
    assert a.sees(c)


def test_a_node_whose_port_another_program_holds_for_itself_says_so(lab):
    host = lab.host("anna")
    lab.lan("home").attach(host)
    with host.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as holder:
        holder.bind(("", 5353))
        node = Node(host, "a", stderr=subprocess.PIPE)
        node.ready()
        node.say()
        assert b"NetworkError: peers on this network cannot be found: mDNS" in node.process.stderr.read()
        assert node.process.wait(5) == 1


GROUP = ("224.0.0.251", 5353)
SERVICE = "_p2p._udp.local."


def multicast(host: Host) -> socket.socket:
    """A socket of a host that sends to the group although there is no route to it."""

    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host.address))
        return made

    return host.inside(make)


def as_js_libp2p_answers(name: str, peer: str, *addresses: str, ttl: int = 120) -> bytes:
    """A pointer, and one TXT record an address, none of them marked as the only one of its name."""
    out = DNSOutgoing(0x8400)
    out.add_answer_at_time(DNSPointer(SERVICE, 12, 1, ttl, f"{name}.{SERVICE}"), 0)
    for address in addresses:
        string = f"dnsaddr={address}/p2p/{peer}".encode()
        text = bytes([len(string)]) + string
        out.add_answer_at_time(DNSText(f"{name}.{SERVICE}", 16, 1, ttl, text), 0)
    return out.packets()[0]


def test_a_foreign_node_is_seen_with_all_its_addresses_marked_as_foreign_and_leaves_with_its_goodbye(
    lab, met
):
    a, kubo = met.nodes[0], lab.host("kubo")
    met.lan.attach(kubo)
    peer = identity_of("kubo").peer_id
    addresses = ("/ip4/127.0.0.1/tcp/5001", "/ip4/10.1.0.5/tcp/5001", "/ip4/10.1.0.5/tcp/5002/ws")
    with multicast(kubo) as speaking:
        speaking.sendto(as_js_libp2p_answers("Kd3zFlwx53", peer, *addresses), GROUP)
        until([a], lambda: a.lines[-1].peer == peer, 5)
        assert (a.lines[-1].event, a.lines[-1].addresses, a.lines[-1].whatnext) == (
            "Found",
            addresses[1:],
            False,
        )
        speaking.sendto(as_js_libp2p_answers("kd3zflwx53", peer, *addresses, ttl=0), GROUP)
        until([a], lambda: a.lines[-1].event == "Lost", 5)
    assert a.lines[-1].peer == peer


def test_a_storm_of_rubbish_and_of_invented_nodes_neither_stops_nor_blinds_it(lab, met):
    a, b, c = met.nodes
    rogue, random = lab.host("rogue"), Random(5)
    met.lan.attach(rogue)
    packet = as_js_libp2p_answers("x" * 40, identity_of("ghost").peer_id, "/ip4/10.1.0.9/tcp/1")
    with multicast(rogue) as storming:
        for number in range(2000):
            broken = bytearray(packet)
            for _ in range(random.randint(1, 8)):
                broken[random.randrange(len(broken))] = random.randrange(256)
            storming.sendto(broken[: random.randint(1, len(broken))], GROUP)
            invented = identity_of(f"{number}").peer_id
            storming.sendto(as_js_libp2p_answers(f"n{number}", invented, "/ip4/10.1.0.9/tcp/1"), GROUP)
    c.leave()
    until([a, b], lambda: all(n.last(c) is not None and n.last(c).event == "Lost" for n in (a, b)), 20)
    assert a.process.poll() is None
    assert a.sees(b)


@pytest.mark.soak
def test_a_killed_node_is_quiet_after_a_minute_and_lost_within_its_ttl(met):
    a, b, c = met.nodes
    c.process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    until([a, b], lambda: not a.sees(c) and a.last(c).event == "Lost" and b.last(c).event == "Lost", 140)
    quiet = next(line for line in a.lines if line.peer == c.peer and line.event == "Quiet")
    assert 40 < quiet.at - killed < 90
    assert a.last(c).at - killed < 130
    assert a.sees(b)
    assert b.sees(a)


@pytest.mark.soak
def test_a_link_that_is_cut_and_heals_brings_the_node_back_within_an_announcement(met):
    a, _, c = met.nodes
    met.links[2].cut()
    until([a, c], lambda: a.last(c).event == "Lost" and c.last(a).event == "Lost", 140)
    met.links[2].heal()
    healed = time.monotonic()
    until([a, c], lambda: a.sees(c) and c.sees(a), 60)
    assert max(a.last(c).at, c.last(a).at) - healed < 40
