"""Which connections there are, which of two to one peer stays, and whether each still lives.

py-libp2p keeps its own table; this one is what WhatNext believes: a connection enters when its handshakes are done
and leaves the moment it begins to close, so a reader never sees half-dead ones.

**Two connections to one peer** happen when both dial at once, or when a direct path is found beside a relayed one.
Both sides prefer, without talking: direct before relayed, then the one dialled by the smaller PeerID. New streams go
to the preferred one; the other is closed when it is idle, or after `replace_grace_s`.
"""

import logging
import time
from functools import partial

import msgspec
import trio
from libp2p.abc import INetConn, INetStream, INetwork, INotifee
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.rcmgr import Direction
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.errors import PeerError, WhatNextError
from whatnext.net.addresses import Kind, kind_of, path_of, transport_of
from whatnext.net.admission.gate import Gate
from whatnext.net.admission.origins import origin_of
from whatnext.net.admission.pruning import Held
from whatnext.net.admission.refusal import Refusal
from whatnext.net.closing import close_connection, evict, heard
from whatnext.net.config import NetConfig
from whatnext.net.departed import Departed
from whatnext.net.events import Connected, Disconnected, EventHub, PathChanged
from whatnext.net.heartbeat import ping_once
from whatnext.net.inbox import InboxStream
from whatnext.net.muxing import SafeYamux
from whatnext.net.standing import Standing
from whatnext.net.swarm import SafeSwarm

_log = logging.getLogger(__name__)

_FIRST_BEAT = 0.3  # seconds after connecting, so that a latency is known early
_SETTLE = 1.0  # seconds a replaced connection stays at least: the peer may be opening a stream on it
_FRESH = 1.0  # seconds after a sign of life in which a second connection raises no doubt: both dialled
_DOUBT = 3.0  # seconds a doubted connection has to answer: few beside the heartbeat, many for a live path
_UNTOLD = "the peer or the network closed the connection"
_IDLE_LOOK = 0.25  # seconds between looks whether a replaced connection is idle


class ConnectionInfo(msgspec.Struct, frozen=True):
    """One connection, as shown to people.

    `direction` is `in` or `out`; `transport` is `tcp`, `ws`, …; `path` is `lan`, `direct` or `relay`; `opened_at` is
    seconds since the epoch; `latency_ms` is the last heartbeat's, None before the first.
    """

    peer: str
    address: str
    direction: str
    transport: str
    path: str
    opened_at: float
    latency_ms: float | None


class Link:
    """One live connection and what we know of it."""

    def __init__(self, conn: SwarmConn) -> None:
        self.conn = conn
        self.peer = str(conn.muxed_conn.peer_id)
        self.outbound = conn.direction is Direction.OUTBOUND
        known = conn.get_transport_addresses()
        self.address = str(known[0]) if known else ""
        self.origin = origin_of(self.address)
        self.opened_at = time.time()
        self.began = self.used_at = self.alive_at = trio.current_time()
        self.latency_ms: float | None = None
        self.visitors: int | None = (
            None  # how many only ask something here; None when it is more than a visit
        )
        self.reason: str | None = None

    def streams_in_use(self) -> int:
        """Streams of protocols that serve a user, not of ping and identify; notes when there were any."""
        named = (stream.get_protocol() for stream in self.conn.get_streams())
        count = sum(name is not None and not name.startswith("/ipfs/") for name in named)
        if count:
            self.used_at = trio.current_time()
        return count

    def info(self) -> ConnectionInfo:
        """Snapshot for people."""
        path = path_of(self.address)
        direction, transport = "out" if self.outbound else "in", transport_of(self.address)
        return ConnectionInfo(
            self.peer, self.address, direction, transport, path, self.opened_at, self.latency_ms
        )


def _unread(conn: SwarmConn) -> int:
    if isinstance(conn.muxed_conn, SafeYamux):
        return conn.muxed_conn.unread()
    muxed = (stream.muxed_stream for stream in conn.get_streams())
    return sum(len(stream.inbox) for stream in muxed if isinstance(stream, InboxStream))


class Connections(INotifee):
    """The table of live links; told of new ones by the swarm, it watches each to its end."""

    def __init__(
        self,
        swarm: SafeSwarm,
        departed: Departed,
        config: NetConfig,
        events: EventHub,
        nursery: trio.Nursery,
        gate: Gate,
    ) -> None:
        self._swarm = swarm
        self._departed = departed
        self._config = config
        self._events = events
        self._nursery = nursery
        self._gate = gate
        self._me = str(swarm.get_peer_id())
        self._links: dict[str, list[Link]] = {}
        self._closing = False
        gate.attach(self.table, self._give_up)

    def best(self, peer: str) -> Link | None:
        """Link that new streams to this peer should use, or None when it is not connected."""
        links = self._links.get(peer)
        return min(links, key=self._preference) if links else None

    def all(self) -> list[Link]:
        """Every live link."""
        return [link for links in self._links.values() for link in links]

    def is_blocked(self, peer: str) -> bool:
        """Whether this peer is refused now."""
        return self._gate.standing(peer) is Standing.BLOCKED

    def table(self, in_detail: bool) -> list[Held]:
        """Every connection in the swarm's table, as the gate judges it; also those that begin or end just now."""
        links = {id(link.conn): link for link in self.all()}
        return [self._held(conn, links.get(id(conn)), in_detail) for conn in self._swarm.get_connections()]

    def _held(self, conn: INetConn, link: Link | None, in_detail: bool) -> Held:
        assert isinstance(conn, SwarmConn)
        key, inbound = id(conn.muxed_conn), conn.direction is not Direction.OUTBOUND
        if link is None:
            peer = str(conn.muxed_conn.peer_id)
            return Held(key, peer, self._gate.standing(peer), inbound)
        now, streams, unread = trio.current_time(), 0, 0
        if in_detail:
            streams, unread = link.streams_in_use(), _unread(conn)
        return Held(
            key,
            link.peer,
            self._gate.standing(link.peer),
            inbound,
            link.address,
            link.origin,
            age_s=now - link.began,
            idle_s=now - link.used_at,
            streams=streams,
            unread=unread,
        )

    async def _give_up(self, key: int, refusal: Refusal) -> None:
        for conn in self._swarm.get_connections():
            if id(conn.muxed_conn) != key:
                continue
            for link in self.all():
                if link.conn is conn:
                    link.reason = refusal.reason
            await close_connection(self._swarm, conn, refusal.code)

    async def prune_regularly(self) -> None:
        """Keep the table between its watermarks until cancelled."""
        while True:
            await trio.sleep(self._config.prune_every_s)
            await self._gate.prune()

    async def reconsider(self) -> None:
        """Close the connections of peers that are blocked now. Takes at most `closing.PATIENCE`."""
        async with trio.open_nursery() as nursery:
            for link in self.all():
                if self.is_blocked(link.peer):
                    nursery.start_soon(self._turn_out, link)

    def _overrun(self, link: Link, reason: str) -> None:
        link.reason = reason
        self._gate.refused(link.peer, link.address, Refusal("memory", reason))

    async def _turn_out(self, link: Link) -> None:
        await self._gate.give_up(id(link.conn.muxed_conn), Refusal("blocked", "this peer is blocked here"))

    def _preference(self, link: Link) -> tuple[bool, str]:
        dialler = self._me if link.outbound else link.peer
        return (kind_of(link.address) is Kind.RELAY, dialler)

    async def connected(self, network: INetwork, conn: INetConn) -> None:
        """Take a new connection in (called by the swarm)."""
        assert isinstance(conn, SwarmConn)
        if self._closing:
            return
        link = Link(conn)
        if self.is_blocked(link.peer):  # since it passed the gate
            self._nursery.start_soon(self._turn_out, link)
            return
        if isinstance(conn.muxed_conn, SafeYamux):
            conn.muxed_conn.on_overrun = partial(self._overrun, link)
        before = self.best(link.peer)
        self._links.setdefault(link.peer, []).append(link)
        self._nursery.start_soon(self._watch, link)
        direction = "out" if link.outbound else "in"
        if before is None:
            self._departed.came(conn.muxed_conn.peer_id)
            self._events.publish(Connected(link.peer, link.address, direction))
            return
        # A peer that comes again may have noticed before us that the path was cut: the older one must not win dead.
        if trio.current_time() - before.alive_at > _FRESH:
            before.alive_at = trio.current_time()  # one doubt at a time
            self._nursery.start_soon(self._prove, before, _DOUBT)
        better = self.best(link.peer) is link
        if better:
            self._events.publish(PathChanged(link.peer, link.address, direction))
        worse = before if better else link
        alike = self._preference(before) == self._preference(link)
        # Of two alike the one who dialled both chooses, or each might close the other's.
        if not alike or worse.outbound:
            self._nursery.start_soon(self._retire, worse)

    async def _retire(self, link: Link) -> None:
        """Close a link that a better one replaced, once idle or after the grace."""
        await trio.sleep(min(_SETTLE, self._config.replace_grace_s))
        with trio.move_on_after(self._config.replace_grace_s):
            while link.conn.get_streams():  # noqa: ASYNC110 - py-libp2p has no event for it
                await trio.sleep(_IDLE_LOOK)
        if len(self._links.get(link.peer, [])) > 1:
            await self.close(link, "a better connection to the peer replaced it")

    async def close(self, link: Link, reason: str) -> None:
        """End a link; `reason` is what `Disconnected` will say. Bounded time, not cancellable midway."""
        link.reason = reason
        await close_connection(self._swarm, link.conn)

    async def close_all(self) -> None:
        """End every link at once and take no new ones."""
        self._closing = True
        async with trio.open_nursery() as nursery:
            for link in self.all():
                nursery.start_soon(self.close, link, "this node is closing")

    async def _watch(self, link: Link) -> None:
        """Beat until the connection ends, then forget it."""
        try:
            await self._beat(link)
        finally:
            self._forget(link)
        with trio.move_on_after(2):  # py-libp2p may still be closing it; if it never ends, we end it
            while link.conn in self._swarm.get_connections(link.conn.muxed_conn.peer_id):  # noqa: ASYNC110 - likewise
                await trio.sleep(0.1)
        evict(self._swarm, link.conn)

    async def _beat(self, link: Link) -> None:
        pause = min(_FIRST_BEAT, self._config.heartbeat_s)
        while not link.conn.event_closed.is_set():
            with trio.move_on_after(pause):
                await link.conn.event_closed.wait()
            if link.conn.event_closed.is_set():
                return
            if not await self._prove(link, self._config.heartbeat_timeout_s):
                return
            link.streams_in_use()
            pause = self._config.heartbeat_s

    async def _prove(self, link: Link, timeout_s: float) -> bool:
        """Whether a link gives a sign of life within the time; one that does not is closed."""
        try:
            link.latency_ms = 1000 * await ping_once(link.conn, timeout_s)
        except WhatNextError as error:
            if not link.conn.event_closed.is_set():
                broken = isinstance(error, PeerError)
                await self.close(link, "it broke the ping protocol" if broken else "it no longer answers")
            return False
        link.alive_at = trio.current_time()
        return True

    async def probe(self, timeout_s: float) -> None:
        """Ask every link for a sign of life at once, and close those that give none in time."""
        async with trio.open_nursery() as nursery:
            for link in self.all():
                nursery.start_soon(self._prove, link, timeout_s)

    def _forget(self, link: Link) -> None:
        links = self._links.get(link.peer, [])
        if link not in links:
            return
        was_best = self.best(link.peer) is link
        links.remove(link)
        if not links:
            del self._links[link.peer]
            self._departed.left(link.conn.muxed_conn.peer_id)
            self._events.publish(Disconnected(link.peer, link.reason or heard(link.conn) or _UNTOLD))
        elif was_best and (heir := self.best(link.peer)) is not None:
            self._events.publish(PathChanged(heir.peer, heir.address, "out" if heir.outbound else "in"))

    async def disconnected(self, network: INetwork, conn: INetConn) -> None:
        """Nothing: the watcher of each link sees its end earlier, and also when the swarm forgets to tell."""

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None:
        """Nothing."""

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None:
        """Nothing."""

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Nothing."""

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Nothing."""
