"""The desktop as a process of its own, on a profile that listens on loopback only."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from whatnext.config import Settings

SOURCE = Path(__file__).parents[2] / "src"
PATIENCE_S = 30.0


def eventually(condition: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> object:
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.02)
    return found


class Desktop:
    """Starts of the app on one profile."""

    def __init__(self, profile: Path) -> None:
        self.profile = profile
        profile.mkdir(mode=0o700, exist_ok=True)
        Settings(profile).listen_on(("/ip4/127.0.0.1/tcp/0",))
        self.environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUTF8": "1"}
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            self.environment.pop(name, None)
        self._started: list[subprocess.Popen[str]] = []

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "whatnext", "--profile", str(self.profile), *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self._started.append(
            subprocess.Popen(self.words(*words), env=self.environment, stdin=subprocess.DEVNULL, **pipes)
        )
        return self._started[-1]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(*words),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def node(self) -> dict | None:
        """`node.json` of a node that lives."""
        try:
            found = json.loads((self.profile / "node.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return found if psutil.pid_exists(found["pid"]) else None

    def ask(self, operation: str, **request: object):
        node = self.node()
        if node is None:
            raise ConnectionError("no node runs")
        connection = http.client.HTTPConnection(node["url"].removeprefix("http://"), timeout=20)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {node['token']}"}
            connection.request("POST", f"/v1/{operation}", json.dumps(request), headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
        assert answer.status == 200, body
        return body

    def ready_node(self) -> dict:
        def answers():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.ask("node.status")
                return self.node()
            return None

        return eventually(answers, "a node answers")

    def clean_up(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        if (node := self.node()) is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(node["pid"]).wait(15)


@pytest.fixture
def desktop(tmp_path) -> Iterator[Desktop]:
    made = Desktop(tmp_path / "profile")
    yield made
    made.clean_up()


@pytest.fixture
def ended():
    """Stops a desktop as its user does, and returns its exit status and what it said."""

    def end(process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[int, str]:
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        return process.returncode, said

    return end
