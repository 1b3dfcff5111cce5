"""What documents and messages tell people to type exists: commands, their flags, and targets of make."""

import ast
import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from whatnext.bench.main import _parser
from whatnext.cli.app import build_app
from whatnext.cli.main import split_globals

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Logs tell what was so on their day; upstream's pages are about libp2p.
DOCUMENTS = [file for file in DOCUMENTS if file.parent.name not in ("logs", "upstream", "templates")]
APP = build_app()


def in_code(text: str) -> Iterator[tuple[int, str]]:
    """Line number and text of every command in a console fence or an inline code span."""
    for fence in re.finditer(r"(?ms)^ *```(?:console|text|sh|bash)?\n(.*?)^ *```", text):
        for line in re.finditer(r"(?m)^ *(?:\$ |# )((?:whatnext|make) .*)$", fence[1]):
            yield text.count("\n", 0, fence.start(1) + line.start()) + 1, line[1]
    prose = re.sub(r"(?ms)^ *```.*?^ *```", lambda match: "\n" * match[0].count("\n"), text)
    for span in re.finditer(r"`((?:whatnext|make) [^`]*)`", prose):
        yield prose.count("\n", 0, span.start()) + 1, " ".join(span[1].split())


def in_messages(file: Path) -> Iterator[tuple[int, str]]:
    """Line number and text of every command that a string of a module ends with, behind a colon."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for match in re.finditer(r": (whatnext [a-z][^.,;:(]*)", node.value):
                yield node.lineno, match[1]


def wrong(line: str) -> str | None:
    """What of a command does not exist, or None."""
    words = shlex.split(re.sub(r"\s[#&|>].*|[…“”]|\[|\]", " ", line + " ").replace("'", ""))
    if words[0] == "make":
        targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"))
        return next(
            (word for word in words[1:] if re.fullmatch("[a-z-]+", word) and word not in targets), None
        )
    words, _, _ = split_globals(words[1:])
    command = APP
    while words and words[0][0] != "-" and words[0] in (known := command.resolved_commands()):
        command = known[words.pop(0)]
    if words and command.name == ("bench",) and not words[0].isupper():  # it reads its words itself
        return _wrong_bench(words)
    values = [word for word in words if not re.match("-[-a-z]", word)]
    if command is APP or command.default_command is None:
        return next(iter(values), None)
    arguments = command.assemble_argument_collection()
    if values and len(values) == len(words) and not any(each.index is not None for each in arguments):
        return values[0]
    flags = {word.split("=")[0] for word in words if re.match("--?[a-z]", word)}
    has = {name for argument in arguments for name in argument.names}
    return next(iter(flags - has - {"--help"}), None)


def _wrong_bench(words: list[str]) -> str | None:
    text = io.StringIO()
    try:
        with contextlib.redirect_stderr(text), contextlib.redirect_stdout(text):
            _parser().parse_args(
                ["2" if word.isupper() else word for word in words]
            )  # N stands for any number
    except SystemExit as ending:
        return text.getvalue().splitlines()[-1] if ending.code else None
    return None


def test_every_command_in_a_document_exists():
    commands = [(f, line, text) for f in DOCUMENTS for line, text in in_code(f.read_text("utf-8"))]
    assert len(commands) > 150
    found = [
        f"{f.relative_to(ROOT)}:{line}: {w} in “{text}”" for f, line, text in commands if (w := wrong(text))
    ]
    assert not found, "\n".join(found)


def test_every_command_in_a_message_exists():
    modules = sorted((ROOT / "src").rglob("*.py"))
    commands = [(f, line, text) for f in modules for line, text in in_messages(f)]
    assert len(commands) > 30
    found = [
        f"{f.relative_to(ROOT)}:{line}: {w} in “{text}”" for f, line, text in commands if (w := wrong(text))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("whatnext peer show", "peer"),
        ("whatnext peers shew", "shew"),
        ("whatnext invite Mix --role editor --ever", "--ever"),
        ("whatnext bench live --ever", "whatnext bench: error: unrecognized arguments: --ever"),
        ("make tests", "tests"),
    ],
)
def test_what_does_not_exist_is_found(line, word):
    assert wrong(line) == word


@pytest.mark.parametrize("line", ["whatnext --json status # how far", "whatnext node &", "make test ARGS=x"])
def test_what_exists_is_fine(line):
    assert wrong(line) is None
