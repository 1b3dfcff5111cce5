"""Code in the documents is true: every ```python fence runs as a script of its own.

Those of docs/upstream do in `test_upstream.py`.
"""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECONDS = 60  # a fence should need less than 2; a busy machine may need more


def fences(text: str) -> Iterator[tuple[int, str]]:
    """First line number and code of every python fence, indented ones too."""
    for match in re.finditer(r"(?ms)^( *)```python\b[^\n]*\n(.*?)(?:^\1```|\Z)", text):
        yield text.count("\n", 0, match.start(2)) + 1, textwrap.dedent(match[2])


def complaint(name: str, line: int, code: str, directory: Path) -> str | None:
    """What a fence printed when it failed, or None; lines in its traceback are those of the document."""
    script = directory / name.replace("/", "_")
    script.write_text("\n" * (line - 1) + code, "utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", str(script)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "HOME": str(directory), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return (
        None
        if run.returncode == 0
        else f"{name}:{line}: exit status {run.returncode}\n{run.stdout}{run.stderr}"
    )


def collected() -> Iterator[tuple[str, int, str]]:
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if file.exists() and file.parent.name != "upstream":
            yield from (
                (file.relative_to(ROOT).as_posix(), *fence) for fence in fences(file.read_text("utf-8"))
            )


FENCES = [pytest.param(*fence, id=f"{fence[0]}:{fence[1]}") for fence in collected()]


@pytest.mark.parametrize(("name", "line", "code"), FENCES)
def test_code_in_a_document_runs(name, line, code, tmp_path):
    problem = complaint(name, line, code, tmp_path)
    assert problem is None, problem


def test_fences_are_found_with_their_lines():
    text = (
        "a\n```python\nx = 1\n```\n```text\nno\n```\n- b\n  ```python\n  y = 2\n  ```\n```pythonic\nno\n```\n"
    )
    assert list(fences(text)) == [(3, "x = 1\n"), (10, "y = 2\n")]


def test_a_fence_that_fails_is_named_with_its_line(tmp_path):
    problem = complaint("docs/a.md", 7, "import whatnext\nassert not whatnext.__version__\n", tmp_path)
    assert problem is not None
    assert problem.startswith("docs/a.md:7: exit status 1\n")
    assert "line 8" in problem
    assert complaint("docs/a.md", 7, "import whatnext\nassert whatnext.__version__\n", tmp_path) is None
