"""The benches that need no process: they count what is there, and say so when devices disagree."""

import gzip
import json
from random import Random

import msgspec
import pytest

from whatnext.bench import size, trace
from whatnext.bench.bulk import fill, take_over
from whatnext.bench.device import Device, Line, meet, share
from whatnext.bench.disk import commit_ms
from whatnext.bench.goals import Goal, table
from whatnext.bench.live import percentile
from whatnext.bench.main import run
from whatnext.bench.material import tracks
from whatnext.errors import BadFile


def history(revisions, name="A list"):
    names = {track for each in revisions for track in each}
    return {
        "name": name,
        "source": "made up",
        "tracks": {
            t: {"title": f"Song {t}", "artists": ["X"], "album": "Y", "duration_s": 200} for t in names
        },
        "revisions": [{"at": "2026-11-22T00:00:00+00:00", "tracks": list(each)} for each in revisions],
    }


def shuffled_history(seed, length=12):
    rng = Random(seed)
    now = [f"t{n}" for n in range(12)]
    revisions = []
    for number in range(length):
        rng.shuffle(now)
        now = [*now[:10], f"new{number}", now[0]]  # one track stands twice
        revisions.append(list(now))
    return revisions


@pytest.fixture
def trace_file(tmp_path):
    def write(revisions, packed=True):
        raw = json.dumps(history(revisions)).encode()
        file = tmp_path / "trace.json.gz"
        file.write_bytes(gzip.compress(raw) if packed else raw)
        return file

    return write


@pytest.mark.parametrize("seed", range(3))
def test_four_devices_that_edit_apart_end_with_one_order(trace_file, seed):
    report = trace.measure(trace_file(shuffled_history(seed)), devices=4, every=5, seed=seed)
    assert report.converged
    assert report.same_order
    assert report.same_tracks
    assert report.devices == 4
    assert report.apart > report.edits / 2
    assert report.bytes > 200 * report.edits


def test_a_replay_notices_devices_that_never_met(trace_file):
    revisions = shuffled_history(1)
    devices = [Device(str(n), Random(n)) for n in range(2)]
    loaded = trace.load(trace_file(revisions, packed=False))
    replay = trace.Replay(loaded, devices, Random(1), every=10**9)
    replay.run()
    assert not replay.is_equal()
    replay.settle()
    assert replay.is_equal()


def test_one_device_alone_ends_with_the_last_revision(trace_file):
    revisions = shuffled_history(7)
    replay = trace.Replay(trace.load(trace_file(revisions)), [Device("a", Random(1))], Random(1), every=5)
    replay.run()
    assert replay.order() == revisions[-1]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\x1f\x8bdamaged", gzip.compress(b'{"name": 1}'), b"\xff\xfe"]
)
def test_a_file_that_is_no_trace_is_refused_with_its_name(tmp_path, content):
    file = tmp_path / "other.json"
    file.write_bytes(content)
    with pytest.raises(BadFile, match="other"):
        trace.load(file)


def test_size_counts_bytes_of_single_changes(capsys):
    report = size.measure(entries=50, repeats=5, seed=1)
    assert 200 < report.move < report.add <= 450
    assert report.add < report.album10 < 10 * report.add
    assert report.rename > 150


def test_the_line_carries_nothing_once_both_are_equal():
    owner, friend = Device("a", Random(1)), Device("b", Random(2))
    playlist = owner.create("A list")
    share(owner, [friend], playlist)
    line = Line(owner, friend)
    line.run()
    assert line.run() == 0
    owner.add(playlist, [next(tracks())])
    assert line.run() > 200
    assert line.run() == 0
    line.end()
    assert friend.order(playlist) == owner.order(playlist)


@pytest.mark.parametrize("per_record", [1, 100])
def test_a_playlist_made_in_bulk_is_taken_over_whole(per_record):
    owner, friend = Device("a", Random(1)), Device("b", Random(2))
    playlist = owner.create("A list")
    fill(owner, playlist, 250, per_record)
    assert len(owner.order(playlist)) == 250
    assert sum(head.seq for head in owner.heads(playlist).values()) == 1 + -(-250 // per_record)
    friend.join(owner.invite(playlist))
    _, size = take_over(owner, friend, playlist)
    assert size > 250 * 50
    assert friend.order(playlist) == owner.order(playlist)
    assert meet(owner, friend) > 0
    assert friend.heads(playlist) == owner.heads(playlist)


def test_the_command_prints_one_json_object_and_fails_when_devices_disagree(capsys, trace_file, monkeypatch):
    file = trace_file(shuffled_history(1, length=3))
    assert run(["trace", str(file), "--devices", "2"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    keys = {"devices", "edits", "converged", "same_order", "seconds", "bytes"}
    assert keys <= json.loads(out).keys()
    honest = trace.measure
    monkeypatch.setattr(trace, "measure", lambda *a: msgspec.structs.replace(honest(*a), same_order=False))
    assert run(["trace", str(file), "--devices", "2"]) == 1


@pytest.mark.parametrize("words", [[], ["nonsense"], ["size", "--repeats", "0"], ["live", "--peers", "one"]])
def test_words_that_make_no_sense_end_with_status_two(words, capsys):
    assert run(words) == 2
    assert "usage: whatnext bench" in capsys.readouterr().err


def test_help_is_no_error(capsys):
    assert run(["--help"]) == 0
    assert "live" in capsys.readouterr().out


def test_the_table_says_what_falls_short():
    goals = [
        Goal(what="fast enough", most=3, measured=2.5, unit="ms"),
        Goal(what="too slow", most=3, measured=3.01, unit="ms"),
        Goal(what="agreed", most=True, measured=True),
        Goal(what="disagreed", most=True, measured=False),
        Goal(what="lost", most=0, measured=0),
    ]
    assert [goal.holds for goal in goals] == [True, False, True, False, True]
    _, *lines = table(goals).splitlines()
    assert [line.endswith("SHORT") for line in lines] == [False, True, False, True, False]
    assert "2.5 ms" in lines[0]


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(n) for n in range(1, 201)]
    assert percentile(values, 99) == 198
    assert percentile(values, 50) == 100
    assert percentile([3.0], 99) == 3


def test_a_commit_on_this_disk_takes_some_time():
    assert 0 < commit_ms() < 1000
