"""RxDB clients on nodes that sync with each other, edited at random over paths that break; what they end with."""

import json
import select
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from rxdb_nodes import CLIENT, documents, free_port, runtime

from whatnext.bench.nodes import Node, has_arrived, in_sync_with, wait_until

PATIENCE_S = 240.0


class Fuzz:
    """One run: two nodes in sync with each other, and clients.

    Each is given as the number of its node and whether it is the node's own page (WebSocket) or a friend (libp2p).
    """

    def __init__(self, directory: Path, seed: int, *clients: tuple[int, str]) -> None:
        self.seed, self.clients = seed, clients
        self.random = Random(seed)
        self.nodes = [
            Node(directory / f"node{number}", f"/ip4/127.0.0.1/tcp/{free_port()}") for number in range(2)
        ]
        self.ports = [free_port(), free_port()]
        self.kills = 0
        self.playlist = ""

    @contextmanager
    def running(self) -> Iterator["Fuzz"]:
        try:
            for node, port in zip(self.nodes, self.ports, strict=True):
                node.start("--api-port", str(port))
            one, other = self.nodes
            self.playlist = one.ask("playlist.create", name="Fuzz")["id"]
            other.ask("join", link=one.ask("invite.create", playlist=self.playlist)["link"])
            wait_until(lambda: has_arrived(other, self.playlist), "the playlist is on both nodes")
            yield self
        finally:
            for node in self.nodes:
                node.kill()

    def run(
        self, edits: int, *, loss: float = 0.03, pause_ms: float = 4, kill_every_s: float = 0
    ) -> dict[str, Any]:
        """Make the edits, let all come to rest, and return what is wrong and what was done."""
        settings = {
            "clients": [self._client(self.nodes[at], way) for at, way in self.clients],
            "playlist": self.playlist,
            "seed": self.seed,
            "edits": edits,
            "loss": loss,
            "pauseMs": pause_ms,
        }
        command = [*runtime(), str(CLIENT / "test/support/fuzz.ts"), json.dumps(settings)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
            try:
                done = self._edited(process, kill_every_s)
                return {"seed": self.seed, **done, "kills": self.kills, **self._rest(process)}
            finally:
                process.kill()

    def _client(self, node: Node, way: str) -> dict[str, str]:
        if way == "page":
            return {"profile": str(node.directory), "peer": node.peer}
        invite = self.nodes[0].ask("invite.create", playlist=self.playlist)["link"]
        wait_until(lambda: in_sync_with(node, self.playlist) == 1, "the node has heard of the invite")
        return {"address": node.addresses[0], "invite": invite}

    def _edited(self, process: "subprocess.Popen[bytes]", kill_every_s: float) -> Any:
        over = threading.Event()
        killer = threading.Thread(target=self._kill_nodes, args=(kill_every_s, over))
        if kill_every_s:
            killer.start()
        try:
            return line_of(process)
        finally:
            over.set()
            if kill_every_s:
                killer.join()

    def _kill_nodes(self, every_s: float, over: threading.Event) -> None:
        while not over.wait(self.random.uniform(0.5, 1.5) * every_s):
            at = self.random.randrange(2)
            self.nodes[at].kill()
            self.nodes[at].start("--api-port", str(self.ports[at]))
            self.kills += 1

    def _rest(self, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
        deadline = time.monotonic() + 10
        while True:
            wait_until(
                lambda: all(in_sync_with(node, self.playlist) == 1 for node in self.nodes), "the nodes agree"
            )
            assert process.stdin is not None
            process.stdin.write(b"\n")
            ended = line_of(process)
            wrong = self._wrong(ended)
            if not wrong or time.monotonic() > deadline:
                return {
                    "wrong": wrong,
                    "added": len(ended["added"]),
                    "removed": len(ended["removed"]),
                    **ended["losses"],
                    "errors": ended["errors"],
                }
            time.sleep(0.2)

    def _wrong(self, ended: dict[str, Any]) -> list[str]:
        wrong = [f"unhandled: {each}" for each in ended["unhandled"]]
        truth = [
            {name: documents(node, name) for name in ("playlists", "entries", "votes")} for node in self.nodes
        ]
        for who, ((at, _), client) in enumerate(zip(self.clients, ended["clients"], strict=True)):
            for name, found in client.items():
                wrong += differences(f"client {who} {name}", {d["id"]: d for d in found}, truth[at][name])
        plain = [without_versions(each["entries"]) for each in truth]
        wrong += differences("nodes", plain[0], plain[1])
        entries = truth[0]["entries"]
        added, removed = set(ended["added"]), set(ended["removed"])
        wrong += [f"lost: {each}" for each in sorted(added - removed - entries.keys())]
        wrong += [f"resurrected: {each}" for each in sorted(removed & entries.keys())]
        wrong += [f"never added: {each}" for each in sorted(entries.keys() - added)]
        shown = [
            entry["id"] for entry in self.nodes[1].ask("playlist.show", playlist=self.playlist)["entries"]
        ]
        if len(set(shown)) != len(shown):
            wrong.append("duplicates")
        for key, note in ended["notes"].items():
            if key in entries and entries[key]["note"] != note:
                wrong.append(f"note of {key}: {entries[key]['note']!r}, last written was {note!r}")
        for key, titles in ended["titles"].items():
            if key in entries and entries[key]["title"] not in titles:
                wrong.append(f"title of {key}: {entries[key]['title']!r} was never written")
        return wrong


def line_of(process: "subprocess.Popen[bytes]") -> Any:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], PATIENCE_S)[0], "the clients said nothing"
    line = process.stdout.readline()
    assert line, f"the clients ended with status {process.wait(5)}; their words are above"
    return json.loads(line)


def without_versions(entries: dict[str, Any]) -> dict[str, Any]:
    return {key: {**document, "version": ""} for key, document in entries.items()}


def differences(what: str, found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    wrong = [f"{what}: {key} is missing" for key in sorted(expected.keys() - found.keys())]
    wrong += [f"{what}: {key} should not be there" for key in sorted(found.keys() - expected.keys())]
    for key in sorted(expected.keys() & found.keys()):
        fields = [name for name in expected[key] if expected[key][name] != found[key].get(name)]
        if fields:
            shown = {name: (found[key].get(name), expected[key][name]) for name in fields}
            wrong.append(f"{what}: {key} differs in {shown}")
    return wrong
