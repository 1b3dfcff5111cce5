"""The pages about defects of py-libp2p are true: their programs show them, the lines they name are there."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import IO

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "upstream").glob("[0-9][0-9]-*.md"))
WARM = ["aioquic.quic.connection", "libp2p.kad_dht.kad_dht", "libp2p.transport.quic.listener", "trio.testing"]
WARM += ["libp2p.relay.circuit_v2.transport", "libp2p.discovery.rendezvous.service", "libp2p.peer.persistent"]
AIORTC = importlib.util.find_spec("aiortc") is not None
if AIORTC:
    WARM.append("libp2p.transport.webrtc.listener")


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def program_of(page: Path) -> str:
    """Its one python fence, after as many empty lines as stand before it: tracebacks have the page's lines."""
    text = text_of(page)
    [fence] = re.finditer(r"(?ms)^```python\n(.*?)^```$", text)
    return "\n" * text.count("\n", 0, fence.start(1)) + fence[1]


def needs_aiortc(page: Path) -> bool:
    return bool(re.search("webrtc|aiortc", program_of(page)))


def each_page() -> list[object]:
    missing = pytest.mark.skipif(not AIORTC, reason="the extra webrtc is not installed")
    return [pytest.param(page, id=page.stem, marks=[missing] if needs_aiortc(page) else []) for page in PAGES]


def canaries() -> Iterator[str]:
    for file in sorted((ROOT / "tests").rglob("test_canaries*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name


def wrong_lines(text: str) -> list[str]:
    """What of the `file:line`: `code` in a page is not there in the packages that are installed."""
    wrong = []
    for name, number, code in re.findall(r"`([\w./-]+):(\d+)`: `(.+?)`\n", text):
        package, _, rest = name.partition("/")
        if package == "aiortc" and not AIORTC:
            continue
        spec = importlib.util.find_spec(package.partition("-")[0])
        assert spec is not None
        assert spec.origin is not None
        lines = (Path(spec.origin).parents[1] / package / rest).read_text("utf-8").splitlines()
        if not (int(number) <= len(lines) and code in lines[int(number) - 1]):
            wrong.append(f"{name}:{number}: {code}")
    return wrong


class Warm:
    """Runs scripts in forks of one process that has imported libp2p: fifty times that second would be a minute."""

    def __init__(self, asking: IO[str], answers: IO[str]) -> None:
        self._asking, self._answers = asking, answers
        self._ended: dict[str, tuple[int, str]] = {}

    def start(self, scripts: list[Path]) -> None:
        print(json.dumps([str(script) for script in scripts]), file=self._asking, flush=True)

    def ended(self, script: Path) -> tuple[int, str]:
        """Exit status and output of a script that was started."""
        while str(script) not in self._ended:
            line = self._answers.readline()
            assert line, "the process that runs the programs has ended; what it said is above"
            path, status, printed = json.loads(line)
            self._ended[path] = status, printed
        return self._ended[str(script)]


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    command = [sys.executable, str(ROOT / "tests" / "helpers" / "warm_scripts.py"), *WARM]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Warm(process.stdin, process.stdout)
        process.stdin.close()


@pytest.fixture(scope="module")
def shown(
    warm: Warm, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], tuple[int, str]]:
    """How the program of a page ended. All pages that this run of pytest asks for are started at once."""
    own = [item for item in request.session.items if item.path == request.path]
    wanted = {item.callspec.params["page"] for item in own if "shown" in item.fixturenames}
    folders = {page: tmp_path_factory.mktemp(page.stem) for page in sorted(wanted)}
    scripts = {page: folder / page.name for page, folder in folders.items()}
    for page, script in scripts.items():
        script.write_text(program_of(page), "utf-8")
    warm.start([script for page, script in scripts.items() if AIORTC or not needs_aiortc(page)])
    return lambda page: warm.ended(scripts[page])


@pytest.mark.real
@pytest.mark.parametrize("page", each_page())
def test_the_program_of_a_page_shows_the_defect(page, shown):
    status, printed = shown(page)
    assert status == 0, f"fixed? then take out the page and what works round it.\n{printed}"


@pytest.mark.real
@pytest.mark.parametrize(
    ("code", "status", "printed"),
    [
        ("print('fine')", 0, "fine"),
        ("assert 1 > 2", 1, "AssertionError"),
        ("raise SystemExit('no')", 1, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15, ""),
    ],
)
def test_a_program_that_fails_is_told(code, status, printed, warm, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(code)
    warm.start([script])
    got, said = warm.ended(script)
    assert got == status
    assert printed in said


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_a_page_names_lines_that_are_there_and_a_program_without_whatnext(page):
    text = text_of(page)
    assert re.search(r"`[\w./-]+:\d+`: `", text)
    assert wrong_lines(text) == []
    assert "whatnext" not in program_of(page)


def test_a_wrong_line_is_found():
    assert wrong_lines("- `libp2p/io/utils.py:1`: `no such code`\n") == ["libp2p/io/utils.py:1: no such code"]
    assert wrong_lines("- `libp2p/io/utils.py:99999`: `from`\n") == ["libp2p/io/utils.py:99999: from"]
    assert wrong_lines("- `libp2p/io/utils.py:1`: `from libp2p.io.abc import (`\n") == []


def test_every_canary_is_named_by_a_page_and_every_canary_named_exists():
    there = set(canaries())
    named = {
        name
        for page in (ROOT / "docs" / "upstream").glob("*.md")
        for name in re.findall(r"`(test_\w+)`", text_of(page))
    }
    assert len(there) > 40
    unnamed = sorted(there - named)
    assert not unnamed, f"write a page for it (docs/templates/template-upstream.md): {unnamed}"
    assert not named - there, sorted(named - there)


def test_the_overview_names_every_page():
    overview = text_of(ROOT / "docs" / "upstream" / "README.md")
    assert [page.name for page in PAGES if f"]({page.name})" not in overview] == []
    assert len({page.name[:2] for page in PAGES}) == len(PAGES) > 40


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("upstream_issue", ROOT / "tools" / "upstream_issue.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_ten_worst_are_ten_and_come_out_ready_to_file(capsys):
    assert len(set(tool().worst())) == 10
    assert tool().main([]) == 0
    told = capsys.readouterr().out
    assert (
        told.count("## Smallest program")
        == told.count("## Suggested fix")
        == told.count("libp2p 0.8.1")
        == 10
    )
    assert told.startswith(
        "A stream opened with invalid UTF-8 stops the whole swarm\n\n## What happens\nOne stream"
    )
    assert "whatnext" not in told
    assert "](../" not in told


def test_an_issue_of_a_page_that_is_not_there_is_refused(capsys):
    assert tool().main(["02", "98"]) == 2
    assert capsys.readouterr().err == "docs/upstream has no page 98\n"
