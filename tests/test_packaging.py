"""What `pip install` of WhatNext brings: a wheel with the built pages, also from a source archive, that works alone."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import urllib.request
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from whatnext.node.api.pages import BUILT

ROOT = Path(__file__).parents[1]
pytest.importorskip("hatchling", reason="hatchling builds the wheel, and is not installed: make setup")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    from hatchling.builders.wheel import WheelBuilder

    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")))))


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    from hatchling.builders.sdist import SdistBuilder

    return Path(next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("archive")))))


@pytest.fixture
def needs_pages() -> None:
    if not (BUILT / "index.html").exists():
        pytest.skip("the pages are not built: make web")


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as packed:
        return set(packed.namelist())


def test_a_wheel_brings_every_module_and_nothing_beside_the_package(wheel):
    source = ROOT / "src"
    modules = {file.relative_to(source).as_posix() for file in (source / "whatnext").rglob("*.py")}
    assert modules <= names(wheel)
    assert {PurePosixPath(name).parts[0] for name in names(wheel)} == {"whatnext", "whatnext-0.1.0.dist-info"}
    assert not [name for name in names(wheel) if "__pycache__" in name or "node_modules" in name]


def test_a_wheel_brings_what_is_no_module(wheel):
    packed = names(wheel)
    assert {"whatnext/py.typed", "whatnext/desktop/icon.svg"} <= packed
    assert "whatnext-0.1.0.dist-info/licenses/LICENSE" in packed
    with zipfile.ZipFile(wheel) as opened:
        assert b"whatnext = whatnext.cli:main" in opened.read("whatnext-0.1.0.dist-info/entry_points.txt")


@pytest.mark.usefixtures("needs_pages")
def test_a_wheel_brings_the_pages_as_they_were_built(wheel):
    built = {file.relative_to(BUILT): file.read_bytes() for file in BUILT.rglob("*") if file.is_file()}
    with zipfile.ZipFile(wheel) as packed:
        for name, body in built.items():
            assert packed.read(f"whatnext/node/api/dist/{name.as_posix()}") == body
    assert any(name.suffix == ".js" for name in built)
    assert b"## svelte" in built[Path("licenses.md")]  # what is passed on names whose it is


def test_a_source_archive_makes_the_same_wheel_without_npm(archive, wheel, tmp_path):
    from hatchling.builders.wheel import WheelBuilder

    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path)  # our own; `filter` is younger than Debian 12
    (unpacked,) = tmp_path.iterdir()
    again = Path(next(WheelBuilder(str(unpacked)).build(directory=str(tmp_path / "made"))))
    assert names(again) == names(wheel)


def test_a_source_archive_holds_no_packages_of_others(archive):
    with tarfile.open(archive) as packed:
        parts = {part for name in packed.getnames() for part in PurePosixPath(name).parts}
    assert not parts & {"node_modules", ".venv", "__pycache__", ".git", ".hypothesis"}


@pytest.mark.real
@pytest.mark.usefixtures("needs_pages")
def test_what_a_wheel_installs_runs_and_serves_the_page(wheel, tmp_path):
    programs, site = fresh_environment(tmp_path / "venv")
    pip = [sys.executable, "-m", "pip", "--python", str(tmp_path / "venv"), "install", "-q"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ask = [programs / "python", "-c", "import whatnext; print(whatnext.__file__)"]
    imported = subprocess.run(ask, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert site in Path(imported.stdout.strip()).parents
    flags = ["--ready-line", "--no-mdns", "--no-upnp"]
    command = [programs / "whatnext", "--profile", tmp_path / "profile", "node", *flags]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, env=environment)
    try:
        url = json.loads(node.stdout.readline())["url"]
        page = urllib.request.urlopen(url).read()
    finally:
        node.send_signal(signal.SIGTERM)
        assert node.wait(30) == 0
    assert page == (BUILT / "index.html").read_bytes()


def fresh_environment(home: Path) -> tuple[Path, Path]:
    """Where its programs and its packages lie: a virtual environment with the tests' libraries and no WhatNext.

    That one is linked into the tests' environment by a .pth file, and those of another folder are not followed.
    """
    venv.create(home, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    return home / "bin", site
