"""What only a running node can do: tell its state, reach peers, stop."""

from typing import TYPE_CHECKING

import trio

from whatnext import __version__
from whatnext.errors import ConnectionLost, UserError
from whatnext.identity import is_peer
from whatnext.net.addresses import Kind, kind_of, transport_of
from whatnext.net.mdns import State
from whatnext.node import views
from whatnext.node.peer_names import everybody, find_peer
from whatnext.node.requests import Connect, Disconnect, Discover, PingPeer
from whatnext.playlists import links
from whatnext.playlists.requests import Nothing
from whatnext.playlists.viewing import list_all
from whatnext.records.ids import to_text
from whatnext.sync import PeerStatus

if TYPE_CHECKING:
    from whatnext.net import ConnectionInfo
    from whatnext.node.node import Node

CLOSED_BY_HAND = "closed by hand"
"""Why a link ends when a user ends it: both devices say it, so it names no side."""
_REACH = {Kind.LOOPBACK: "device", Kind.LAN: "network", Kind.PUBLIC: "internet", Kind.RELAY: "relay"}
MAX_PINGS = 100
PING_TIMEOUT_S = 5.0


async def status(node: "Node", _: Nothing) -> views.NodeStatus:
    """The node as a whole."""
    by_playlist: dict[str, list[views.SyncView]] = {}
    called = everybody(node)
    for linked in node.hub.status():
        for view in _sync_views(linked, called.get(linked.peer)):
            by_playlist.setdefault(view.playlist, []).append(view)
    return views.NodeStatus(
        peer=node.network.peer,
        name=node.settings.name,
        version=__version__,
        profile=str(node.settings.directory),
        url=node.url,
        started_at=node.started_ms,
        uptime_ms=round((trio.current_time() - node.began) * 1000),
        addresses=node.network.addresses(),
        playlists=[
            views.PlaylistStatus(id=p.id, name=p.name, state=p.state, peers=by_playlist.get(p.id, []))
            for p in list_all(node.playlists, Nothing())
        ],
        connections=[connection_view(connection) for connection in node.network.connections()],
        listeners=listeners_of(node.network.addresses()),
    )


async def stop(node: "Node", _: Nothing) -> views.Stopping:
    """Stop once this answer is out."""
    node.stopping.set()
    return views.Stopping(peer=node.network.peer)


async def browse(node: "Node", _: Nothing) -> views.BrowserLink:
    """A link for one browser."""
    return views.BrowserLink(url=f"{node.url}/auth?once={node.access.new_link()}")


async def peers(node: "Node", _: Nothing) -> list[views.PeerView]:
    """Everybody known: those connected first, then as last seen."""
    connected = {connection.peer: connection for connection in node.network.connections()}
    linked = {each.peer: each for each in node.hub.status()}
    here = {row.peer for row in node.neighbours.listing() if row.state is not State.GONE}
    found = []
    for peer, name in sorted(everybody(node).items(), key=lambda item: item[0] not in connected):
        connection, link, kept = connected.get(peer), linked.get(peer), node.book.get(peer)
        shared = [] if link is None else _sync_views(link, name)
        found.append(
            views.PeerView(
                peer=peer,
                name=name,
                connected=connection is not None,
                handshaken=link is not None and link.phase == "handshaken",
                in_sync=bool(shared) and all(view.state == "in sync" for view in shared),
                path=None if connection is None else connection.path,
                latency_ms=None if connection is None else connection.latency_ms,
                address=None if connection is None else connection.address,
                last_seen=None if kept is None else kept.last_seen,
                problem=node.sync_links.problems.get(peer) or node.contacts.problems.get(peer),
                playlists=shared,
                blocked=peer in node.standings.blocked,
                relay=peer in node.relays.peers() or node.network.is_relay(peer),
                here=peer in here,
                connecting=connection is None and node.instruments.timelines.is_dialling(peer),
                paused=peer in node.sync_links.paused,
            )
        )
    return found


async def discover(node: "Node", asked: Discover) -> views.Discovered:
    """Who is on the same network; just after the start it waits until everybody had the time to answer."""
    await node.neighbours.settled()
    connected = {connection.peer for connection in node.network.connections()}
    known = everybody(node)
    now = trio.current_time()
    rows = [
        views.NeighbourView(
            peer=row.peer,
            name=known.get(row.peer),
            whatnext=row.whatnext,
            state=str(row.state),
            since_ms=round((now - row.since) * 1000),
            connected=row.peer in connected,
            addresses=list(row.addresses),
        )
        for row in node.neighbours.listing(foreign=asked.foreign)
    ]
    return views.Discovered(neighbours=rows, problem=node.neighbours.trouble())


async def ping(node: "Node", asked: PingPeer) -> views.PingReport:
    """Ping a connected peer, one ping after the other."""
    if not 1 <= asked.count <= MAX_PINGS:
        raise UserError(f"a ping can be sent 1 to {MAX_PINGS} times")
    peer = find_peer(everybody(node), asked.peer)
    path = next((c.path for c in node.network.connections() if c.peer == peer), None)
    if path is None:
        raise ConnectionLost(f"{peer} is not connected: `whatnext connect` first")
    took: list[float] = []
    for _ in range(asked.count):
        try:
            took.append(await node.network.ping(peer, PING_TIMEOUT_S) * 1000)
        except ConnectionLost:
            if not took:
                raise
    return views.PingReport(peer=peer, path=path, round_trips_ms=took, lost=asked.count - len(took))


async def connect(node: "Node", asked: Connect) -> views.Connected:
    """Dial a peer at what the user gave and at what is known of it."""
    peer, addresses = _target(node, asked.target)
    if peer in node.standings.blocked:
        raise UserError(f"{peer} is blocked on this device: `whatnext peers unblock …{peer[-8:]}` first")
    node.standings.name(peer)
    node.sync_links.paused.discard(peer)
    node.contacts.found(
        peer
    )  # a dial that hangs at what was known before would make this one wait for its end
    connection = await node.finding.resolver.reach(peer, addresses)
    node.sync_links.resume(peer)
    return views.Connected(peer=peer, address=connection.address, path=connection.path)


async def disconnect(node: "Node", asked: Disconnect) -> views.Disconnected:
    """Close every connection to a peer and leave it alone."""
    peer = find_peer(everybody(node), asked.peer)
    node.sync_links.paused.add(peer)
    count = sum(connection.peer == peer for connection in node.network.connections())
    node.hub.disconnect(peer, "disconnected", CLOSED_BY_HAND)
    await node.network.disconnect(peer, "closed by the user")
    return views.Disconnected(peer=peer, connections=count)


def _target(node: "Node", text: str) -> tuple[str, list[str]]:
    """PeerID and addresses in a link, a multiaddr, or the name of a known peer."""
    text = text.strip()
    if text.lower().startswith(links.SCHEME):
        link = links.parse(text)
        if not isinstance(link, links.ConnectLink):
            raise UserError("this link invites to a playlist: use `whatnext join`")
        return link.peer, [*link.addresses, *links.circuits(link)]
    if text.startswith("/"):
        before, _, peer = links.check_address(text).rpartition("/p2p/")
        if not before or "/" in peer:
            raise UserError(f"{text[:120]} does not say who is there: it should end with /p2p/ and a PeerID")
        return peer, [before]
    return (text, []) if is_peer(text) else (find_peer(everybody(node), text), [])


def _sync_views(linked: PeerStatus, name: str | None) -> list[views.SyncView]:
    return [
        views.SyncView(
            playlist=to_text(shared.playlist),
            peer=linked.peer,
            state=str(shared.state),
            pending_out=shared.pending_out,
            pending_in=shared.pending_in,
            name=name,
            refused=shared.refused,
        )
        for shared in linked.playlists
    ]


def listeners_of(addresses: list[str]) -> list[views.ListenerView]:
    """What a device's own addresses mean, in their order."""
    return [
        views.ListenerView(address=address, transport=transport_of(address), reach=_REACH[kind_of(address)])
        for address in addresses
    ]


def connection_view(connection: "ConnectionInfo") -> views.ConnectionView:
    """One connection, as the API shows it."""
    return views.ConnectionView(
        peer=connection.peer,
        address=connection.address,
        direction=connection.direction,
        transport=connection.transport,
        path=connection.path,
        opened_at=round(connection.opened_at * 1000),
        latency_ms=connection.latency_ms,
    )
