"""What `make run` and `make test` do first: the pages are built again when their sources changed, and only then."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ["web/src/App.svelte", "web/public/mark.svg", "web/index.html", "web/vite.config.ts"]
SOURCES += ["web/package-lock.json", "clients/js/src/index.ts", "clients/js/src/old.ts"]
BUILDS = (
    "mkdir -p src/whatnext/node/api/dist\ntouch src/whatnext/node/api/dist/index.html\necho built >> builds\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clone that is set up, in which building notes itself and the app does nothing."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    text = (ROOT / "Makefile").read_text()
    (tmp_path / "Makefile").write_text(text)
    locks = next(line for line in text.splitlines() if line.startswith("LOCKS"))
    setup = [*locks.split()[2:], "pyproject.toml", "constraints.txt", "tools/setup.sh", "tools/javascript.sh"]
    for name in [*SOURCES, *setup, ".venv/bin/whatnext", ".venv/.installed"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".venv/bin/whatnext").chmod(0o755)
    (tmp_path / "tools/pages.sh").write_text(BUILDS)
    age(tmp_path)
    os.utime(tmp_path / ".venv/.installed")
    return tmp_path


def age(tree: Path) -> None:
    """Make everything a minute old, so that what is touched from now on is newer."""
    for path in [tree, *tree.rglob("*")]:
        stat = path.stat()
        os.utime(path, ns=(stat.st_mtime_ns - 60 * 10**9,) * 2)


def builds(tree: Path) -> int:
    """How often the pages have been built when `make run` has run once more."""
    subprocess.run(["make", "-s", "run"], cwd=tree, check=True, env={**os.environ, "MAKEFLAGS": ""})
    return (tree / "builds").read_text().count("built")


def test_the_pages_are_built_once(tree):
    assert [builds(tree), builds(tree)] == [1, 1]


@pytest.mark.parametrize("name", SOURCES[:-1])
def test_a_changed_source_has_them_built_again(tree, name):
    assert builds(tree) == 1
    age(tree)
    os.utime(tree / name)
    os.utime(tree / ".venv/.installed")  # a changed lock installs again, which is not looked at here
    assert [builds(tree), builds(tree)] == [2, 2]


def test_a_source_that_went_away_has_them_built_again(tree):
    assert builds(tree) == 1
    age(tree)
    (tree / SOURCES[-1]).unlink()
    assert [builds(tree), builds(tree)] == [2, 2]


def test_a_new_installation_alone_builds_nothing(tree):
    assert builds(tree) == 1
    age(tree)
    os.utime(tree / ".venv/.installed")
    assert builds(tree) == 1
