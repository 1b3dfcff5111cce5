"""The demo is the main job: it ends with 0 and the proof, cleans up after itself, and says when something is lost."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

DEMO = Path(__file__).parents[1] / "demo"
SOURCE = Path(__file__).parents[1] / "src"
LIMIT_S = 120


def start(tmp_path, **variables):
    path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": path, "KEEP": "", **variables}
    return subprocess.Popen(
        [sys.executable, str(DEMO / "run.py")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_over(tmp_path):
    """Processes whose command line names the demo's directory."""
    return [
        process.info["pid"]
        for process in psutil.process_iter(["pid", "cmdline"])
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ())
    ]


def eventually(condition, within=20.0):
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.real
def test_the_demo_ends_with_the_proof_and_leaves_nothing_behind(tmp_path):
    demo = start(tmp_path)
    out, err = demo.communicate(timeout=LIMIT_S)
    assert demo.returncode == 0, out + err
    for part in (
        "same heads",
        "sha256",
        "acknowledged edits is in the history of all three",
        "all of it held",
    ):
        assert part in out
    digests = re.findall(r"sha256 (\w+)", out)
    assert len(digests) == 3
    assert len(set(digests)) == 1
    assert re.search(r"studio +killed", out)
    assert re.search(r"van +cut off.* nobody", out)
    assert left_over(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
def test_an_interrupted_demo_stops_its_nodes_and_fails(tmp_path):
    demo = start(tmp_path)
    for line in demo.stdout:
        if "import" in line:
            break
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=LIMIT_S)
    assert demo.returncode not in (0, None)
    assert left_over(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
def test_nodes_end_when_the_demo_is_killed(tmp_path):
    demo = start(tmp_path)
    for line in demo.stdout:
        if "import" in line:
            break
    assert len(left_over(tmp_path)) >= 3
    demo.kill()
    demo.communicate(timeout=LIMIT_S)
    eventually(lambda: left_over(tmp_path) == [])


@pytest.mark.real
def test_with_keep_the_nodes_go_on_and_it_says_how_to_look_and_stop(tmp_path):
    demo = start(tmp_path, KEEP="1")
    # Not communicate: the cables, which go on, hold our stderr open.
    out = demo.stdout.read()
    assert demo.wait(LIMIT_S) == 0, out
    assert len(left_over(tmp_path)) == 3
    profiles = re.findall(r"--profile (\S+) node stop", out)
    assert len(profiles) == 3
    assert "status" in out
    for profile in profiles:
        os.kill(json.loads((Path(profile) / "node.json").read_text())["pid"], signal.SIGTERM)
    eventually(lambda: left_over(tmp_path) == [])


@pytest.fixture
def demo_modules(monkeypatch):
    monkeypatch.syspath_prepend(str(DEMO))
    loaded = {}
    for name in ("band", "screen", "proof"):
        spec = importlib.util.spec_from_file_location(name, DEMO / f"{name}.py")
        loaded[name] = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, loaded[name])
        spec.loader.exec_module(loaded[name])
    return loaded


class Pretender:
    """A device that says what a test tells it to."""

    def __init__(self, name, *, heads=1, shown=("t1",), history=("r1",), acknowledged=("r1",), added=("t1",)):
        self.name, self.node = name, self
        self._heads, self._shown, self._history = heads, shown, history
        self.acknowledged = dict.fromkeys(acknowledged, "add")
        self.added, self.removed, self.in_doubt = set(added), set(), set()

    def heads(self, playlist):
        return {(b"author", b"epoch"): (self._heads, b"hash")}

    def whatnext(self, *words):
        return json.dumps({"entries": [{"id": each} for each in self._shown]}).encode()

    def ask(self, operation, **request):
        return [{"record": each} for each in self._history]


@pytest.mark.parametrize(
    ("odd", "complaint"),
    [
        ({"heads": 2}, "different records"),
        ({"shown": ("t1", "t2")}, "different bytes"),
        ({"history": ()}, "lost 1 acknowledged"),
        ({"acknowledged": ("r1", "r2")}, "lost 1 acknowledged"),
        ({"added": ("t1", "t9")}, "not in the list"),
    ],
)
def test_the_proof_fails_when_one_device_differs(demo_modules, odd, complaint):
    devices = [Pretender("kitchen"), Pretender("studio"), Pretender("van", **odd)]
    with pytest.raises(demo_modules["band"].Failed, match=complaint):
        demo_modules["proof"].prove(devices, "p", demo_modules["screen"].Screen())


def test_the_proof_fails_when_a_removed_track_is_back_or_one_stands_twice(demo_modules):
    devices = [Pretender(name) for name in ("kitchen", "studio", "van")]
    devices[0].removed = {"t1"}
    with pytest.raises(demo_modules["band"].Failed, match="were removed"):
        demo_modules["proof"].prove(devices, "p", demo_modules["screen"].Screen())
    twice = [Pretender(name, shown=("t1", "t1")) for name in ("kitchen", "studio", "van")]
    with pytest.raises(demo_modules["band"].Failed, match="twice"):
        demo_modules["proof"].prove(twice, "p", demo_modules["screen"].Screen())


def test_the_proof_holds_when_all_agree(demo_modules, capsys):
    devices = [Pretender(name) for name in ("kitchen", "studio", "van")]
    demo_modules["proof"].prove(devices, "p", demo_modules["screen"].Screen())
    assert "same heads" in capsys.readouterr().out
