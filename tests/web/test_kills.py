"""The node killed under a person's hands: the desktop starts it again, the page goes on, and nothing is lost."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest
from browser_control import obeying

from whatnext.config import Settings
from whatnext.node import state_file

pytestmark = pytest.mark.real


class Desktop:
    """The app on a profile, its address printed, and calls to whichever node it runs."""

    def __init__(self, profile: Path) -> None:
        self.profile = profile
        profile.mkdir(mode=0o700)
        settings = Settings(profile)
        settings.rename("Ada", None)
        settings.listen_on(("/ip4/127.0.0.1/tcp/0",))
        words = [sys.executable, "-m", "whatnext", "--profile", str(profile), "open", "--in", "terminal"]
        source = str(Path(__file__).parents[2] / "src")
        environment = {**os.environ, "PYTHONPATH": source, "PYTHONUTF8": "1"}
        with (profile / "said.txt").open("w") as said:
            self.process = subprocess.Popen(
                words,
                env=environment,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        began = time.monotonic()
        assert self.process.stdout.readline().startswith("http://")
        self.started_s = time.monotonic() - began

    def ask(self, operation: str, **request):
        node = state_file.read(self.profile)
        if node is None:
            raise ConnectionError("no node")
        connection = http.client.HTTPConnection(urlsplit(node.url).netloc, timeout=20)
        try:
            headers = {"Authorization": f"Bearer {node.token}"}
            connection.request("POST", f"/v1/{operation}", json.dumps(request), headers)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def titles(self, playlist: str) -> list[str]:
        return [entry["title"] for entry in self.ask("playlist.show", playlist=playlist)["entries"]]


@pytest.fixture
def desktop(tmp_path) -> Iterator[Desktop]:
    made = Desktop(tmp_path / "ada")
    yield made
    made.process.send_signal(signal.SIGINT)
    made.process.wait(20)


def control_of(desktop: Desktop, playlist: str, away_s: list[float]) -> AbstractContextManager[str]:
    """A server for the browser's driver: `/kill` kills the node -9, `/has/TITLE` is 200 once the node has it.

    `away_s` gets how long the node answered nobody, for each kill.
    """
    killed_at: list[float] = []

    def do(path: str) -> bool:
        if path == "/kill":
            os.kill(state_file.read(desktop.profile).pid, signal.SIGKILL)
            killed_at.append(time.monotonic())
            return True
        try:
            found = path.rpartition("/")[2] in desktop.titles(playlist)
        except (OSError, http.client.HTTPException, json.JSONDecodeError, KeyError):
            return False
        if len(away_s) < len(killed_at):
            away_s.append(time.monotonic() - killed_at[-1])
        return found

    return obeying(do)


@pytest.mark.soak
def test_a_node_killed_twenty_times_under_edits_from_the_page_loses_nothing(scene, desktop, capsys):
    playlist = desktop.ask("playlist.create", name="Fragile")["id"]
    link = desktop.ask("node.browse")["url"]
    away_s: list[float] = []
    with control_of(desktop, playlist, away_s) as control:
        seen = scene("killed", link=link, playlist=playlist, control=control, times=20)
    back = sorted(seen["back"])
    with capsys.disabled():
        print(f"\nms from the kill until a new edit was in the node: {seen['back']}, median {median(back):g}")
        print(f"ms until the node answered at all: {[round(1000 * each) for each in away_s]}")
    assert seen["complaints"] == []
    expected = [f"{when}{round_}" for round_ in range(20) for when in ("before", "away")]
    assert desktop.titles(playlist) == expected
    # With other work on the machine every start takes longer.
    assert median(back) < max(3000, 2000 * desktop.started_s)
