"""Real RxDB clients in a process of their own; `clients/js/test/support/peer.ts` says what they can be asked."""

import itertools
import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rxdb_nodes import CLIENT, eventually, runtime

from whatnext.bench.nodes import Node

ANSWER_S = 30.0


class Refused(Exception):
    """What was asked failed there; the sentence is the client's."""


class Clients:
    """The process, and its clients by name."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._open: list[str] = []

    def close_all(self) -> None:
        """End every client."""
        while self._open:
            self.ask("close", client=self._open.pop())

    def ask(self, name: str, **arguments: Any) -> Any:
        """Have something done; its result. Raises `Refused`."""
        number = next(self._numbers)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"id": number, "do": name, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        while True:
            assert select.select([self._process.stdout], [], [], ANSWER_S)[0], f"no answer to {name}"
            line = self._process.stdout.readline()
            assert line, f"the clients ended with status {self._process.wait(5)}; their words are above"
            answer = json.loads(line)
            if answer["id"] == number:
                break
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def page(self, node: Node, *collections: str, name: str = "page") -> "JsClient":
        """A client of the node's own user, over the WebSocket."""
        return self._opened(name, collections, profile=str(node.directory))

    def friend(self, node: Node, *collections: str, name: str = "friend", **how: Any) -> "JsClient":
        """A peer of its own that talks libp2p with the node; `invite` is the link it comes in by."""
        return self._opened(name, collections, address=node.addresses[0], **how)

    def _opened(self, name: str, collections: tuple[str, ...], **how: Any) -> "JsClient":
        made = JsClient(self, name)
        made.peer = self.ask("open", client=name, collections=collections or ("playlists", "entries"), **how)
        self._open.append(name)
        return made


class JsClient:
    """One client."""

    def __init__(self, clients: Clients, name: str) -> None:
        self._clients = clients
        self.name = name
        self.peer = ""

    def ask(self, operation: str, **arguments: Any) -> Any:
        return self._clients.ask(operation, client=self.name, **arguments)

    def pulled(self) -> "JsClient":
        """Wait until everything was pulled once."""
        self.ask("pulled")
        return self

    def documents(self, collection: str = "entries") -> dict[str, dict[str, Any]]:
        return {each["id"]: each for each in self.ask("documents", collection=collection)}

    def titles_in(self, playlist: str) -> list[str]:
        """Titles in the list's order."""
        mine = [entry for entry in self.documents().values() if entry["playlistId"] == playlist]
        found = sorted(mine, key=lambda entry: (entry["position"], entry["id"]))
        return [entry["title"] for entry in found]

    def key_of(self, title: str) -> str:
        """Id of the entry with that title, once it is there."""
        found: str = eventually(
            lambda: next((k for k, e in self.documents().items() if e["title"] == title), None), f"“{title}”"
        )
        return found

    def add(self, playlist: str, title: str, position: str = "a0V", **fields: Any) -> str:
        key: str = self._clients.ask("entryId", key=playlist)
        self.ask("insert", collection="entries", document=entry(playlist, key, title, position, **fields))
        return key

    def patch(self, key: str, **fields: Any) -> None:
        self.ask("patch", collection="entries", key=key, fields=fields)

    def remove(self, key: str) -> None:
        self.ask("remove", collection="entries", key=key)

    def path(self, **how: Any) -> None:
        """Break its path: `isOffline`, `lostRequests`, `lostAnswers`."""
        self.ask("path", path=how)

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("told")
        return found


def entry(playlist: str, key: str, title: str, position: str, **fields: Any) -> dict[str, Any]:
    """A new entry as a client writes it."""
    return {
        "id": key,
        "version": "",
        "playlistId": playlist,
        "position": position,
        "title": title,
        "artists": [],
        "album": "",
        "durationMs": None,
        "isrc": None,
        "mbid": None,
        "links": [],
        "note": "",
        "addedBy": "",
        "addedAt": 0,
        **fields,
    }


@contextmanager
def js_clients() -> Iterator[Clients]:
    """Run the process; nothing in it may have gone unhandled."""
    command = [*runtime(), str(CLIENT / "test/support/peer.ts")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            made = Clients(process)
            yield made
            assert made.ask("unhandled") == []
        finally:
            process.kill()
