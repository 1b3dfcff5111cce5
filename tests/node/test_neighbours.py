"""Two devices on one Wi-Fi: real nodes in network namespaces with no route to anywhere."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from whatnext.lab import Host, Lab, why_not

pytestmark = pytest.mark.real


class Device:
    """A node in a host, and its command line."""

    def __init__(self, host: Host, profile: Path) -> None:
        self.host = host
        self.profile = profile
        self.node = host.python(
            "-m",
            "whatnext",
            *("--profile", str(profile), "node", "--ready-line", "--lifeline"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.peer = json.loads(self.node.stdout.readline())["peer"]

    def ask(self, *words: str):
        answer = self.host.run(
            [sys.executable, "-m", "whatnext", "--profile", str(self.profile), *words, "--json"]
        )
        return json.loads(answer)

    def end(self) -> None:
        self.node.stdin.close()
        self.node.wait(timeout=20)


@pytest.fixture
def device(tmp_path) -> Iterator[Callable[[str], Device]]:
    if reason := why_not():
        pytest.skip(reason)
    made: list[Device] = []
    with Lab() as lab:
        wifi = lab.lan("wifi")

        def new(name: str) -> Device:
            host = lab.host(name)
            wifi.attach(host)
            made.append(Device(host, tmp_path / name))
            return made[-1]

        yield new
        for each in made:
            each.end()


def until(condition: Callable[[], object], seconds: float = 15.0) -> object:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that in time"
    return found


def test_two_on_one_wifi_find_each_other_and_share_a_playlist_by_name_of_the_peer(device):
    anna, ben = device("anna"), device("ben")
    until(lambda: [n["peer"] for n in ben.ask("discover")["neighbours"]] == [anna.peer])
    assert ben.ask("connect", anna.peer)["path"] == "lan"
    playlist = anna.ask("playlist", "create", "Road trip")["id"]
    ben.ask("join", anna.ask("invite", playlist)["link"])
    until(lambda: ben.ask("playlist", "list")[0]["state"] == "here")
    assert ben.ask("playlist", "show", playlist)["name"] == "Road trip"


def test_members_who_never_had_each_others_address_meet_by_themselves(device):
    anna, ben = device("anna"), device("ben")
    playlist = anna.ask("playlist", "create", "Road trip")["id"]
    link = anna.ask("invite", playlist)["link"]
    ben.ask("join", link)
    carla = device("carla")
    carla.ask("join", link)

    def both_connected() -> bool:
        peers = {p["peer"]: p for p in carla.ask("peers")}
        return all(peers.get(each.peer, {}).get("inSync") for each in (anna, ben))

    until(both_connected)
    anna.end()
    ben.ask("playlist", "add", playlist, "Without the owner")
    until(lambda: carla.ask("playlist", "show", playlist)["entries"])


def test_who_leaves_is_soon_gone_from_the_list(device):
    anna, ben = device("anna"), device("ben")
    until(lambda: ben.ask("discover")["neighbours"])
    anna.end()
    until(lambda: {n["state"] for n in ben.ask("discover")["neighbours"]} == {"gone"}, 5 + 3)
