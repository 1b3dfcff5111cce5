"""Real RxDB against real nodes: nodes for the whole session, clients for each module."""

import sys
from collections.abc import Iterator
from pathlib import Path

import javascript
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share lies beside them

from js_clients import Clients, js_clients
from rxdb_nodes import CLIENT, free_port

from whatnext.bench.nodes import Node


@pytest.fixture(scope="session", autouse=True)
def _javascript() -> None:
    if reason := javascript.why_not(CLIENT):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that no test restarts."""
    made = Node(tmp_path_factory.mktemp("rxdb") / "node")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Node]:
    """A node of the test's own on fixed ports: `start(*PORT)` brings it back where it was."""
    made = Node(tmp_path / "node", f"/ip4/127.0.0.1/tcp/{free_port()}")
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="session")
def session_clients() -> Iterator[Clients]:
    with js_clients() as made:
        yield made


@pytest.fixture
def clients(session_clients: Clients) -> Iterator[Clients]:
    """One process for all; what a test opens is closed after it, and nothing may have gone unhandled."""
    yield session_clients
    session_clients.close_all()
    assert session_clients.ask("unhandled") == []
