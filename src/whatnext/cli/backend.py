"""Who performs an operation: the running node over its local API, or this process on the profile itself."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from whatnext.config import profile_directory
from whatnext.errors import ConnectionLost, NodeNotRunning, ProfileBusy
from whatnext.node import state_file
from whatnext.node.state_file import NodeFile

T = TypeVar("T")

WAIT_S = 3.0
"""How long to wait for a profile that another short command, or a starting or stopping node, holds."""
_LOOK_S = 0.05
_ANSWER_S = 600.0


class Backend(Protocol):
    """Performs operations."""

    is_node: bool

    def ask(self, operation: str, request: msgspec.Struct, response: type[T]) -> T:
        """Perform one; raises the errors of `whatnext.errors`."""

    def close(self) -> None:
        """Let go of what was opened."""


def choose_backend(profile: Path | None) -> Backend:
    """The running node if there is one, else the profile; raises `ProfileBusy` when somebody else keeps it."""
    directory = profile_directory(profile)
    deadline = time.monotonic() + WAIT_S
    while True:
        node = running_node(directory)
        if node is not None:
            return node
        try:
            return _open_directly(directory)
        except ProfileBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_S)


def running_node(directory: Path) -> "NodeBackend | None":
    """A connection to the node that runs on a profile, or None."""
    found = state_file.read(directory)
    if found is None or not state_file.is_alive(found.pid):
        return None
    backend = NodeBackend(found)
    return backend if backend.connect() else None


def _open_directly(directory: Path) -> Backend:
    from whatnext.cli.direct import DirectBackend

    return DirectBackend(directory)


class NodeBackend:
    """Asks a running node."""

    is_node = True

    def __init__(self, node: NodeFile) -> None:
        self._node = node
        self._connection = http.client.HTTPConnection(urlsplit(node.url).netloc, timeout=_ANSWER_S)

    def connect(self) -> bool:
        """Whether anybody listens there."""
        try:
            self._connection.connect()
        except OSError:
            return False
        return True

    def ask(self, operation: str, request: msgspec.Struct, response: type[T]) -> T:
        """Perform an operation; raises what the node raised, `ConnectionLost` when it went away meanwhile."""
        headers = {"Authorization": f"Bearer {self._node.token}", "Content-Type": "application/json"}
        try:
            self._connection.request("POST", f"/v1/{operation}", msgspec.json.encode(request), headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionLost(
                f"the node ended before it answered ({error}): look with `whatnext status` whether it was done"
            ) from error
        if answer.status != http.HTTPStatus.OK:
            from whatnext.node.api.problems import Problem, error_of

            raise error_of(msgspec.json.decode(body, type=Problem))
        return msgspec.json.decode(body, type=response)

    def events(self) -> Iterator[tuple[str, bytes]]:
        """What happens from now on, as `events.listen` tells it, over a connection of its own."""
        from whatnext.cli.events import listen

        return listen(self._node)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def node_is_needed() -> NodeNotRunning:
    """The error of operations that only a running node has."""
    return NodeNotRunning("no node runs on this profile: start one with `whatnext node`, then try again")
