"""`whatnext log`: the last lines, only those asked for, and what comes, over every rotation."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.cli.log_reading import LogReader, parse, wanted
from whatnext.node.log_file import NAME, OLDER

ANNA, BEN = "12D3KooWAnnaaa", "12D3KooWBennnn"
EVERYTHING = wanted("debug", None)


def entry(event, level="info", **more):
    return json.dumps({"event": event, "level": level, "timestamp": "2026-11-22T14:00:00.123456Z", **more})


def events(lines):
    return [line.event for line in lines]


def append(directory, *lines, end="\n"):
    with (directory / NAME).open("a") as file:
        file.write("\n".join(lines) + end)


def rotate(directory):
    (directory / NAME).rename(directory / OLDER)


def test_the_last_lines_come_from_both_files_in_order(tmp_path):
    append(tmp_path, entry("1"), entry("2"))
    rotate(tmp_path)
    append(tmp_path, entry("3"))
    with LogReader(tmp_path) as reader:
        assert events(reader.last(2, EVERYTHING)) == ["2", "3"]
        assert events(reader.new()) == []


def test_following_misses_nothing_when_the_file_is_rotated(tmp_path):
    with LogReader(tmp_path) as reader:
        assert not reader.exists()
        assert events(reader.new()) == []
        append(tmp_path, entry("1"))
        assert events(reader.new()) == ["1"]
        append(tmp_path, entry("2"))
        rotate(tmp_path)
        assert events(reader.new()) == ["2"], "renamed, and the next one not begun"
        append(tmp_path, entry("3"))
        assert events(reader.new()) == ["3"]
        append(tmp_path, entry("4"))
        rotate(tmp_path)
        append(tmp_path, entry("5"))
        assert events(reader.new()) == ["4", "5"]


def test_half_a_line_waits_for_its_other_half(tmp_path):
    whole = entry("whole")
    with LogReader(tmp_path) as reader:
        append(tmp_path, whole[:10], end="")
        assert events(reader.new()) == []
        append(tmp_path, whole[10:])
        assert events(reader.new()) == ["whole"]


@pytest.mark.parametrize(
    ("level", "peer", "expected"),
    [
        ("debug", None, ["detail", "came", "odd", "bad"]),
        ("warning", None, ["odd", "bad"]),
        ("debug", "anna", ["came", "odd"]),
        ("debug", "AN", ["came", "odd"]),
        ("debug", "Annaaa", ["came", "odd"]),
        ("debug", "…Annaaa", ["came", "odd"]),
        ("debug", ANNA, ["came", "odd"]),
        ("debug", "12D3KooWB", ["bad"]),
        ("error", "anna", []),
        ("debug", "…", []),
    ],
)
def test_lines_are_chosen_by_level_and_by_name_or_part_of_the_peerid(level, peer, expected):
    lines = [
        entry("detail", "debug"),
        entry("came", peer=ANNA, name="Anna"),
        entry("odd", "warning", peer=ANNA, name="Anna"),
        entry("bad", "error", peer=BEN),
    ]
    fits = wanted(level, peer)
    assert [line.event for line in map(parse, map(str.encode, lines)) if fits(line)] == expected


@given(st.binary())
def test_any_bytes_are_a_line(raw):
    line = parse(raw)
    assert line.raw == raw
    wanted("info", "anna")(line)


def test_a_profile_without_a_log_says_what_makes_one(direct):
    result = direct("log")
    assert result.status == 3
    assert "start one with `whatnext node`" in result.stderr


def test_people_read_local_times_and_short_names_and_programs_the_lines_themselves(direct):
    append(direct.profile, entry(f"left: {BEN} too", peer=ANNA, name="Anna"), entry("on its own", "warning"))
    shown = direct("log")
    assert f"info    Anna (…{ANNA[-6:]}): left: {BEN} too" in shown.out
    assert ":00.123 info" in shown.out
    assert direct("log", "--lines", "1").out.count("\n") == 1
    lines = direct("log", "--json", "--peer", "anna").out.splitlines()
    assert [json.loads(line)["peer"] for line in lines] == [ANNA]
    assert "Nothing of that kind" in direct("log", "--level", "error").stderr
    assert direct("log", "--lines=-1").status == 2
    assert direct("log", "--peer", "…").status == 2


@pytest.mark.real
def test_following_goes_on_until_ctrl_c_and_ends_without_a_traceback(tmp_path):
    append(tmp_path, entry("before"))
    source = Path(__file__).parents[2] / "src"
    follower = subprocess.Popen(
        [sys.executable, "-m", "whatnext", "--profile", str(tmp_path), "log", "--follow"],
        env={**os.environ, "PYTHONPATH": str(source), "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "before" in follower.stdout.readline()
    append(tmp_path, entry("meanwhile"))
    assert "meanwhile" in follower.stdout.readline()
    rotate(tmp_path)
    append(tmp_path, entry("after"))
    assert "after" in follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    _, complaint = follower.communicate(timeout=20)
    assert (follower.returncode, complaint) == (130, "")
