"""The command line as such: what it loads, its statuses, its page, backups."""

import inspect
import io
import json
import logging
import re
import sqlite3
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from whatnext import errors
from whatnext.cli.app import build_app
from whatnext.cli.lines import tracks_of
from whatnext.cli.main import INTERRUPTED, PROFILE_VARIABLE, _fail_group, split_globals
from whatnext.cli.progress import reading, working
from whatnext.cli.tables import plain_lines, print_table
from whatnext.cli.words import clock, duration_ms, harmless, period_s
from whatnext.errors import BadFile, UserError, WhatNextError
from whatnext.node.logs import set_up_logs
from whatnext.playlists.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text("utf-8")
HEAVY = {"libp2p", "trio", "hypercorn", "structlog", "rich.table", "sqlite3", "nacl"}


def modules_after(*arguments: str) -> set[str]:
    code = (
        "import sys\nfrom whatnext.cli.main import run\nstatus = run(sys.argv[1:])\n"
        "sys.stderr.write('\\n'.join(sys.modules))\nsys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split("\n"))


@pytest.mark.real
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["playlist", "add", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    assert modules_after(*arguments) & HEAVY == set()


@pytest.mark.real
def test_a_direct_command_loads_no_network(tmp_path):
    loaded = modules_after("--profile", str(tmp_path), "playlist", "create", "Mix")
    assert "whatnext.store.library" in loaded
    assert loaded & {"libp2p", "trio", "hypercorn", "structlog", "rich.table"} == set()


def leaves(app, path=()):
    """Paths of all commands that do something."""
    found = []
    for name, command in app.resolved_commands().items():
        if name.startswith("-"):
            continue
        deeper = leaves(command, (*path, name))
        found += deeper
        if command.default_command is not None:
            found.append((*path, name))
    return found


def test_every_command_is_documented():
    paths = leaves(build_app())
    assert len(paths) > 35
    missing = [" ".join(path) for path in paths if f"`whatnext {' '.join(path)}" not in PAGE]
    assert not missing, f"docs/cli.md does not describe: {missing}"


def test_every_documented_command_exists():
    known = {" ".join(path) for path in leaves(build_app())}
    documented = re.findall(r"^\| `whatnext ([a-z]+)(?: ([a-z]+)\b)?", PAGE, flags=re.MULTILINE)
    assert len(documented) > 35
    groups = {path.split()[0] for path in known if " " in path}
    for first, second in documented:
        assert first in known | groups
        assert first not in groups or not second or f"{first} {second}" in known, second


def test_every_option_is_documented():
    missing = []
    for path in leaves(build_app()):
        command = build_app()
        for name in path:
            command = command[name]
        for argument in command.assemble_argument_collection():
            name = argument.names[0]
            optional = argument.field_info.kind is inspect.Parameter.KEYWORD_ONLY
            if optional and name != "--context" and not re.search(rf"{name}[ `\]]", PAGE):
                missing.append(f"{' '.join(path)} {name}")
    assert not missing


def test_every_exit_status_is_documented():
    kinds = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, WhatNextError)
    ]
    statuses = {kind.exit_status for kind in kinds} | {0, INTERRUPTED}
    documented = {int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, flags=re.MULTILINE)}
    assert documented == statuses
    assert PROFILE_VARIABLE in PAGE
    assert "NO_COLOR" in PAGE


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_the_commands(direct, shell):
    script = direct("completion", shell).out
    assert "playlist" in script
    assert "import" in script


@pytest.mark.parametrize(
    ("arguments", "words", "profile", "as_json"),
    [
        (["a", "--json", "b"], ["a", "b"], None, True),
        (["--profile", "p", "a"], ["a"], Path("p"), False),
        (["a", "--profile=p"], ["a"], Path("p"), False),
        (["a", "--", "--json", "--profile"], ["a", "--", "--json", "--profile"], None, False),
    ],
)
def test_global_options_are_taken_out(monkeypatch, arguments, words, profile, as_json):
    monkeypatch.delenv(PROFILE_VARIABLE, raising=False)
    assert split_globals(arguments) == (words, profile, as_json)


def test_the_profile_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv(PROFILE_VARIABLE, "somewhere")
    assert split_globals(["a"])[1] == Path("somewhere")
    assert split_globals(["a", "--profile", "p"])[1] == Path("p")
    with pytest.raises(UserError, match="needs a directory"):
        split_globals(["--profile"])


@pytest.mark.parametrize(
    "command", [["status"], ["peers"], ["ping", "x"], ["connect", "x"], ["node", "stop"]]
)
def test_what_needs_a_node_says_so(direct, command):
    refused = direct(*command)
    assert refused.status == 6
    assert "`whatnext node`" in refused.stderr


def test_a_node_that_was_killed_does_not_keep_its_profile(direct):
    leftover = '{"url":"http://127.0.0.1:1","token":"t","pid":1,"peer":"p","started":0}'
    (direct.profile / "node.json").write_text(leftover)
    assert direct("playlist", "create", "Mix").status == 0


def test_the_node_answers_what_only_a_node_can(direct, running_node):
    with running_node(direct.profile):
        status = direct.json("status")
        assert status["peer"] == direct.json("id")["peer"]
        assert (status["connections"], status["playlists"]) == ([], [])
        assert direct.json("peers") == []
        assert direct("ping", "nobody").status == 3
        assert direct("disconnect", "nobody").status == 3
        assert direct("connect", "/ip4/127.0.0.1/tcp/1").status == 2
        assert "/tcp/4001/p2p/" + status["peer"] + "  (this device only)\n" in direct("status").out
        assert "No playlists yet" in direct("status").stderr
        assert direct("status", "--counters").out == ""
        assert direct.json("status", "--counters")["synced"]["recordsIn"] == 0
        assert "/auth?once=" not in direct("status").out


def test_an_invite_of_a_running_node_carries_its_addresses(direct, running_node):
    direct("playlist", "create", "Mix")
    without = direct("invite", "Mix")
    assert "addr=" not in without.out
    assert "no node runs here" in without.stderr
    with running_node(direct.profile):
        assert "addr=/ip4/127.0.0.1/tcp/4001" in direct("invite", "Mix").out


def test_a_mistake_of_ours_is_not_shown_as_the_users():
    group = BaseExceptionGroup("", [ValueError("bug"), UserError("yours")])
    with pytest.raises(BaseExceptionGroup):
        _fail_group(group)


def test_errors_in_a_nodes_tasks_become_their_sentence(capsys):
    status = _fail_group(BaseExceptionGroup("", [BaseExceptionGroup("", [UserError("say this")])]))
    assert (status, capsys.readouterr().err) == (2, "whatnext: say this\n")


# Backups


def test_a_backup_is_made_and_restored_and_what_was_there_is_kept(cli, tmp_path, running_node):
    cli("playlist", "create", "Before")
    file = tmp_path / "backup.db"
    made = cli.json("backup", "create", str(file))
    assert Path(made["path"]) == file
    assert stat.S_IMODE(Path(made["key"]).stat().st_mode) == 0o600
    assert cli("backup", "create", str(file)).status == 5
    cli("playlist", "create", "After")
    if (cli.profile / "node.json").exists():
        refused = cli("backup", "restore", str(file))
        assert refused.status == 5
        assert "uses the profile" in refused.stderr
        return
    restored = cli.json("backup", "restore", str(file))
    assert [playlist["name"] for playlist in cli.json("playlist", "list")] == ["Before"]
    assert "After" in str(
        sqlite3.connect(restored["kept"][0]).execute("SELECT fields FROM documents").fetchall()
    )


def test_a_damaged_database_is_not_overwritten_and_a_backup_replaces_it(direct, tmp_path):
    direct("playlist", "create", "Mix")
    direct("backup", "create", str(tmp_path / "b"))
    (direct.profile / "whatnext.db").write_bytes(b"not a database at all" * 100)
    refused = direct("playlist", "list")
    assert refused.status == 5
    assert "whatnext backup restore" in refused.stderr
    restored = direct.json("backup", "restore", str(tmp_path / "b"))
    assert Path(restored["kept"][0]).read_bytes().startswith(b"not a database")
    assert len(direct.json("playlist", "list")) == 1


def test_a_new_profile_becomes_the_old_device_by_its_backup(direct, another, tmp_path):
    direct("playlist", "create", "Mix")
    direct("backup", "create", str(tmp_path / "b"))
    fresh = another("fresh")
    assert fresh("backup", "restore", str(tmp_path / "b")).status == 0
    assert fresh.json("id")["peer"] == direct.json("id")["peer"]
    assert fresh("playlist", "add", "Mix", "Title").status == 0


def test_another_devices_backup_is_refused(direct, another, tmp_path):
    direct("playlist", "create", "Mix")
    direct("backup", "create", str(tmp_path / "b"))
    other = another("other")
    other("playlist", "create", "Theirs")
    refused = other("backup", "restore", str(tmp_path / "b"))
    assert refused.status == 2
    assert "another device" in refused.stderr
    assert other.json("playlist", "list")[0]["name"] == "Theirs"


@pytest.mark.parametrize("content", [None, b"", b"words", b"SQLite format 3\x00" + bytes(2000)])
def test_a_file_that_is_no_backup_changes_nothing(direct, tmp_path, content):
    direct("playlist", "create", "Mix")
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    before = sorted(path.name for path in direct.profile.iterdir())
    refused = direct("backup", "restore", str(file))
    assert refused.status == 2
    assert str(file) in refused.stderr
    assert sorted(path.name for path in direct.profile.iterdir()) == before
    assert len(direct.json("playlist", "list")) == 1


# Words


@pytest.mark.parametrize(
    ("text", "ms"), [("3:45", 225_000), ("1:02:03", 3_723_000), ("90", 90_000), ("0:00.5", 500)]
)
def test_durations_are_read(text, ms):
    assert duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "3:75", "-1", "3:4", "1e3", "1:2:3:4", "x", "9" * 12])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UserError):
        duration_ms(text)


def test_durations_and_periods_are_written_as_people_do():
    assert [clock(ms) for ms in (None, 0, 225_499, 3_599_500, 3_723_000)] == [
        "",
        "0:00",
        "3:45",
        "1:00:00",
        "1:02:03",
    ]
    assert [period_s(text) for text in ("30m", "7d", "never")] == [1800, 604_800, None]
    for text in ("0d", "7", "x", "-1d"):
        with pytest.raises(UserError):
            period_s(text)


def test_lines_are_split_at_the_first_dash_between_spaces():
    tracks = tracks_of(["AC/DC - T.N.T.", " Jay-Z — 99 Problems - Live ", "", "Untitled"])
    assert [(t.artists, t.title) for t in tracks] == [
        (["AC/DC"], "T.N.T."),
        (["Jay-Z"], "99 Problems - Live"),
        ([], "Untitled"),
    ]


def test_tables_align_wide_characters_and_drop_control_characters():
    lines = plain_lines(("A", "N"), [("椎名", "1"), ("e\u0301x\x1b[2J", "22")], frozenset({"N"}))
    assert lines == ["A       N", "椎名    1", "e\u0301x[2J  22"]


def test_tables_on_a_terminal_never_read_a_title_as_markup(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    print_table(("TITLE",), [("[red]Title[/red]\x1b[2J",)])
    assert "[red]Title[/red][2J" in screen.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    print_table(("TITLE",), [("Plain",)])
    assert screen.getvalue().endswith("TITLE\nPlain\n")


def test_what_a_friend_wrote_cannot_steer_the_terminal(direct):
    direct("playlist", "create", "Mix")
    direct("playlist", "comment", "Mix", "two\nlines")
    assert harmless("a\x1b]0;x\x07\u202eb\n") == "a]0;xb"
    assert "\x1b" not in direct("playlist", "show", "no\x1b[2Jwhere").stderr


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_import_shows_how_far_it_is_on_a_terminal_only(monkeypatch):
    long = b"#EXTM3U\n" + b"".join(b"#EXTINF:100,A - T%d\nx%d.mp3\n" % (n, n) for n in range(10_000))
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    reading(long, "x.m3u8", None)
    assert "reading [#" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")
    with working("writing"):
        assert screen.getvalue().endswith("writing…")
    assert screen.getvalue().endswith("\r\x1b[K")
    quiet = io.StringIO()
    monkeypatch.setattr(sys, "stderr", quiet)
    reading(long, "x.m3u8", None)
    with working("writing"):
        assert quiet.getvalue() == ""


def test_a_long_bad_file_is_refused_before_anything_is_sent(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(BadFile):
        reading(b"<playlist>" * 30_000, "x.xspf", None)


# The API's page and the log


def test_the_openapi_page_lists_every_operation(direct, running_node):
    with running_node(direct.profile):
        told = json.loads((direct.profile / "node.json").read_text())
        request = urllib.request.Request(
            f"{told['url']}/openapi.json", headers={"Authorization": f"Bearer {told['token']}"}
        )
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
    paths = {path.removeprefix("/v1/") for path in page["paths"]}
    of_the_node = {
        "node.status",
        "node.counters",
        "node.stop",
        "node.browse",
        "node.qr",
        "links.read",
        "glance",
        "attention.set",
        "notifications.show",
        "notifications.set",
        "peers.list",
        "peers.ping",
        "peers.show",
        "peers.block",
        "peers.unblock",
        "peers.forget",
        "relays.list",
        "relays.add",
        "relays.remove",
        "connect",
        "discover",
        "disconnect",
        "doctor",
        "doctor.report",
        "playback.show",
        "playback.folder",
        "playback.matches",
        "presence.list",
        "presence.set",
        "presence.show",
        "presence.share",
    }
    assert paths == {*OPERATIONS, *of_the_node, "status", "/events", "/metrics", "/play/{playlist}/{entry}"}
    assert {"PlaylistView", "NodeStatus", "Problem", "ChangeEvent"} <= set(page["components"]["schemas"])


@pytest.fixture
def root_logger():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = before
    root.setLevel(level)
    logging.getLogger("whatnext").setLevel(logging.NOTSET)


def test_the_log_is_one_line_an_event_for_people_or_as_json(root_logger):
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    logging.getLogger("whatnext.x").info("hello %s", "Küche")
    logging.getLogger("whatnext.x").debug("too much")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("hello Küche", "info", "whatnext.x")
    set_up_logs("warning", "human", stream)
    logging.getLogger("whatnext.x").warning("watch out")
    assert "watch out" in stream.getvalue().splitlines()[-1]
