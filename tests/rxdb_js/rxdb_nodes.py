"""What the tests with real RxDB share: where its packages are, and what a node's master holds."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import javascript
import trio
from trio_websocket import open_websocket_url

from whatnext.bench.nodes import Node

CLIENT = Path(__file__).parents[2] / "clients/js"
BATCH = 5000


def runtime() -> list[str]:
    """The command that runs a TypeScript file."""
    node = javascript.node()
    assert node is not None, "the tests are skipped without"
    return [node]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def documents(node: Node, collection: str) -> dict[str, dict[str, Any]]:
    """Every document that a node's master shows to be there, by its id, without `_deleted`."""
    found = trio.run(_pulled, node, collection)
    return {document["id"]: document for document in found if not document.pop("_deleted")}


async def _pulled(node: Node, collection: str) -> list[dict[str, Any]]:
    address = node.url.replace("http", "ws") + "/rxdb"
    async with open_websocket_url(
        address, extra_headers=[(b"authorization", f"Bearer {node.token}".encode())]
    ) as socket_:
        found: list[dict[str, Any]] = []
        checkpoint = None
        while True:
            request = {
                "id": "truth|1",
                "collection": collection,
                "method": "masterChangesSince",
                "params": [checkpoint, BATCH],
            }
            await socket_.send_message(json.dumps(request))
            result = json.loads(await socket_.get_message())["result"]
            found += result["documents"]
            checkpoint = result["checkpoint"]
            if len(result["documents"]) < BATCH:
                return found


def eventually(condition: Callable[[], Any], what: str, within_s: float = 20.0) -> Any:
    """Look until the condition holds; its value."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.03)
    return found
