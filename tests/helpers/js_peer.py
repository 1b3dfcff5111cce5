"""A js-libp2p 3 peer in a process of its own, for tests: `tests/interop/peer.mjs` says what it can be asked."""

import itertools
import json
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import javascript
import pytest
import trio

FOLDER = Path(__file__).parents[1] / "interop"
START_S = 30.0
ANSWER_S = 15.0  # its own patience is 10 s

Start = Callable[..., "subprocess.Popen[bytes]"]


BINARIES = {"quic-v1": "@chainsafe/libp2p-quic-*", "webrtc-direct": "@node-datachannel/*"}


def has_binary(transport: str) -> bool:
    """Whether npm brought what a transport of js-libp2p needs on this platform."""
    wanted = BINARIES.get(transport)
    return wanted is None or any((FOLDER / "node_modules").glob(wanted))


class Refused(Exception):
    """What was asked failed there; the sentence is js-libp2p's."""


class JsPeer:
    """One peer; every method but `get` blocks."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self._numbers = itertools.count(1)
        ready = self._line(START_S)
        self.peer: str = ready["peer"]
        self.addresses: list[str] = ready["addresses"]

    def address(self, part: str) -> str:
        """Its first address of a transport, as `ws`; `tcp` is plain TCP. Skips the test when it has none."""
        for address in self.addresses:
            if f"/{part}" in address and not (part == "tcp" and "/ws" in address):
                return address
        pytest.skip(f"js-libp2p brings no binary for {part} on this platform")

    def ask(self, name: str, **arguments: object) -> Any:
        """Have something done; its result. Raises `Refused`."""
        number = next(self._numbers)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": number, "do": name, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        answer = self._line(ANSWER_S)
        assert answer["id"] == number
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    async def get(self, name: str, **arguments: object) -> Any:
        """`ask`, while our own loop goes on. Cancelling has no effect before the answer."""
        return await trio.to_thread.run_sync(lambda: self.ask(name, **arguments))

    def _line(self, within: float) -> Any:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], within)[0], "the js peer said nothing"
        line = self.process.stdout.readline()
        assert line, f"the js peer ended with status {self.process.wait(5)}; its words are above"
        return json.loads(line)


@contextmanager
def js_peer(start: Start = subprocess.Popen, **settings: object) -> Iterator[JsPeer]:
    """Run a peer, by a lab host's `popen` for instance; skips the test with the reason where there is no Node."""
    if reason := javascript.why_not(FOLDER):
        pytest.skip(reason)
    node = javascript.node()
    assert node is not None
    command = [node, str(FOLDER / "peer.mjs"), json.dumps(settings)]
    with start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield JsPeer(process)
        finally:
            process.kill()
