"""kill -9 of a process that writes: what it said is safe is there, the database opens, no log is forked."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from whatnext.bench.device import Device, meet, raw_id, share
from whatnext.identity import load_or_create
from whatnext.store.database import FILE

WRITER = Path(__file__).with_name("writer.py")
FRIEND_SEED = 7


def write_until_killed(directory, playlist, round_number, rng):
    """Epoch and hashes that a writer said before it was killed at a random moment; none when it came to nothing."""
    process = subprocess.Popen(
        [sys.executable, str(WRITER), str(directory), playlist, str(round_number)], stdout=subprocess.PIPE
    )
    if rng.random() < 0.8:
        first = process.stdout.readline()
        time.sleep(rng.uniform(0, 0.12))
    else:
        first = b""
        time.sleep(rng.uniform(0, 0.5))
    process.send_signal(signal.SIGKILL)
    said = (first + process.stdout.read()).split(b"\n")[:-1]  # a last line without its end was never said
    process.stdout.close()
    process.wait()
    return (said[0].decode(), [line.decode() for line in said[1:]]) if said else ("", [])


def kill_again_and_again(directory, times, seed):
    """Each time: open, check, sync with a friend that keeps everything; returns how many changes were acknowledged."""
    rng = Random(seed)
    directory.mkdir()
    identity = load_or_create(directory)
    writer = Device("writer", Random(seed), directory / FILE, identity)
    friend = Device("friend", Random(FRIEND_SEED))
    playlist = writer.create("Kitchen party")
    share(writer, [friend], playlist)
    writer.close()
    promised, epochs, dirty = set(), set(), 0
    for number in range(times):
        epoch, said = write_until_killed(directory, playlist, number, rng)
        promised |= set(said)
        writer = Device("writer", Random(number), directory / FILE, identity)
        kept = {record.hash.hex() for record in writer.library.records(raw_id(playlist))}
        assert promised <= kept, f"kill {number}: {len(promised - kept)} acknowledged changes are gone"
        if said:
            assert writer.library.database.epoch.hex() != epoch, "an unclean start begins a new log"
            assert epoch not in epochs, "a log that ended uncleanly is never gone on with"
            epochs.add(epoch)
            dirty += 1
        meet(writer, friend)
        assert writer.heads(playlist) == friend.heads(playlist)
        assert all(head.fork_at is None for head in friend.heads(playlist).values())
        assert writer.show(playlist) == friend.show(playlist)
        writer.library.database.connection.close()  # as unclean as the kill before: nothing is marked closed
    return len(promised), dirty


@pytest.mark.real
def test_a_killed_writer_loses_nothing_that_it_said_is_safe(tmp_path):
    promised, dirty = kill_again_and_again(tmp_path / "profile", times=6, seed=1)
    assert promised > 20
    assert dirty >= 2


@pytest.mark.soak
def test_two_hundred_kills_of_a_writer_lose_nothing(tmp_path):
    promised, dirty = kill_again_and_again(tmp_path / "profile", times=200, seed=2)
    print(f"200 kills, {dirty} of them amid writes: {promised} acknowledged changes, all there, no fork")
    assert dirty > 100
