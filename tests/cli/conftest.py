"""The command line run inside the test, on a profile of its own: directly, or through a node in another thread."""

import io
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from whatnext.cli.main import run
from whatnext.clock import HybridClock
from whatnext.config import ProfileLock, Settings
from whatnext.identity import load_or_create
from whatnext.net.circuits.keeper import RelayState, relay_in
from whatnext.node import state_file
from whatnext.node.api.access import Access
from whatnext.node.api.app import App
from whatnext.node.api.server import bind, serving
from whatnext.node.endpoints import endpoints_of
from whatnext.node.instruments import Instruments
from whatnext.node.links import SyncLinks
from whatnext.node.node import Node
from whatnext.node.state_file import NodeFile
from whatnext.node.wanted import standings_of
from whatnext.store import Library
from whatnext.sync import Hub


class Result(msgspec.Struct):
    status: int
    stdout: bytes
    stderr: str

    @property
    def out(self) -> str:
        return self.stdout.decode()

    def json(self):
        assert self.status == 0, self.stderr
        assert self.stdout.count(b"\n") == 1
        return msgspec.json.decode(self.stdout)


class Cli:
    """Runs commands on one profile."""

    def __init__(self, profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.profile = profile
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        out, err = io.BytesIO(), io.BytesIO()
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8", write_through=True))
            patch.setattr(sys, "stderr", io.TextIOWrapper(err, "utf-8", write_through=True))
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            status = run(["--profile", str(self.profile), *arguments])
            return Result(status, out.getvalue(), err.getvalue().decode())

    def json(self, *arguments: str):
        return self(*arguments, "--json").json()


class NoRelays:
    """Relays that were chosen, and never answer."""

    def __init__(self) -> None:
        self._chosen: list[str] = []

    def relays(self) -> list[str]:
        return []

    def use(self, addresses: Sequence[str]) -> None:
        self._chosen = list(addresses)

    def states(self) -> list[RelayState]:
        return [RelayState(relay_in(a), (a,), False, None, None) for a in self._chosen]


class NoNetwork:
    """A network without peers, so that a node starts in no time."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.circuits = NoRelays()
        self.relays = NoRelays()

    def addresses(self) -> list[str]:
        return [f"/ip4/127.0.0.1/tcp/4001/p2p/{self.peer}"]

    def connections(self) -> list[object]:
        return []

    def is_relay(self, peer: str) -> bool:
        return False

    async def disconnect(self, peer: str, reason: str = "") -> None:
        await trio.lowlevel.checkpoint()


@contextmanager
def node_in_thread(directory: Path) -> Iterator[None]:
    """The local API of a node, served until the block ends."""
    ready = threading.Event()
    stop: list[Callable[[], None]] = []
    failed: list[BaseException] = []

    def main() -> None:
        try:
            trio.run(serve)
        except BaseException as error:  # noqa: BLE001 - raised in the test's own thread, below
            failed.append(error)
            ready.set()

    async def serve() -> None:
        with ProfileLock(directory):
            settings, identity = Settings(directory), load_or_create(directory)
            library = Library(identity, HybridClock(lambda: 1_790_000_000_000), directory / "whatnext.db")
            hub = Hub(library, name="", agent="test")
            node = Node(
                library,
                settings,
                NoNetwork(identity.peer_id),
                hub,
                SyncLinks(identity.peer_id, hub, None),
                standings_of(library),
                Instruments(),
            )
            listener = bind(0)
            port = listener.getsockname()[1]
            node.url, node.access = f"http://127.0.0.1:{port}", Access(port, trio.current_time)
            token = trio.lowlevel.current_trio_token()
            stop.append(lambda: token.run_sync_soon(node.stopping.set))
            async with serving(App(endpoints_of(node), node.access, node.feed), listener, node.feed.close):
                content = NodeFile(
                    url=node.url, token=node.access.token, pid=1, peer=identity.peer_id, started=0
                )
                state_file.write(directory, content)
                ready.set()
                await node.stopping.wait()
            library.close()
            state_file.remove(directory)

    thread = threading.Thread(target=main)
    thread.start()
    ready.wait(10)
    assert not failed, failed
    try:
        yield
    finally:
        stop[0]()
        thread.join(10)
        assert not failed, failed


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    directory = tmp_path / "profile"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def direct(profile, monkeypatch) -> Cli:
    """Without a node."""
    return Cli(profile, monkeypatch)


@pytest.fixture
def another(tmp_path, monkeypatch) -> Callable[[str], Cli]:
    """Makes command lines on further profiles."""

    def make(name: str) -> Cli:
        (tmp_path / name).mkdir(mode=0o700)
        return Cli(tmp_path / name, monkeypatch)

    return make


@pytest.fixture
def running_node():
    """Starts a node's API in a thread, for a `with` block."""
    return node_in_thread


@pytest.fixture(params=["direct", "node"])
def cli(request, profile, monkeypatch) -> Iterator[Cli]:
    """Both ways: what a command does must not depend on whether a node runs."""
    if request.param == "direct":
        yield Cli(profile, monkeypatch)
        return
    with node_in_thread(profile):
        yield Cli(profile, monkeypatch)
