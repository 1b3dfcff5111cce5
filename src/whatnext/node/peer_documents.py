"""The peers as documents of the RxDB collection `peers`: what `whatnext peers` and `discover` say, in one."""

from typing import TYPE_CHECKING, Any

from whatnext.net.mdns import State
from whatnext.node.peer_names import everybody

if TYPE_CHECKING:
    from whatnext.node.node import Node


def peer_documents(node: "Node") -> list[dict[str, Any]]:
    """Everybody known here; `state` is the furthest of `away`, `here`, `connected`, `greeted` and `in sync`."""
    connections = {connection.peer: connection for connection in node.network.connections()}
    links = {status.peer: status for status in node.hub.status() if status.phase == "handshaken"}
    here = {row.peer for row in node.neighbours.listing() if row.state is not State.GONE}
    seen = {known.peer: known.last_seen for known in node.book.all()}
    documents = []
    for peer, name in everybody(node).items():
        connection, link = connections.get(peer), links.get(peer)
        in_sync = (
            link is not None and bool(link.playlists) and all(p.state == "in sync" for p in link.playlists)
        )
        state = "here" if peer in here else "away"
        if connection is not None:
            state = "connected" if link is None else "in sync" if in_sync else "greeted"
        documents.append(
            {
                "id": peer,
                "name": name,
                "state": "blocked" if peer in node.standings.blocked else state,
                "path": None if connection is None else connection.path,
                "latencyMs": None if connection is None else _rounded(connection.latency_ms),
                "inSync": in_sync,
                "discoveredBy": "mdns" if peer in here else None,
                "lastSeen": seen.get(peer),
            }
        )
    return documents


def _rounded(latency_ms: float | None) -> float | None:
    return None if latency_ms is None else round(latency_ms, 1)
