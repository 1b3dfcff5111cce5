"""Whole nodes on a network without a route to anywhere: what a user of several devices in one room sees."""

import time
from collections.abc import Iterator

import pytest
from js_peer import js_peer

from whatnext.lab import Lab, why_not
from whatnext.lab.lan import Lan
from whatnext.lab.whole_node import WholeNode, wait_until

pytestmark = pytest.mark.real

NAMES = ("Anna", "Ben", "Carol")


class Room:
    """Three devices on one network; `listed_s` from the moment the last was ready until all lists were complete."""

    def __init__(self, lab: Lab, lan: Lan, devices: list[WholeNode]) -> None:
        self.lab = lab
        self.lan = lan
        self.devices = devices
        for device in devices:
            device.launch()
        ready = max(device.wait_ready() for device in devices)
        wait_until(self.all_list_all, 10, "all list all")
        self.listed_s = time.monotonic() - ready
        for device, name in zip(devices, NAMES, strict=True):
            device.ask("profile.name", name=name)

    def all_list_all(self) -> bool:
        peers = {device.peer for device in self.devices}
        return all(device.neighbours().keys() >= peers - {device.peer} for device in self.devices)

    def share(self) -> str:
        """Anna's playlist, which all have; its id."""
        anna, *others = self.devices
        playlist = anna.command("playlist", "create", "Kitchen").strip()
        link = anna.command("invite", "Kitchen").strip()
        for other in others:
            other.command("join", link)
        wait_until(lambda: all(playlist in ids(device) for device in others), 10, "all have the playlist")
        return playlist


def ids(device: WholeNode) -> set[str]:
    return {p["id"] for p in device.ask("playlist.list") if p["state"] == "here"}


def titles(device: WholeNode, playlist: str) -> list[str]:
    return [entry["title"] for entry in device.ask("playlist.show", playlist=playlist)["entries"]]


def row(device: WholeNode, other: WholeNode) -> dict:
    found = device.ask("discover")["neighbours"]
    return next((row for row in found if row["peer"] == other.peer), {"state": "unlisted", "name": None})


def known(device: WholeNode, other: WholeNode) -> dict:
    return next(
        (p for p in device.ask("peers.list") if p["peer"] == other.peer),
        {"connected": False, "inSync": False},
    )


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Iterator[Room]:
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        lan, devices = lab.lan("home"), []
        for name in NAMES:
            host = lab.host(name)
            lan.attach(host)
            devices.append(WholeNode(host, tmp_path_factory.mktemp(name)))
        yield Room(lab, lan, devices)


def test_three_devices_find_each_other_share_a_playlist_and_connect_by_name(room):
    _, ben, carol = room.devices
    assert all(device.host.run(["ip", "route", "show", "default"]) == "" for device in room.devices)
    assert room.listed_s < 2
    playlist = room.share()
    carol.command("playlist", "add", "Kitchen", "Jóga", "--artist", "Björk")
    wait_until(
        lambda: all(titles(d, playlist) == ["Jóga"] for d in room.devices), 10, "the track is everywhere"
    )

    wait_until(lambda: row(carol, ben)["name"] == "Ben", 10, "Carol's list names Ben")
    assert "Ben" in carol.command("discover")
    carol.command("disconnect", "ben")
    wait_until(lambda: not known(ben, carol)["connected"], 5, "Ben sees that Carol is away")
    carol.command("connect", "ben")
    wait_until(
        lambda: known(carol, ben)["inSync"] and known(ben, carol)["inSync"], 10, "both are in sync again"
    )


def test_js_libp2p_and_whole_nodes_find_and_dial_each_other_by_mdns(room):
    anna = room.devices[0]
    host = room.lab.host("js")
    room.lan.attach(host)
    host.ip("route add 224.0.0.0/4 dev eth0")  # it names no interface, so it needs a route for multicast
    with js_peer(host.popen, listen=["/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/tcp/0/ws"], mdns=True) as js:
        wait_until(lambda: {d.peer for d in room.devices} <= js.ask("found").keys(), 10, "js found all")
        wait_until(lambda: js.peer in anna.neighbours(foreign=True), 10, "Anna found js")
        assert set(js.ask("found")[anna.peer]) == {
            a.partition("/p2p/")[0] for a in anna.addresses if anna.host.address in a
        }
        assert anna.neighbours(foreign=True)[js.peer]["whatnext"] is False
        assert js.peer not in {row["peer"] for row in anna.ask("discover")["neighbours"]}
        assert known(anna, js)["connected"] is False  # nobody dials a stranger by itself

        assert anna.command("connect", js.peer).startswith(f"{js.peer} /ip4/{host.address}/tcp/")
        wait_until(lambda: known(anna, js).get("problem") is not None, 10, "what is wrong with js is said")
        assert known(anna, js)["problem"] == "peer does not speak /whatnext/sync: is it a WhatNext peer?"
        ben = room.devices[1]
        address = next(a for a in js.ask("found")[ben.peer] if "/ws" in a)
        assert js.ask("dial", address=f"{address}/p2p/{ben.peer}")["peer"] == ben.peer
        assert js.ask("ping", peer=ben.peer) >= 0


def test_who_leaves_is_gone_from_every_list_within_five_seconds(room):
    anna, ben, carol = room.devices
    left = time.monotonic()
    carol.stop()
    wait_until(lambda: row(anna, carol)["state"] == row(ben, carol)["state"] == "gone", 10, "Carol is gone")
    assert time.monotonic() - left < 5
    assert row(anna, ben)["state"] == "here"
    carol.start()
    assert wait_until(room.all_list_all, 10, "Carol is back") < 2


@pytest.mark.soak
def test_who_is_killed_is_gone_from_every_list_within_its_ttl(room):
    anna, ben, carol = room.devices
    killed = time.monotonic()
    carol.kill()
    wait_until(lambda: row(anna, carol)["state"] == row(ben, carol)["state"] == "gone", 140, "Carol is gone")
    print(f"killed: gone after {time.monotonic() - killed:.0f} s")
    assert time.monotonic() - killed < 130
    assert row(anna, ben)["state"] == "here"
