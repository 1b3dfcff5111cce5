"""A device of the lab as a user has it: a profile, a `whatnext node` on it, and the command line, in one host."""

import http
import http.client
import json
import select
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from whatnext.errors import LocalError, WhatNextError
from whatnext.lab.host import Host

READY_S = 180.0
"""Twenty nodes that start together on two busy cores need more than a minute."""
STOP_S = 10.0
ASK_S = 30.0


class WholeNode:
    """One profile in one host; its node can be started, stopped, killed and started again. Every method blocks."""

    def __init__(self, host: Host, profile: Path, *options: str) -> None:
        self.host = host
        self.profile = profile
        self.options = options
        self.peer = self.url = self.token = ""
        self.addresses: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start the node, no more; it logs to `node.log` in its profile."""
        self.profile.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.profile / "node.log").open("ab") as log:
            self.process = self.host.python(
                *self._words("node", "--ready-line", *self.options), stdout=subprocess.PIPE, stderr=log
            )

    def wait_ready(self) -> float:
        """Wait for its word; when it came (monotonic seconds). Raises `LocalError` with its log when it does not."""
        assert self.process is not None, "it was launched"
        assert self.process.stdout is not None
        told = select.select([self.process.stdout], [], [], READY_S)[0]
        line = self.process.stdout.readline() if told else b""
        at = time.monotonic()
        if not line:
            raise LocalError(
                f"the node of {self.host.name} did not start; its log says:\n{self.log()[-2000:]}"
            )
        ready = json.loads(line)
        self.peer, self.url, self.token = ready["peer"], ready["url"], ready["token"]
        self.addresses = ready["addresses"]
        return at

    def start(self) -> float:
        """`launch` and `wait_ready`."""
        self.launch()
        return self.wait_ready()

    def log(self) -> str:
        """What the node wrote to stderr."""
        return (self.profile / "node.log").read_text("utf-8", errors="replace")

    def ask(self, operation: str, **request: Any) -> Any:
        """Perform an operation of the running node; raises `WhatNextError` with its sentence."""
        return self.host.inside(partial(self._ask, operation, json.dumps(request)))

    def _ask(self, operation: str, request: str) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=ASK_S)
        try:
            connection.request("POST", f"/v1/{operation}", request, {"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise WhatNextError(f"{operation}: {body.get('detail', body)}")
        return body

    def command(self, *words: str) -> str:
        """Run `whatnext` with these words on the profile; what it printed. Raises `LocalError` with its words."""
        process = self.host.python(
            *self._words(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            out, errors = process.communicate(timeout=ASK_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise LocalError(
                f"{self.host.name}: whatnext {' '.join(words)} took longer than {ASK_S:g} s"
            ) from None
        if process.returncode != 0:
            raise LocalError(f"{self.host.name}: whatnext {' '.join(words)} failed: {errors}")
        return str(out)

    def neighbours(self, *, foreign: bool = False) -> dict[str, Any]:
        """Who it says is here now, by PeerID."""
        found = self.ask("discover", foreign=foreign)["neighbours"]
        return {row["peer"]: row for row in found if row["state"] == "here"}

    def stop(self) -> None:
        """SIGTERM, and wait for a clean end; kill it if there is none within 10 s."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._forget()

    def kill(self) -> None:
        """SIGKILL, no goodbye."""
        if self.process is not None:
            self.process.kill()
            self._forget()

    def _forget(self) -> None:
        assert self.process is not None
        self.process.wait()
        self.process = None

    def _words(self, *words: str) -> list[str]:
        return ["-m", "whatnext", "--profile", str(self.profile), *words]


def wait_until(condition: Callable[[], bool], within_s: float, what: str, look_s: float = 0.02) -> float:
    """Look every `look_s`; seconds until the condition held. Raises `WhatNextError` naming what did not come."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + within_s:
            raise WhatNextError(f"within {within_s:g} s it did not come to this: {what}")
        time.sleep(look_s)
    return time.monotonic() - began
