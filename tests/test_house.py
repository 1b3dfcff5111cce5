"""Rules of the house that no linter knows: what stands in which file, how documents are named and linked."""

import ast
import importlib.util
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MAX_LINES = 400
MAX_FUNCTION_LINES = 60
SKIPPED = {".git", ".venv", "node_modules", "__pycache__", ".hypothesis", "build", "dist"}

# Pieced together, so that this file may name what no file may contain.
HOSTS = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"))
]
FORBIDDEN = re.compile("|".join([*map(re.escape, HOSTS), r"(?<![\w./~$}-])/(?:root|work|opt|tmp)/\w"]))

NAMES = {
    "concepts": r"concept-[a-z0-9-]+\.md",
    "decisions": r"adr-(\d{6})-[a-z0-9-]+\.md",
    "notes": r"note-(\d{6})-[a-z0-9-]+\.md",
    "experiments": r"experiment-(\d{6})-[a-z0-9-]+\.md",
    "patterns": r"pattern-(\d{6})-[a-z0-9-]+\.md",
    "logs": r"learning-log-(\d{6})\.md",
    "upstream": r"\d{2}-[a-z0-9-]+\.md",
    "templates": r"template-[a-z-]+\.md",
}
TEMPLATES = {
    "concepts": "concept",
    "decisions": "adr",
    "notes": "note",
    "experiments": "experiment",
    "patterns": "pattern",
    "logs": "learning-log",
    "upstream": "upstream",
}


def files(suffix: str = "", under: Path = ROOT) -> Iterator[Path]:
    for directory, folders, names in os.walk(under):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.endswith("_cache"))
        yield from (Path(directory, name) for name in sorted(names) if name.endswith(suffix))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def forbidden(text: str) -> list[int]:
    """Lines that hold a download host or a path of one machine."""
    return [number for number, line in enumerate(text.splitlines(), 1) if FORBIDDEN.search(line)]


def swallowed(text: str) -> list[int]:
    """Lines of handlers that catch everything and do nothing."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or {"Exception", "BaseException"} & set(re.findall(r"\w+", ast.unparse(node.type)))
        )
        and all(isinstance(s, ast.Pass | ast.Continue) or ast.unparse(s) == "..." for s in node.body)
    ]


def overlong(text: str) -> list[str]:
    """`line: name` of every function longer than a reader keeps in view, the functions within it counted in."""
    return [
        f"{node.lineno}: {node.name}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]


def raised_in_groups(text: str) -> list[int]:
    """Lines that raise anew within `except*`: before Python 3.11.4 (Debian 12 has 3.11.2) it comes out in a group."""
    return [
        inner.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.TryStar)
        for handler in node.handlers
        for inner in ast.walk(handler)
        if isinstance(inner, ast.Raise) and inner.exc is not None
    ]


def without_fences(text: str) -> str:
    """Markdown with its fenced code blanked out, lines kept."""
    return re.sub(r"(?ms)^ *```.*?^ *```", lambda match: "\n" * match[0].count("\n"), text)


def headings(text: str, level: str = "##") -> list[str]:
    return re.findall(rf"(?m)^{level} +(.*?) *$", without_fences(text))


def anchors(text: str) -> set[str]:
    """What `#…` may name in a document, as the usual renderers make it."""
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings(text, "#+")}


def broken_links(file: Path) -> list[str]:
    """`line: target` of every link inside the project that leads nowhere."""
    found = []
    prose = re.sub(r"`[^`\n]*`", "", without_fences(file.read_text("utf-8")))
    for number, line in enumerate(prose.splitlines(), 1):
        for target in re.findall(r"\]\(<?([^)>\s]+)", line):
            if re.match(r"[a-z][a-z+.-]*:", target):
                continue
            path, _, anchor = target.partition("#")
            linked = file.parent / path if path else file
            if not linked.exists() or (anchor and anchor not in anchors(linked.read_text("utf-8"))):
                found.append(f"{number}: {target}")
    return found


def dated(file: Path) -> str | None:
    """YYMMDD in a document's name, or None; a ValueError when it is no day."""
    match = re.search(r"-(\d{6})[-.]", file.name)
    return match and datetime.strptime(match[1], "%y%m%d").strftime("%Y-%m-%d")  # noqa: DTZ007


def misshapen(file: Path) -> list[str]:
    """What is wrong with a document's name, date or headings."""
    kind, text = file.parent.name, file.read_text("utf-8")
    if not re.fullmatch(NAMES[kind], file.name):
        return [f"its name should look like {NAMES[kind]}"]
    template = (DOCS / "templates" / f"template-{TEMPLATES[kind]}.md").read_text("utf-8")
    wanted = headings(template)
    problems = []
    if [heading for heading in headings(text) if heading in wanted] != wanted:
        problems.append("it should have these headings in this order: " + ", ".join(wanted))
    prefix = re.match(r"# [A-Z][A-Za-z ]*: ", template)
    if not text.startswith(prefix[0] if prefix else "# "):
        problems.append(f"its first line should begin with “{prefix[0] if prefix else '# '}”")
    fields = re.findall(r"(?m)^\*\*\w+\*\*:", template)
    problems += [f"{field} is missing" for field in fields if field not in text]
    day = re.search(r"(?m)^\*\*Date\*\*: *(\S+)", text)
    if day and day[1] != dated(file):
        problems.append(f"it is dated {day[1]}, its name says {dated(file)}")
    return problems


def documents() -> list[Path]:
    found = [file for kind in TEMPLATES for file in files(".md", DOCS / kind)]
    return [file for file in found if file.name != "README.md"]


def test_no_file_names_a_download_host_or_a_path_of_one_machine():
    found = []
    for file in files():
        try:
            lines = forbidden(file.read_text("utf-8"))
        except UnicodeDecodeError:
            continue
        found += [f"{shown(file)}:{line}" for line in lines]
    assert not found, "\n".join(found)


def test_a_module_is_a_room_that_can_be_overseen():
    modules = [f for top in ("src", "demo", "tools") for f in files(".py", ROOT / top)]
    assert len(modules) > 4
    found = [
        f"{shown(f)}: {n} lines"
        for f in modules
        if (n := len(f.read_text("utf-8").splitlines())) >= MAX_LINES
    ]
    assert not found, "\n".join(found)


def test_a_function_can_be_kept_in_view():
    found = [f"{shown(f)}:{function}" for f in files(".py") for function in overlong(f.read_text("utf-8"))]
    assert not found, f"longer than {MAX_FUNCTION_LINES} lines:\n" + "\n".join(found)


def test_no_error_is_swallowed_unseen():
    found = [f"{shown(file)}:{line}" for file in files(".py") for line in swallowed(file.read_text("utf-8"))]
    assert not found, "\n".join(found)


def test_whoever_reads_bytes_expects_all_that_msgspec_raises():
    own = {ROOT / "src" / "whatnext" / "errors.py"}
    modules = set(files(".py", ROOT / "src")) - own
    found = [shown(f) for f in sorted(modules) if "msgspec.DecodeError" in f.read_text("utf-8")]
    assert not found, "catch whatnext.errors.UNREADABLE, it is no more than that: " + ", ".join(found)


def test_nothing_is_raised_anew_where_older_pythons_wrap_it():
    found = [f"{shown(f)}:{line}" for f in files(".py") for line in raised_in_groups(f.read_text("utf-8"))]
    assert not found, "raise it behind the try: " + ", ".join(found)


def test_documents_are_named_dated_and_divided_like_their_templates():
    found = [f"{shown(file)}: {problem}" for file in documents() for problem in misshapen(file)]
    assert not found, "\n".join(found)


def test_documents_stand_in_a_known_category():
    found = {file.parent.relative_to(DOCS).as_posix() for file in files(".md", DOCS)} - {*NAMES, "."}
    assert not found
    assert [f.name for f in files("", DOCS / "templates")] == sorted(
        f"template-{t}.md" for t in TEMPLATES.values()
    )


def test_every_link_between_documents_leads_somewhere():
    found = [f"{shown(file)}:{link}" for file in files(".md") for link in broken_links(file)]
    assert not found, "\n".join(found)


def test_every_document_is_in_the_index():
    text = (DOCS / "README.md").read_text("utf-8")
    linked = {(DOCS / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)", text)}
    missing = [
        shown(file) for file in files(".md", DOCS) if file.resolve() not in {*linked, DOCS / "README.md"}
    ]
    assert not missing, "run `make fmt` (or python tools/docs_index.py): " + ", ".join(missing)


def test_the_index_keeps_its_introduction_and_lists_by_category(tmp_path):
    spec = importlib.util.spec_from_file_location("docs_index", ROOT / "tools" / "docs_index.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.DOCS = tmp_path
    (tmp_path / "concepts").mkdir()
    (tmp_path / "concepts" / "concept-noise.md").write_text("# Concept: Noise\n")
    (tmp_path / "cli.md").write_text("# The command line\n")
    (tmp_path / "README.md").write_text("# Docs\nwords\n" + tool.MARK + "\nold lists")
    tool.main()
    tool.main()
    assert (tmp_path / "README.md").read_text() == (
        f"# Docs\nwords\n{tool.MARK}\n\n## Guides\n\n- [The command line](cli.md)\n\n"
        "## Concepts\n\n- [Noise](concepts/concept-noise.md)\n"
    )


@pytest.mark.parametrize(
    "text", [f"pip install -i https://{HOSTS[0]}/simple", "cd " + "/root" + "/x", f"at={HOSTS[2]}"]
)
def test_a_host_or_machine_path_is_found(text):
    assert forbidden(f"fine\n{text}\n") == [2]


@pytest.mark.parametrize(
    "text", ["../shared/data/work/x", "make setup PYTHON=/path/to/python3.11", "whtnxt://a/tmp/x"]
)
def test_other_paths_are_fine(text):
    assert forbidden(text) == []


@pytest.mark.parametrize(
    "handler", ["except Exception: pass", "except: ...", "except (OSError, BaseException): pass"]
)
def test_a_swallowed_error_is_found(handler):
    assert swallowed(f"try:\n    f()\n{handler}\n") == [3]
    assert swallowed("try:\n    f()\nexcept OSError:\n    pass\nexcept Exception:\n    g()\n") == []


def test_an_overlong_function_is_found():
    body = "    x = 1\n" * (MAX_FUNCTION_LINES - 1)
    assert overlong(f"def short():\n{body}\n") == []
    assert overlong(f"class A:\n  pass\n\nasync def long():\n{body}    x = 2\n") == ["4: long"]


def test_raising_anew_among_groups_is_found():
    assert raised_in_groups("try:\n    f()\nexcept* OSError as e:\n    raise A from e\n") == [4]
    assert raised_in_groups("try:\n    f()\nexcept* OSError:\n    raise\n") == []


def test_a_broken_link_is_found_and_code_is_not_read_as_links(tmp_path):
    file = tmp_path / "a.md"
    (tmp_path / "b.md").write_text("# One two?\n")
    fence = "```text\n[n](no.md)\n```\n"
    file.write_text(
        f"[x](c.md)\n[y](b.md#one-two) [z](b.md#three)\n{fence}`[n](no)` [h](https://x)\n[s](#t)\n# T\n"
    )
    assert broken_links(file) == ["1: c.md", "2: b.md#three"]


def test_a_document_unlike_its_template_is_found(tmp_path):
    (tmp_path / "decisions").mkdir()
    file = tmp_path / "decisions" / "adr-261122-a.md"
    head = "# ADR: A\n**Date**: 2026-11-22\n**Issue**: 2\n**Status**: Accepted\n"
    file.write_text(head + "## Context\n## Decision\n### more\n## Facts\n## Consequences\n## Alternatives\n")
    assert misshapen(file) == []
    file.write_text("# A\n**Date**: 2026-11-23\n**Issue**: 2\n## Decision\n## Context\n## Consequences\n")
    assert len(misshapen(file)) == 4
    assert misshapen(file.rename(tmp_path / "decisions" / "a.md")) != []
