"""Design §2: a layer imports only from those above it in the list, wherever in the file the import stands."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "whatnext"

LAYERS = (
    ("errors", "config", "clock", "rates"),
    ("identity",),
    ("records",),
    ("store",),
    ("playlists", "playback"),
    ("sync",),
    ("rxdb",),
    ("net",),
    ("node",),
    ("relay", "desktop", "embedding", "lab", "kb", "bench", "cli"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# Beside the order: what a layer must not know although it stands higher in the list.
KNOWS_NOTHING_OF = {"net": {"records", "store", "playlists", "sync", "rxdb"}}
MAY_IMPORT_LIBP2P = {"net", "relay"}
IO_MODULES = {
    "asyncio", "http", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "shutil",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "trio", "urllib",
}  # fmt: skip
FOREIGN_NAMES = {"docs", "examples", "interop", "newsfragments", "stubs"}  # py-libp2p's wheel brings these


def imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported; `package` is where relative imports start from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            # `from whatnext import store` names the layer in what is imported.
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {
            "import_module",
            "importlib.import_module",
        }:
            yield from ((node.lineno, a.value) for a in node.args[:1] if isinstance(a, ast.Constant))


def complaint(layer: str, name: str) -> str | None:
    """Why `layer` must not import `name`, or None."""
    top, _, rest = name.partition(".")
    if top == "libp2p" and layer not in MAY_IMPORT_LIBP2P:
        return "only whatnext.net and whatnext.relay import libp2p"
    if layer == "records" and top in IO_MODULES:
        return "whatnext.records does no I/O and takes time and randomness from outside"
    if top in FOREIGN_NAMES:
        return f"the package {top} belongs to some wheel, not to us"
    if top != "whatnext":
        return None
    other = rest.split(".")[0]
    if layer not in RANK or other not in RANK or other == layer:
        return None
    if RANK[other] > RANK[layer] or (RANK[other] == RANK[layer] == RANK["errors"] and other != "errors"):
        return f"whatnext.{other} stands below whatnext.{layer}"
    if other in KNOWS_NOTHING_OF.get(layer, ()):
        return f"whatnext.{layer} knows nothing of whatnext.{other}"
    return None


def offences(text: str, relative: Path) -> list[str]:
    """`file:line: import: why` of every import in a module (path relative to the package) that breaks the rule."""
    layer = relative.parts[0].removesuffix(".py")
    package = ".".join(["whatnext", *relative.parts[:-1]])
    found = ((line, name, complaint(layer, name)) for line, name in imports(ast.parse(text), package))
    return [f"{relative}:{line}: {name}: {why}" for line, name, why in found if why]


def test_every_layer_imports_only_from_those_above_it():
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 4
    found = [offence for file in files for offence in offences(file.read_text(), file.relative_to(SOURCE))]
    assert not found, "\n".join(found)


def test_every_package_has_its_place_in_the_list():
    packages = {
        path.name.removesuffix(".py") for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()
    }
    assert packages - {"__init__", "__main__", "__pycache__", "py.typed"} <= set(RANK)


def test_no_top_level_name_of_ours_hides_or_is_hidden_by_a_librarys():
    # py-libp2p's wheel installs packages of these names: importing ours could give theirs.
    assert not {path.name for path in SOURCE.parent.iterdir()} & FOREIGN_NAMES
    assert {path.name for path in SOURCE.parent.iterdir() if path.suffix != ".egg-info"} == {"whatnext"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("records/a.py", "import whatnext.store"),
        ("records/a.py", "from whatnext import store"),
        ("records/a.py", "from whatnext.store import database"),
        ("records/a.py", "from ..store import database"),
        ("records/a.py", "from .. import store"),
        ("records/deep/a.py", "from ...store import database"),
        ("records/a.py", "def lazy():\n    import whatnext.store.database as d"),
        ("records/a.py", "import importlib\nimportlib.import_module('whatnext.store')"),
        ("records/a.py", "import os.path"),
        ("records/a.py", "from random import Random"),
        ("records/a.py", "def now():\n    from time import time\n    return time()"),
        ("records/a.py", "import sqlite3"),
        ("records/a.py", "import trio"),
        ("clock.py", "from whatnext.identity import Identity"),
        ("clock.py", "from whatnext.config import Settings"),
        ("store/a.py", "from whatnext.playlists import commands"),
        ("sync/a.py", "from whatnext.net.host import Host"),
        ("sync/a.py", "import libp2p.abc"),
        ("rxdb/a.py", "from libp2p import new_host"),
        ("node/a.py", "def late():\n    from libp2p import new_host"),
        ("cli/a.py", "import libp2p"),
        ("net/a.py", "from whatnext.records import codec"),
        ("net/a.py", "from whatnext.sync.session import Session"),
        ("net/a.py", "from whatnext.node import app"),
        ("node/a.py", "from whatnext.cli import main"),
        ("net/a.py", "import interop"),
    ],
)
def test_an_import_against_the_rule_is_caught(file, text):
    assert len(offences(text, Path(file))) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("records/a.py", "from whatnext.errors import InvalidRecord\nfrom . import codec\nimport hashlib"),
        (
            "net/a.py",
            "import libp2p, os\nfrom whatnext.identity import Identity\nfrom whatnext.config import x",
        ),
        ("relay/a.py", "import libp2p\nfrom whatnext.net import host"),
        (
            "cli/a.py",
            "from whatnext.node import app\nfrom whatnext.bench import live\nfrom whatnext import __version__",
        ),
        ("identity.py", "import os\nfrom whatnext.errors import KeyDamaged"),
    ],
)
def test_an_import_along_the_rule_is_not(file, text):
    assert offences(text, Path(file)) == []
