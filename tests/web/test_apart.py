"""Two people in browsers whose devices lose each other and meet again; the cables are those of the demo."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import javascript
import pytest
from browser_control import obeying

from whatnext.bench.nodes import Node

pytestmark = pytest.mark.real
WIRES = javascript.ROOT / "demo" / "wires.py"


@pytest.fixture
def wires() -> Iterator[Callable[..., int]]:
    """Commands the process through which every connection of the two runs."""
    with subprocess.Popen(
        [sys.executable, str(WIRES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def tell(do: str, **words: Any) -> int:
            process.stdin.write(json.dumps({"do": do, **words}) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield tell
        process.stdin.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pair(wires, tmp_path: Path) -> Iterator[list[Node]]:
    """Ada's node and Ben's, which know each other's sockets at the cables only."""
    made = []
    for name in ("ada", "ben"):
        port = free_port()
        outside = wires("add", device=name, port=port)
        node = Node(tmp_path / name, f"/ip4/127.0.0.1/tcp/{port}")
        made.append(node)
        node.start("--announce", f"/ip4/127.0.0.1/tcp/{outside}")
        wires("started", device=name, pid=node.pid)
        node.ask("profile.name", name=name.capitalize())
    yield made
    for node in made:
        node.kill()


@pytest.fixture
def control(wires) -> Iterator[str]:
    """Where the browser's driver has Ben cut off (`/cut`), and let in again (`/heal`)."""

    def do(path: str) -> bool:
        _ = wires("cut", device="ben") if path == "/cut" else wires("heal")
        return True

    with obeying(do) as url:
        yield url


def test_two_who_lose_each_other_go_on_and_agree_when_they_meet_again(scene, pair, control):
    ada, ben = pair
    playlist = ada.ask("playlist.create", name="Apart")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": title} for title in ("One", "Two", "Three")])
    ben.ask("join", link=ada.ask("invite.create", playlist=playlist)["link"])
    links = {name: node.ask("node.browse")["url"] for name, node in (("ada", ada), ("ben", ben))}
    assert scene("apart", **links, playlist=playlist, control=control) == []
