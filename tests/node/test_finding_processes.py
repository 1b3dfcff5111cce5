"""Nodes as processes find each other from the PeerID alone, with mDNS off (issue 3, “what it must show” 3)."""

import http.client
import json
import socket
import sqlite3
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from whatnext.bench.nodes import Node

pytestmark = pytest.mark.real

PATIENCE_S = 30.0
ABSENT = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"  # a valid PeerID that nobody here has


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s: {what}"
        time.sleep(0.05)
    return found


@pytest.fixture
def nodes(tmp_path):
    """Makes nodes by name, each on the profile of that name and on a new port; none outlives the test."""
    made: list[Node] = []

    def make(name):
        made.append(Node(tmp_path / name, f"/ip4/127.0.0.1/tcp/{free_port()}"))
        return made[-1]

    yield make
    for node in made:
        node.kill()


def begin(*started):
    """Start (node, options) pairs together."""
    for node, options in started:
        node.launch(*options)
    for node, _ in started:
        node.wait_ready()


def connected(node, peer):
    return any(c["peer"] == peer for c in node.ask("node.status")["connections"])


def known_addresses(node, other):
    """Addresses of the other that stand in the node's book."""
    book = sqlite3.connect(f"file:{node.directory / 'whatnext.db'}?mode=ro", uri=True)
    row = book.execute("SELECT addresses FROM peers WHERE peer = ?", (other.peer,)).fetchone()
    book.close()
    return [f"{entry[0]}/p2p/{other.peer}" for entry in json.loads(row[0])] if row else []


def cli(node, *words):
    return subprocess.run(
        [sys.executable, "-m", "whatnext", "--profile", str(node.directory), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_found_by_the_address_book_after_both_restarted_on_new_ports(nodes):
    anna, ben = nodes("anna"), nodes("ben")
    begin((anna, ()), (ben, ()))
    peers = {"anna": anna.peer, "ben": ben.peer}
    anna.ask("connect", target=ben.addresses[0])
    eventually(lambda: connected(ben, anna.peer), "Ben met Anna")
    anna.stop()
    again = nodes("anna")
    begin((again, ()))
    assert again.addresses != anna.addresses
    eventually(lambda: connected(ben, again.peer), "Anna told Ben her new port, unasked")
    ben.stop()
    anna, ben = again, nodes("ben")
    begin((ben, ()))
    eventually(lambda: ben.addresses[0] in known_addresses(anna, ben), "and Ben told her his")
    anna.kill()
    anna = Node(anna.directory)  # where it was: it tells nobody anything
    try:
        begin((anna, ()))
        made = anna.ask("connect", target=peers["ben"])
        assert ben.addresses[0] == f"{made['address']}/p2p/{peers['ben']}"
    finally:
        anna.kill()


def test_found_by_rendezvous_also_after_a_restart_on_a_new_port_and_not_when_off(nodes):
    relay, anna, ben = nodes("relay"), nodes("anna"), nodes("ben")
    begin((relay, ("--serve", "rendezvous")))
    using = ("--relay", relay.addresses[0])
    begin((anna, using), (ben, using))
    assert eventually(lambda: found(ben, anna.peer), "Anna has registered")["peer"] == anna.peer
    old = anna.addresses
    anna.stop()

    failed = cli(ben, "connect", anna.peer, "--json")
    assert failed.returncode == 8
    tried = {(t["way"], t.get("address")): t["reason"] for t in json.loads(failed.stdout)["tried"]}
    assert tried["address book", old[0].partition("/p2p/")[0]] == "refused: nothing listens there"
    assert tried["this network", None] == "the node was started with --no-mdns"
    assert tried["rendezvous", None] == f"at …{relay.peer[-6:]}: not registered there", (
        "it took its word back"
    )
    assert {way for way, _ in tried} == {
        "address book",
        "this network",
        "relays",
        "friends",
        "rendezvous",
        "DHT",
    }
    assert "Is it online, with WhatNext running?" in failed.stderr
    assert "Traceback" not in failed.stderr

    anna = nodes("anna")
    begin((anna, using))
    assert anna.addresses != old
    eventually(lambda: found(ben, anna.peer) or connected(ben, anna.peer), "found at the new port")


def found(node, peer):
    """What `connect` answers, or None when it fails."""
    connection = http.client.HTTPConnection(urlsplit(node.url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {node.token}"}
    connection.request("POST", "/v1/connect", json.dumps({"target": peer}), headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return body if answer.status == 200 else None


def test_two_who_joined_through_the_same_friend_find_each_other_and_again_on_new_ports(nodes):
    cleo, anna, ben = nodes("cleo"), nodes("anna"), nodes("ben")
    begin((cleo, ()), (anna, ()), (ben, ()))
    playlist = cleo.ask("playlist.create", name="Kitchen")["id"]
    for friend in (anna, ben):
        friend.ask("join", link=cleo.ask("invite.create", playlist=playlist)["link"])
    took = time.monotonic()
    eventually(lambda: connected(anna, ben.peer) and connected(ben, anna.peer), "Cleo introduced them")
    print(f"introduced after {time.monotonic() - took:.1f} s")
    ben.kill()
    anna.kill()
    old = {*anna.addresses, *ben.addresses}
    anna, ben = nodes("anna"), nodes("ben")
    begin((anna, ()), (ben, ()))
    assert not old & {*anna.addresses, *ben.addresses}
    eventually(lambda: connected(anna, ben.peer) and connected(ben, anna.peer), "and again")


@pytest.mark.parametrize("count", [4, pytest.param(8, marks=pytest.mark.soak)])
def test_found_through_the_dht(nodes, count):
    root, *servers, first, last = [nodes(f"node{number}") for number in range(count)]
    begin((root, ("--serve", "dht")))
    using = ("--relay", root.addresses[0])  # clients are in nobody's table: only the DHT can introduce them
    begin(*((node, (*using, "--serve", "dht")) for node in servers), (first, using), (last, using))
    made = eventually(lambda: found(first, last.peer), "the last node is known in the DHT")
    assert made["address"] == last.addresses[0].partition("/p2p/")[0]

    began = time.monotonic()
    problem = cli(first, "connect", ABSENT)
    assert time.monotonic() - began < 15
    assert problem.returncode == 8
    assert "DHT: no node in it knows this peer" in problem.stderr
    assert "rendezvous: at" in problem.stderr
    assert "it serves no rendezvous" in problem.stderr
