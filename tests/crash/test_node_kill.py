"""kill -9 of nodes at random moments while all of them are edited: nothing acknowledged is lost, peers converge."""

import http.client
import os
import signal
import sqlite3
import threading
import time
from random import Random
from statistics import median

import pytest

from whatnext.bench.nodes import nodes, wait_until
from whatnext.bench.sharing import share_playlist
from whatnext.errors import WhatNextError
from whatnext.records.ids import playlist_from_text
from whatnext.store.database import FILE

PEERS = 3


class Editor(threading.Thread):
    """Edits through one node's API until told to stop or the node is gone; keeps what was acknowledged."""

    def __init__(self, node, playlist, rng, stop):
        super().__init__(daemon=True)
        self.promised = set()
        self.failure = None
        self._node, self._playlist, self._rng, self._stop_now = node, playlist, rng, stop
        self._known = []

    def run(self):
        try:
            while not self._stop_now.is_set():
                self._edit()
        except (OSError, http.client.HTTPException):
            pass  # the node was killed under this request: nothing was promised for it
        except BaseException as failure:  # noqa: BLE001 - the test looks at it
            self.failure = failure

    def _edit(self):
        kind = self._rng.random()
        if kind < 0.2 or len(self._known) < 3:
            track = {"title": f"Song {self._rng.random()}", "artists": ["Somebody"]}
            request = ("playlist.add", {"tracks": [track]})
        elif kind < 0.5:
            one, other = self._rng.sample(self._known, 2)
            request = ("playlist.move", {"entries": [one], "after": other})
        elif kind < 0.8:
            note = f"note {self._rng.random()}"
            request = ("playlist.edit", {"entry": self._rng.choice(self._known), "note": note})
        elif kind < 0.9:
            request = ("playlist.remove", {"entries": [self._known.pop()]})
        else:
            request = (
                "playlist.vote",
                {"entry": self._rng.choice(self._known), "value": self._rng.choice((-1, 1))},
            )
        try:
            changed = self._node.ask(request[0], playlist=self._playlist, **request[1])
        except WhatNextError as error:
            if "no entry" not in str(error):  # anything but: somebody else removed it
                raise
            self._known.clear()
            return
        if changed["record"] is not None:
            self.promised.add(changed["record"])
        if request[0] == "playlist.add":
            self._known += changed["ids"]


class Disk:
    """What a node's database file holds, read past the node."""

    def __init__(self, node, playlist):
        with sqlite3.connect(f"file:{node.directory / FILE}?mode=ro", uri=True) as database:
            logs = database.execute(
                "SELECT id, author, epoch, seq, hash, fork_at FROM logs WHERE playlist = ? AND seq > 0",
                (playlist_from_text(playlist),),
            ).fetchall()
            hashes = database.execute("SELECT hash FROM records WHERE kind = 0").fetchall()
        database.close()
        self.heads = {(author, epoch): (seq, hash_) for _, author, epoch, seq, hash_, _ in logs}
        self.forks = [fork for *_, fork in logs if fork is not None]
        self.records = {hash_.hex() for (hash_,) in hashes}


class Crash:
    """Nodes that are killed round after round."""

    def __init__(self, running, rng):
        self.running, self.rng = running, rng
        self.playlist = share_playlist(running, entries=20)
        self.promised = {node: set() for node in running}
        self.agreed_s = []
        self.at_start = 0

    def round(self, number):
        victims = self.rng.sample(self.running, 2 if self.rng.random() < 0.2 else 1)
        self._edit_and_kill(victims)
        for node in victims:
            node.kill()  # it is dead already: takes note of it
            lost = self.promised[node] - Disk(node, self.playlist).records
            assert not lost, f"round {number}: {len(lost)} acknowledged edits are not on the disk"
            if self.rng.random() < 0.15:
                self._kill_while_it_starts(node)
        for node in victims:
            node.launch()
        for node in victims:
            node.wait_ready()
        began = time.monotonic()
        wait_until(self._agree, f"round {number}: all nodes hold the same records", within_s=60)
        self.agreed_s.append(time.monotonic() - began)

    def check(self):
        """All that was ever acknowledged is on every disk, nobody proved a fork, all show the same."""
        everything = set().union(*self.promised.values())
        for node in self.running:
            disk = Disk(node, self.playlist)
            assert everything <= disk.records
            assert disk.forks == []
        shown = [node.ask("playlist.show", playlist=self.playlist) for node in self.running]
        assert all(each == shown[0] for each in shown)
        return len(everything)

    def _edit_and_kill(self, victims):
        stop = threading.Event()
        editors = {n: Editor(n, self.playlist, Random(self.rng.random()), stop) for n in self.running}
        for editor in editors.values():
            editor.start()
        time.sleep(self.rng.uniform(0.02, 0.5))
        for node in victims:
            os.kill(node.pid, signal.SIGKILL)
        time.sleep(self.rng.uniform(0, 0.2))
        stop.set()
        for node, editor in editors.items():
            editor.join()
            assert editor.failure is None, editor.failure
            self.promised[node] |= editor.promised

    def _kill_while_it_starts(self, node):
        node.launch()
        time.sleep(self.rng.uniform(0, 1.2))
        node.kill()
        self.at_start += 1

    def _agree(self):
        heads = [Disk(node, self.playlist).heads for node in self.running]
        return bool(heads[0]) and all(each == heads[0] for each in heads)


def crash(times, seed):
    with nodes(PEERS) as running:
        crew = Crash(running, Random(seed))
        for number in range(times):
            crew.round(number)
            if number % 20 == 19:
                print(f"{number + 1} rounds, {crew.check()} edits", flush=True)
        logs = "\n".join(node.log() for node in running)
        assert "Traceback" not in logs, logs[-4000:]
        return crew, crew.check()


@pytest.mark.real
def test_killed_nodes_come_back_with_all_they_promised_and_everybody_agrees():
    _, promised = crash(times=4, seed=3)
    assert promised > 20


@pytest.mark.soak
def test_two_hundred_kills_of_nodes_lose_nothing():
    crew, promised = crash(times=200, seed=4)
    print(
        f"200 rounds of kill -9 ({crew.at_start} more while starting): {promised} acknowledged edits, all on every"
        f" disk; agreement after the restart took {median(crew.agreed_s):.1f} s, at most {max(crew.agreed_s):.1f} s"
    )
