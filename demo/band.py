"""The demo's three devices: a node process each, its edits, and the cables between them."""

import http.client
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whatnext.bench.chance import seeded
from whatnext.bench.nodes import Node, whatnext
from whatnext.errors import WhatNextError
from whatnext.records.ids import playlist_from_text
from whatnext.store.database import FILE

NAMES = ("kitchen", "studio", "van")
PATIENCE_S = 25.0
Heads = dict[tuple[bytes, bytes], tuple[int, bytes]]


class Failed(Exception):
    """The demo showed something that must not be."""


class Cables:
    """The process of wires.py, as the demo commands it."""

    def __init__(self, *, outlives_us: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("wires.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=outlives_us,
        )

    def tell(self, do: str, **words: Any) -> int:
        """Give a command; return the answer."""
        assert self._process.stdout is not None
        self._send(do, words)
        return int(self._process.stdout.readline())

    def stay(self) -> None:
        """Let it go on without us until the last device has ended."""
        self._send("stay", {})

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _send(self, do: str, words: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **words}) + "\n")
        self._process.stdin.flush()


class Device:
    """One device: profile, node, and every change it was told is safe (`acknowledged`: record → what it was).

    `added` and `removed` are ids of tracks, `in_doubt` those of a request that was under way when the node was killed.
    """

    def __init__(self, name: str, top: Path, cables: Cables, *, lifeline: bool) -> None:
        self.name = name
        self.directory = top / name
        self.acknowledged: dict[str, str] = {}
        self.added: set[str] = set()
        self.removed: set[str] = set()
        self.in_doubt: set[str] = set()
        self.state = "away"
        port = _free_port()
        self._cables = cables
        self._address = f"/ip4/127.0.0.1/tcp/{cables.tell('add', device=name, port=port)}"
        self._rng = seeded(sum(name.encode()))
        self.node = Node(self.directory, f"/ip4/127.0.0.1/tcp/{port}", lifeline=lifeline)

    def start(self) -> float:
        """Start the node; return the seconds it took to be ready."""
        self.node.start("--announce", self._address)
        self._cables.tell("started", device=self.name, pid=self.node.pid)
        self.state = "online"
        return self.node.ready_s

    def kill(self) -> None:
        """Kill -9."""
        self.state = "killed"
        self.node.kill()

    def whatnext(self, *words: str) -> bytes:
        """Run a command as a user does; return what it printed."""
        ran = subprocess.run([*whatnext(self.directory), *words], capture_output=True, check=False)
        if ran.returncode:
            raise Failed(f"{self.name}: whatnext {' '.join(words)}: {ran.stderr.decode().strip()}")
        return ran.stdout

    def heads(self, playlist: str) -> Heads:
        """How far each log counts, read from the database file itself."""
        uri = f"file:{self.directory / FILE}?mode=ro"
        with sqlite3.connect(uri, uri=True) as database:
            rows = database.execute(
                "SELECT author, epoch, seq, hash FROM logs WHERE playlist = ? AND seq > 0",
                (playlist_from_text(playlist),),
            ).fetchall()
        database.close()
        return {(author, epoch): (seq, hash_) for author, epoch, seq, hash_ in rows}

    def edit(self, playlist: str, count: int, pause_s: float) -> None:
        """Make edits one after the other; stops early only when the node is killed under it."""
        source = self._edits(playlist)
        made = 0
        while made < count and self.state != "killed":
            operation, request, what = next(source)
            try:
                changed = self.node.ask(operation, playlist=playlist, **request)
            except (OSError, http.client.HTTPException):
                if self.state != "killed":
                    raise
                self.in_doubt.update(request.get("entries", ()))
                return  # not acknowledged: nobody promised anything
            except WhatNextError:
                continue  # somebody else removed that track a moment ago
            if changed["record"] is not None:
                self.note(changed, operation, what)
                made += 1
            time.sleep(pause_s)

    def note(self, changed: dict[str, Any], operation: str, what: str) -> None:
        """Remember what the node said is safe."""
        self.acknowledged[changed["record"]] = what
        if operation == "playlist.add":
            self.added.update(changed["ids"])
        elif operation == "playlist.remove":
            self.removed.update(changed["ids"])

    def calls_it(self, playlist: str) -> str:
        """The playlist's name as this device shows it."""
        name: str = self.node.ask("playlist.show", playlist=playlist)["name"]
        return name

    def _edits(self, playlist: str) -> Iterator[tuple[str, dict[str, Any], str]]:
        number = 0
        while True:
            number += 1
            entries = [each["id"] for each in self.node.ask("playlist.show", playlist=playlist)["entries"]]
            one, other = self._rng.sample(entries, 2)
            title = f"Encore {len(self.acknowledged) + 1}"
            track = {"title": title, "artists": [f"The {self.name.title()} Band"], "durationMs": 200_000}
            yield "playlist.add", {"tracks": [track], "after": one}, f"add {title}"
            yield "playlist.move", {"entries": [one], "after": other}, "move"
            yield "playlist.vote", {"entry": other, "value": self._rng.choice((-1, 1))}, "vote"
            yield "playlist.comment", {"entry": one, "text": f"{self.name} likes this ({title})"}, "comment"
            yield "playlist.edit", {"entry": other, "note": f"{self.name}: {title}"}, "note"
            if number % 2:
                yield "playlist.remove", {"entries": [self._rng.choice(entries)]}, "remove"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait(what: str, holds: Any, within_s: float = PATIENCE_S) -> float:
    """Wait until it holds; return the seconds, or raise `Failed`."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within_s:
            raise Failed(f"waited {within_s:.0f} s in vain: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


def keeps_running() -> bool:
    """Whether KEEP=1 asks to leave everything running."""
    return os.environ.get("KEEP", "") not in ("", "0")
