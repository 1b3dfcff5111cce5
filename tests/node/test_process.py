"""Nodes as processes of their own: starting, stopping, dying, finding each other again."""

import http.client
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from whatnext.config import ProfileLock
from whatnext.errors import LocalError
from whatnext.node import node as node_module
from whatnext.node.api.server import bind
from whatnext.node.config import NodeConfig

pytestmark = pytest.mark.real

SOURCE = Path(__file__).parents[2] / "src"
LOOPBACK = ("--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns")  # nodes of other tests are none of its business
PATIENCE_S = 30.0


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUTF8": "1"}


def command(profile: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "whatnext", "--profile", str(profile), *arguments]


def run(profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(profile, *arguments),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def eventually(condition: Callable[[], object], what: str) -> object:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s: {what}"
        time.sleep(0.02)
    return found


class NodeProcess:
    """One node; asked over its local API."""

    def __init__(self, profile: Path, *options: str) -> None:
        self.profile = profile
        self.process = subprocess.Popen(
            command(profile, "node", "--ready-line", *(options or LOOPBACK)),
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            pytest.fail(f"the node did not start: {self.process.communicate()[1]}")
        self.ready = json.loads(line)
        self.peer = self.ready["peer"]

    def ask(self, operation: str, **request: object):
        connection = http.client.HTTPConnection(self.ready["url"].removeprefix("http://"), timeout=20)
        headers = {"Authorization": f"Bearer {self.ready['token']}"}
        connection.request("POST", f"/v1/{operation}", json.dumps(request), headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        assert answer.status == 200, body
        return body

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err

    def sees(self, peer: str) -> dict | None:
        return next((p for p in self.ask("peers.list") if p["peer"] == peer), None)

    def titles(self, playlist: str) -> list[str]:
        if not any(p["id"] == playlist and p["state"] == "here" for p in self.ask("playlist.list")):
            return []
        return [entry["title"] for entry in self.ask("playlist.show", playlist=playlist)["entries"]]


@pytest.fixture
def start(tmp_path):
    """Starts nodes by name, each on the profile of that name; none outlives the test."""
    running: list[NodeProcess] = []

    def starter(name: str, *options: str) -> NodeProcess:
        running.append(NodeProcess(tmp_path / name, *options))
        return running[-1]

    yield starter
    for node in running:
        if node.process.poll() is None:
            node.process.kill()
        node.process.wait()
        for pipe in (node.process.stdin, node.process.stdout, node.process.stderr):
            pipe.close()


def test_a_node_runs_alone_on_its_profile_and_leaves_it_clean(start):
    node = start("anna")
    file = node.profile / "node.json"
    told = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (told["url"], told["token"], told["peer"]) == tuple(
        node.ready[k] for k in ("url", "token", "peer")
    )
    assert told["pid"] == node.process.pid
    assert node.ready["addresses"][0].startswith("/ip4/127.0.0.1/tcp/")

    second = run(node.profile, "node")
    assert second.returncode == 5
    assert second.stderr.startswith(f"whatnext: process {node.process.pid} uses the profile")
    assert "Traceback" not in second.stderr

    assert run(node.profile, "playlist", "create", "Mix").returncode == 0
    assert node.ask("playlist.list")[0]["name"] == "Mix"
    assert node.end(signal.SIGTERM) == (0, "")
    assert not file.exists()
    state = sqlite3.connect(node.profile / "whatnext.db").execute(
        "SELECT value FROM meta WHERE key = 'state'"
    )
    assert state.fetchone()[0] == b"closed"
    assert "Mix" in run(node.profile, "playlist", "list").stdout


def test_a_killed_node_loses_nothing_and_starts_again(start):
    node = start("anna")
    playlist = node.ask("playlist.create", name="Mix")["id"]
    for number in range(20):
        node.ask("playlist.add", playlist=playlist, tracks=[{"title": f"Track {number}"}])
    assert node.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert (node.profile / "node.json").exists()
    assert len(json.loads(run(node.profile, "playlist", "show", "Mix", "--json").stdout)["entries"]) == 20
    again = start("anna")
    assert again.titles(playlist) == [f"Track {number}" for number in range(20)]
    assert again.ready["addresses"] == node.ready["addresses"]  # friends find it where it was
    assert again.ready["token"] != node.ready["token"]
    again.ask("playlist.add", playlist=playlist, tracks=[{"title": "After"}])


def test_a_node_ends_with_the_program_that_started_it(start):
    node = start("anna", "--lifeline", *LOOPBACK)
    node.process.stdin.close()
    assert node.process.wait(timeout=20) == 0
    assert not (node.profile / "node.json").exists()


def test_ctrl_c_and_the_stop_command_end_it_cleanly(start):
    assert start("anna").end(signal.SIGINT)[0] == 0
    node = start("anna")
    assert run(node.profile, "node", "stop").returncode == 0
    assert node.process.wait(timeout=20) == 0


def test_an_address_that_cannot_be_listened_on_is_said_and_leaves_no_trace(tmp_path):
    failed = run(tmp_path / "anna", "node", "--listen", "/ip4/192.0.2.77/tcp/1")
    assert failed.returncode == 5
    assert "/ip4/192.0.2.77/tcp/1" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "anna" / "node.json").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--api-port", "99999"), ("--api-port", "-1"), ("--listen", "nonsense"), ("--announce", "nonsense")],
)
def test_an_option_of_the_node_that_makes_no_sense_is_said_in_one_line(tmp_path, option, value):
    failed = run(tmp_path / "anna", "node", option, value)
    assert failed.returncode == 2
    assert value in failed.stderr
    assert failed.stderr.count("\n") == 1


async def test_a_taken_api_port_is_said(tmp_path):
    with bind(0) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalError, match=f"127.0.0.1:{port}"):
            async with node_module.open_node(tmp_path, NodeConfig(api_port=port)):
                pass


def test_two_nodes_share_a_playlist_and_find_each_other_again(start):
    anna, ben = start("anna"), start("ben")
    anna.ask("profile.name", name="Anna")
    playlist = anna.ask("playlist.create", name="Mix")["id"]
    anna.ask("playlist.add", playlist=playlist, tracks=[{"title": "From Anna"}])
    link = anna.ask("invite.create", playlist=playlist)["link"]
    assert ben.ask("join", link=link, name="Ben")["state"] == "joining"
    eventually(lambda: ben.titles(playlist) == ["From Anna"], "Ben has the playlist")

    [[told]] = [shared["peers"] for shared in ben.ask("node.status")["playlists"]]
    assert (told["peer"], told["name"]) == (anna.peer, "Anna")

    ben.ask("playlist.add", playlist=playlist, tracks=[{"title": "From Ben"}])
    eventually(lambda: anna.titles(playlist) == ["From Anna", "From Ben"], "Anna has Ben's track")
    eventually(lambda: anna.sees(ben.peer)["inSync"] and ben.sees(anna.peer)["inSync"], "both in sync")
    seen = ben.sees(anna.peer)
    assert (seen["connected"], seen["handshaken"], seen["problem"]) == (True, True, None)
    assert [(p["pendingOut"], p["pendingIn"]) for p in seen["playlists"]] == [(0, 0)]
    eventually(
        lambda: "Ben" in {m["name"] for m in anna.ask("members.list", playlist=playlist)}, "Ben's name"
    )
    assert ben.ask("peers.ping", peer=anna.peer, count=2)["lost"] == 0

    assert ben.end(signal.SIGTERM)[0] == 0
    eventually(lambda: not anna.sees(ben.peer)["connected"], "Anna sees that Ben left")
    anna.ask("playlist.add", playlist=playlist, tracks=[{"title": "While Ben was away"}])
    ben = start("ben")
    eventually(lambda: len(ben.titles(playlist)) == 3, "Ben dials Anna by himself")

    anna.end(signal.SIGKILL)
    ben.ask("playlist.add", playlist=playlist, tracks=[{"title": "While Anna was away"}])
    anna = start("anna")
    eventually(lambda: len(anna.titles(playlist)) == 4, "both find each other after Anna was killed")
    eventually(lambda: anna.sees(ben.peer)["inSync"], "in sync")
    assert anna.ask("playlist.show", playlist=playlist) == ben.ask("playlist.show", playlist=playlist)


def test_a_disconnected_peer_stays_away_until_it_is_asked_for(start):
    anna, ben = start("anna"), start("ben")
    playlist = anna.ask("playlist.create", name="Mix")["id"]
    ben.ask("join", link=anna.ask("invite.create", playlist=playlist)["link"])
    eventually(lambda: (ben.sees(anna.peer) or {}).get("inSync"), "joined")
    assert ben.ask("disconnect", peer=anna.peer) == {"peer": anna.peer, "connections": 1}
    steps = [step for life in ben.ask("peers.show", peer=anna.peer)["lives"] for step in life["steps"]]
    ours = {"closed by hand", "this device dropped the link"}  # whichever of the two was quicker to end it
    assert {step["text"] for step in steps if step["kind"] == "unlinked"} <= ours
    anna.ask("playlist.add", playlist=playlist, tracks=[{"title": "Unseen"}])
    assert ben.titles(playlist) == []
    address = anna.ready["addresses"][0]
    assert ben.ask("connect", target=address)["peer"] == anna.peer
    eventually(lambda: ben.titles(playlist) == ["Unseen"], "connected again")


async def test_a_background_task_that_fails_takes_the_node_down_cleanly(tmp_path, monkeypatch):
    failing = trio.Event()

    async def fail(*_: object) -> None:
        await failing.wait()
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(node_module.Contacts, "run", fail)
    config = NodeConfig(listen=("/ip4/127.0.0.1/tcp/0",))

    async def run_it() -> None:
        async with node_module.open_node(tmp_path, config) as node:
            assert (tmp_path / "node.json").exists()
            failing.set()
            await node.stopping.wait()

    with pytest.raises(BaseExceptionGroup) as caught:
        await run_it()
    assert caught.group_contains(ZeroDivisionError)
    assert not (tmp_path / "node.json").exists()
    with ProfileLock(tmp_path):
        assert sqlite3.connect(tmp_path / "whatnext.db").execute("PRAGMA integrity_check").fetchone() == (
            "ok",
        )
