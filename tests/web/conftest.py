"""A real Chromium on pages of real nodes; skipped with the reason where one of them is missing."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import javascript
import pytest

from whatnext.bench.nodes import Node
from whatnext.node.api.pages import BUILT

HERE = Path(__file__).parent
WEB = javascript.ROOT / "web"
Scene = Callable[..., Any]


def why_not() -> str | None:
    if reason := javascript.why_not(WEB):
        return reason
    if not (BUILT / "index.html").exists():
        return "the pages are not built: `make web`"
    return None if shutil.which("chromium") else "Chromium is missing (Debian: apt-get install chromium)"


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    """Plays a scenario of scenarios.mjs; what fails there fails here with its words."""
    if reason := why_not():
        pytest.skip(reason)
    node = javascript.node()
    assert node is not None
    words = [node, str(HERE / "driver.mjs"), shutil.which("chromium")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:

        def play(scenario: str, **args: Any) -> Any:
            driver.stdin.write(json.dumps({"scenario": scenario, "args": args}) + "\n")
            driver.stdin.flush()
            line = driver.stdout.readline()
            assert line, "the browser's driver ended"
            answer = json.loads(line)
            assert "error" not in answer, answer["error"]
            return answer["value"]

        yield play
        driver.stdin.close()
        driver.wait(20)


@pytest.fixture(scope="session")
def ada(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that no test stops, of somebody with a name."""
    node = Node(tmp_path_factory.mktemp("web") / "ada")
    node.start()
    node.ask("profile.name", name="Ada")
    yield node
    node.kill()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Callable[[str], Node]]:
    """Starts nodes by name; they are gone after the test."""
    made: list[Node] = []

    def start(name: str) -> Node:
        node = Node(tmp_path / name)
        made.append(node)
        node.start()
        return node

    yield start
    for node in made:
        node.kill()
