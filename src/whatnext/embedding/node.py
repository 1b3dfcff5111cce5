"""A node inside another program: its collections, and every operation by name."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from whatnext.config import profile_directory
from whatnext.embedding.collection import Collection
from whatnext.errors import UserError
from whatnext.node.api.endpoint import Endpoint
from whatnext.node.config import NodeConfig
from whatnext.rxdb.collections import COLLECTIONS
from whatnext.rxdb.master import Master

if TYPE_CHECKING:
    from whatnext.node.node import Node


class EmbeddedNode:
    """A running node as a program sees it; made by `open_node`."""

    def __init__(self, node: "Node", endpoints: Mapping[str, Endpoint]) -> None:
        master = Master(node.playlists)
        self.peer: str = node.network.peer
        """PeerID of this device."""
        self.collections: Mapping[str, Collection] = MappingProxyType(
            {name: Collection(node.playlists, master, name) for name in COLLECTIONS if name != "peers"}
        )
        """`playlists`, `entries`, `votes`, `comments`, `members` and `profiles`."""
        self._node = node
        self._endpoints = endpoints

    @property
    def addresses(self) -> list[str]:
        """Multiaddrs of this node, with its PeerID."""
        return self._node.network.addresses()

    async def do(self, operation: str, /, **fields: Any) -> Any:
        """Run an operation of the local API: `await node.do("playlist.create", name="Road trip")`.

        Takes the fields of its request and answers with its view; `whatnext.playlists.requests` and
        `whatnext.node.requests` list them. Raises whatever the operation does, `UserError` when there is none.
        """
        endpoint = self._endpoints.get(operation)
        if endpoint is None:
            raise UserError(
                f"there is no operation “{operation[:60]}”: there are {', '.join(sorted(self._endpoints))}"
            )
        try:
            request = endpoint.request(**fields)
        except TypeError as error:
            raise UserError(f"{operation}: {error}") from error
        return await endpoint.run(request)


@asynccontextmanager
async def open_node(
    profile: Path | str | None = None, config: NodeConfig | None = None
) -> AsyncIterator[EmbeddedNode]:
    """Run a node on a profile directory (None: the user's own) while the block lasts, under trio.

    It syncs with friends as `whatnext node` does, and `whatnext` commands on the profile talk to it. Raises
    `ProfileBusy` when another process has the profile, and what `whatnext node` would.
    """
    from whatnext.node.endpoints import endpoints_of
    from whatnext.node.node import open_node as run

    failure: Exception | None = None
    async with run(profile_directory(profile), config or NodeConfig()) as node:
        try:
            yield EmbeddedNode(node, endpoints_of(node))
        except Exception as error:  # noqa: BLE001 - raised below as itself, not wrapped by the node's nurseries
            failure = error
    if failure is not None:
        raise failure
