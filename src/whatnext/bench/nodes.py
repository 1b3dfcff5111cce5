"""Real nodes as processes on loopback, each with a profile of its own, and plain calls to their local API."""

import http.client
import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from whatnext.errors import LocalError, WhatNextError

LISTEN = "/ip4/127.0.0.1/tcp/0"
READY_S = 30.0
STOP_S = 10.0


class Node:
    """One node process; it ends when this process does, over its standard input, unless `lifeline` is false.

    It listens at one address and looks for nobody; without `listen` it runs as a user's does.
    """

    def __init__(
        self,
        directory: Path,
        listen: str | None = LISTEN,
        *,
        lifeline: bool = True,
        module: str = "whatnext",
    ) -> None:
        self.directory = directory
        self.url = self.peer = self.token = ""
        self.addresses: list[str] = []
        self.ready_s = self._launched = 0.0
        # --no-mdns: who is cut off must stay cut off, and other runs' nodes are none of ours.
        self._network = ["--no-mdns", "--listen", listen] if listen else []
        self._module = module
        self._lifeline = ["--lifeline"] if lifeline else []
        self._process: subprocess.Popen[bytes] | None = None
        self._http: http.client.HTTPConnection | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and neither stopped nor died."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id while it runs."""
        assert self._process is not None, "the node was started"
        return self._process.pid

    def start(self, *options: str) -> None:
        """Start it and wait until it says that it is ready; raises `LocalError` with its log when it does not."""
        self.launch(*options)
        self.wait_ready()

    def launch(self, *options: str) -> None:
        """Start it, no more."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._launched = time.perf_counter()
        with (self.directory / "node.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *whatnext(self.directory, self._module),
                    "node",
                    "--ready-line",
                    *self._lifeline,
                    *self._network,
                    *options,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we stop the node
            )

    def wait_ready(self) -> None:
        """Wait for its word after `launch`; raises as `start`."""
        assert self._process is not None, "the node was launched"
        assert self._process.stdout is not None
        told = select.select([self._process.stdout], [], [], READY_S)[0]
        line = self._process.stdout.readline() if told else b""
        self.ready_s = time.perf_counter() - self._launched
        if not line:
            raise LocalError(f"a node did not start; its log says:\n{self.log()[-2000:]}")
        ready = json.loads(line)
        self.url, self.peer, self.token = ready["url"], ready["peer"], ready["token"]
        self.addresses = ready["addresses"]
        self._http = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)

    def log(self) -> str:
        """What the node wrote to stderr."""
        return (self.directory / "node.log").read_text("utf-8", errors="replace")

    def ask(self, operation: str, **request: Any) -> Any:
        """Perform an operation; raises `WhatNextError` with the node's sentence."""
        assert self._http is not None, "the node was started"
        headers = {"Authorization": f"Bearer {self.token}"}
        self._http.close()  # or a node that closed a silent connection is taken for one that died
        self._http.request("POST", f"/v1/{operation}", json.dumps(request), headers)
        answer = self._http.getresponse()
        body = json.loads(answer.read())
        if answer.status != http.HTTPStatus.OK:
            raise WhatNextError(f"{operation}: {body.get('detail', body)}")
        return body

    def metric(self, series: str) -> float:
        """The value of a series of its `/metrics`, named with its labels."""
        assert self._http is not None, "the node was started"
        self._http.close()
        self._http.request("GET", "/metrics", headers={"Authorization": f"Bearer {self.token}"})
        page = self._http.getresponse().read().decode()
        return next(float(line[len(series) :]) for line in page.splitlines() if line.startswith(f"{series} "))

    def kill(self) -> None:
        """SIGKILL, no goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()

    def stop(self) -> None:
        """Let it end cleanly; kill it if it has not within 10 s."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return
        self._forget()

    def cpu_s(self) -> float:
        """Seconds of processor time it has used."""
        import psutil  # type: ignore[import-untyped]  # comes with libp2p

        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def resident_mb(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        import psutil

        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def _forget(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._http is not None:
            self._http.close()
        self._process = self._http = None


def whatnext(directory: Path, module: str = "whatnext") -> list[str]:
    """The command line on a profile, of this very installation."""
    return [sys.executable, "-m", module, "--profile", str(directory)]


@contextmanager
def nodes(
    count: int, prepare: Callable[[Path], None] | None = None, module: str = "whatnext"
) -> Iterator[list[Node]]:
    """So many running nodes on new profiles, all gone afterwards; `prepare` fills the first one's profile."""
    with TemporaryDirectory(prefix="whatnext-bench-") as top, ExitStack() as stack:
        made = [Node(Path(top) / f"peer{number}", module=module) for number in range(count)]
        if prepare is not None:
            made[0].directory.mkdir(mode=0o700)
            prepare(made[0].directory)
        for number, node in enumerate(made):
            stack.callback(node.stop)
            node.start()
            node.ask("profile.name", name=f"peer{number}")
        yield made


def wait_until(condition: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    """Look every 20 ms until the condition holds; raises `WhatNextError` naming what did not come."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise WhatNextError(f"within {within_s:g} s it did not come to this: {what}")
        time.sleep(0.02)


def entry_ids(node: Node, playlist: str) -> list[str]:
    """Ids of the entries that a node shows, in order; empty while the playlist has not arrived."""
    if not has_arrived(node, playlist):
        return []
    return [entry["id"] for entry in node.ask("playlist.show", playlist=playlist)["entries"]]


def has_arrived(node: Node, playlist: str) -> bool:
    """Whether the playlist is there, not only being joined."""
    return any(p["id"] == playlist and p["state"] == "here" for p in node.ask("playlist.list"))


def in_sync_with(node: Node, playlist: str) -> int:
    """With how many connected peers the node has the playlist in sync."""
    found = next((p for p in node.ask("node.status")["playlists"] if p["id"] == playlist), None)
    return 0 if found is None else sum(peer["state"] == "in sync" for peer in found["peers"])
