"""The network as the rest of WhatNext sees it: peers, streams by protocol, events. No libp2p type passes through."""

import logging
import weakref
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import trio

from whatnext.errors import ConnectionLost, NetworkError, PeerError, Unreachable, UserError, WrongPeer
from whatnext.net.addresses import Kind, beyond_loopback, dial_order, kind_of, without_peer
from whatnext.net.config import NetConfig
from whatnext.net.events import Connected, EventHub, Subscription
from whatnext.net.observing import Observer, StreamOpened
from whatnext.net.versions import mismatch_sentence
from whatnext.rates import TokenBucket

if TYPE_CHECKING:  # importing libp2p takes half a second: only a network that really opens pays it
    from libp2p.abc import INetConn, INetStream
    from libp2p.peer.id import ID

    from whatnext.net.circuits.client import Circuits
    from whatnext.net.circuits.keeper import Keeper
    from whatnext.net.connections import ConnectionInfo, Connections, Link
    from whatnext.net.dialing import Pool
    from whatnext.net.failures import Failure
    from whatnext.net.identify.host import IdentifyingHost
    from whatnext.net.identify.service import Identify
    from whatnext.net.identify.sightings import Sightings
    from whatnext.net.mapping.mapper import Mapper
    from whatnext.net.streams import Stream
    from whatnext.net.swarm import SafeSwarm

_log = logging.getLogger(__name__)

Handler = Callable[["Stream"], Awaitable[None]]
REPEATS_PER_S, REPEATS_AT_ONCE = 1.0, 16.0
"""Second and later tries at a relay within one dial, over all dials: our relay takes two requests a second of one peer,
and renewing our own place must not be refused for them."""


class Network:
    """One running libp2p node. Made by `opening.open_network`; all methods are for the task tree inside its block."""

    circuits: "Circuits"
    """Connections through relays."""
    relays: "Keeper"
    """Which relays this node uses, and its places at them."""
    identify: "Identify"
    """What this node tells of itself."""
    mapper: "Mapper"
    """Ports that the router forwards to us."""
    sightings: "Sightings"
    """Where others see this node."""

    def __init__(
        self,
        host: "IdentifyingHost",
        swarm: "SafeSwarm",
        config: NetConfig,
        connections: "Connections",
        events: EventHub,
        observe: Observer,
    ) -> None:
        self.peer = str(host.get_id())
        self.host = host  # for the relay client and hole punching inside whatnext.net, nobody else
        self._swarm = swarm
        self._config = config
        self._connections = connections
        self._events = events
        self._observe = observe
        self._repeats = TokenBucket(REPEATS_PER_S, REPEATS_AT_ONCE, trio.current_time())
        self._dialling: weakref.WeakValueDictionary[str, trio.Lock] = weakref.WeakValueDictionary()

    @property
    def observe(self) -> Observer:
        """Whom to tell in detail what is done on this network."""
        return self._observe

    def addresses(self) -> list[str]:
        """Multiaddrs of this node with `/p2p/<PeerID>`: real interface addresses, those at relays, loopback last."""
        try:
            own = [str(address) for address in self.host.get_addrs()]
        except OSError:  # the listeners are closing, and whoever asks is cancelled in a moment
            own = []
        more = [*self.mapper.addresses(), *self.circuits.addresses()]
        own += [f"{address}/p2p/{self.peer}" for address in more]
        return sorted(own, key=lambda address: kind_of(address) is Kind.LOOPBACK)

    def addresses_of(self, peer: str) -> list[str]:
        """Addresses a peer announced through identify (kept for 2 hours), best first, without `/p2p/`."""
        from libp2p.peer.peerstore import PeerStoreError

        try:
            known = self.host.get_peerstore().addrs(_id(peer))
        except PeerStoreError:
            return []
        return beyond_loopback(dial_order(without_peer(str(address)) for address in known))

    def record_of(self, peer: str) -> bytes:
        """The signed record that a peer told of itself last, sealed and not yet checked; empty when it told none."""
        return self.host.records.get(peer, b"")

    def connections(self) -> "list[ConnectionInfo]":
        """Every live connection; normally one per peer."""
        return [link.info() for link in self._connections.all()]

    def is_connected(self, peer: str) -> bool:
        """Whether there is a live connection to this peer."""
        return self._connections.best(peer) is not None

    def streams(self) -> int:
        """How many streams are open on all connections, both directions together."""
        return sum(len(link.conn.get_streams()) for link in self._connections.all())

    def events(self, capacity: int = 256) -> AbstractContextManager[Subscription]:
        """Subscribe from now: `with network.events() as events: async for event in events: …`. Never blocks us."""
        return self._events.subscribe(capacity)

    async def dial(self, peer: str, addresses: Sequence[str]) -> "ConnectionInfo":
        """Connect to a peer at any of these multiaddrs; at once when it is connected already.

        LAN first, then loopback, public, relay, one more every `dial_stagger_s`; the first to succeed wins. Raises
        `Unreachable` with every address and its reason, `WrongPeer` when at the only address someone else answered,
        `UserError` when the PeerID is malformed. Cancelling leaves no half-open connection.
        """
        from whatnext.net.dialing import Pool

        return await self.dial_as_found(Pool.of(peer, addresses))

    async def dial_as_found(self, pool: "Pool") -> "ConnectionInfo":
        """Connect to the pool's peer at addresses that may still be coming, as `dial` does; ends when it is closed.

        Done as well when the peer connects to us meanwhile. What failed stands in `pool.failures`.
        """
        link, _ = await self._link_to(pool)
        link.visitors = None
        return link.info()

    async def visit(self, peer: str, addresses: Sequence[str]) -> bool:
        """Connect as `dial` does, but only to ask something; return whether to `hang_up` afterwards.

        False when the peer was connected already for more than visits.
        """
        from whatnext.net.dialing import Pool

        link, is_new = await self._link_to(Pool.of(peer, addresses))
        if is_new:
            link.visitors = 0
        if link.visitors is None:
            return False
        link.visitors += 1
        return True

    def stay(self, peer: str) -> bool:
        """Whether a peer is connected; if only for a visit, the end of that leaves the connection from now on."""
        link = self._connections.best(peer)
        if link is not None:
            link.visitors = None
        return link is not None

    async def _link_to(self, pool: "Pool") -> "tuple[Link, bool]":
        """The peer's best link, and whether it was dialled for this."""
        target = _id(pool.peer)
        lock = self._dialling.setdefault(pool.peer, trio.Lock())
        async with lock:  # a second caller finds the first one's connection
            link = self._connections.best(pool.peer)
            if link is not None:
                return link, False
            link = await self._dial(target, pool)
            return link, link.outbound

    async def hang_up(self, peer: str, reason: str) -> None:
        """End a visit: the last one closes the connection, unless somebody dialled the peer since. At most 2 s."""
        async with trio.open_nursery() as nursery:
            for link in self._connections.all():
                if link.peer == peer and link.visitors:
                    link.visitors -= 1
                    if not link.visitors:
                        nursery.start_soon(self._connections.close, link, reason)

    async def _dial(self, target: "ID", pool: "Pool") -> "Link":
        from whatnext.net.attempts import tell_untried, watched
        from whatnext.net.closing import close_connection, gone_again
        from whatnext.net.dialing import race

        peer = pool.peer
        if peer == self.peer:
            raise UserError("that PeerID is this node's own: a node does not dial itself")
        if self._connections.is_blocked(peer):
            raise UserError(f"{peer} is blocked on this device, so it is not dialled: unblock it first")

        async def attempt(address: str) -> "INetConn":
            with watched(peer, address, self._config.dial_timeout_s, self._observe):
                return await self.circuits.connect(address, target)

        async def discard(conn: "INetConn") -> None:
            await close_connection(self._swarm, conn)

        outcome = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cancel_when_reached, peer, nursery.cancel_scope)
            outcome = await race(
                pool,
                attempt,
                discard,
                stagger_s=self._config.dial_stagger_s,
                timeout_s=self._config.dial_timeout_s,
                again=self._may_be_back if pool.again else lambda address: False,
            )
            nursery.cancel_scope.cancel()
        tell_untried(peer, pool.untried, self._observe)
        link = self._connections.best(peer)
        if link is not None:
            return link
        if outcome is None:
            raise ConnectionLost(f"{peer} connected to this device and left again at once: try again")
        if outcome.winner is not None:
            pool.failures.append(gone_again(outcome.winner))
        raise _unreachable(peer, pool.failures)

    def _may_be_back(self, address: str) -> bool:
        """A relay that restarts is back in a moment, the peer at it a little later: sooner than silence is believed."""
        return kind_of(address) is Kind.RELAY and self._repeats.take(1, trio.current_time())

    async def _cancel_when_reached(self, peer: str, scope: trio.CancelScope) -> None:
        """A connection the peer opened to us is as good as one of ours."""
        with self.events() as events:
            async for event in events:
                # Not our own one: it is told of before the attempt that made it has returned.
                if isinstance(event, Connected) and event.peer == peer and event.direction == "in":
                    scope.cancel()

    async def open_stream(self, peer: str, protocols: Sequence[str], timeout_s: float = 10.0) -> "Stream":
        """Open a stream to a connected peer; `protocols` are ids of one family, newest first.

        Raises `ConnectionLost` when the peer is not connected or goes away, `VersionMismatch` when it speaks none of
        them. Cancelling resets the stream.
        """
        from whatnext.net.negotiation import NoCommonProtocol, explain_mismatch, open_on
        from whatnext.net.streams import Stream

        for last_try in (False, True):
            link = self._connections.best(peer)
            if link is None:
                raise ConnectionLost(f"{peer} is not connected: dial it first")
            try:
                raw, protocol = await open_on(link.conn, protocols, timeout_s)
                self._observe(StreamOpened(peer, protocol, "out"))
                return Stream(raw, protocol, outbound=True, stall_s=self._config.stall_timeout_s)
            except NoCommonProtocol:
                raise await explain_mismatch(self.host, _id(peer), protocols) from None
            except ConnectionLost:
                if last_try or self._connections.best(peer) in (None, link):
                    raise
        raise AssertionError("unreachable: the second try returns or raises")

    def protocols_of(self, peer: str) -> list[str]:
        """Protocols a peer says it speaks; empty until identify has run."""
        from whatnext.net.negotiation import known_protocols

        return known_protocols(self.host, _id(peer))

    def mismatch(self, peer: str, protocols: Sequence[str]) -> str | None:
        """Why a peer speaks none of these (one family), by what it announced; None if it does or nothing is known."""
        from whatnext.net.negotiation import known_protocols

        theirs = known_protocols(self.host, _id(peer))
        return mismatch_sentence(protocols, theirs) if theirs and not set(theirs) & set(protocols) else None

    def is_relay(self, peer: str) -> bool:
        """Whether a peer announced that it serves as a relay; False before identify has run."""
        from whatnext.net.circuits.messages import HOP

        return HOP in self.protocols_of(peer)

    def handle(self, protocol: str, handler: Handler) -> None:
        """Serve a protocol: `handler(stream)` runs in its own task for each stream a peer opens, until it returns.

        Then the stream is closed. An exception in it is logged with the peer and resets its stream, nothing else; only
        what is not the peer's fault or the network's is logged with its traceback.
        """
        from libp2p.custom_types import TProtocol

        self.host.set_stream_handler(TProtocol(protocol), self._served(protocol, handler))

    def _served(self, protocol: str, handler: Handler) -> "Callable[[INetStream], Awaitable[None]]":
        from whatnext.net.streams import Stream

        async def serve(raw: "INetStream") -> None:
            stream = Stream(raw, protocol, outbound=False, stall_s=self._config.stall_timeout_s)
            self._observe(StreamOpened(stream.peer, protocol, "in"))
            try:
                await handler(stream)
                await stream.close()
            except NetworkError as error:
                _log.debug("%s ended: %s", protocol, error, extra={"peer": stream.peer})
                await stream.reset()
            except PeerError as error:
                _log.info("%s was broken off: %s", protocol, error, extra={"peer": stream.peer})
                await stream.reset()
            except Exception:  # noqa: BLE001 - one peer's stream must not stop the node
                _log.exception("the handler of %s failed", protocol, extra={"peer": stream.peer})
                await stream.reset()
            except BaseException:
                await stream.reset()
                raise

        return serve

    async def ping(self, peer: str, timeout_s: float = 10.0) -> float:
        """Seconds a ping takes there and back. Raises `ConnectionLost` when not connected or not answered."""
        from whatnext.net.heartbeat import ping_once

        link = self._connections.best(peer)
        if link is None:
            raise ConnectionLost(f"{peer} is not connected: dial it first")
        return await ping_once(link.conn, timeout_s)

    async def probe(self, timeout_s: float = 3.0) -> None:
        """Ping every connection now, and close those that do not answer: after sleep or a change of network."""
        await self._connections.probe(timeout_s)

    async def disconnect(self, peer: str, reason: str = "this node closed the connection") -> None:
        """Close every connection to a peer; nothing to do when there is none. Takes at most 2 s."""
        async with trio.open_nursery() as nursery:
            for link in self._connections.all():
                if link.peer == peer:
                    nursery.start_soon(self._connections.close, link, reason)

    async def disconnect_idle(self, peer: str, reason: str) -> None:
        """Close the connections to a peer on which nobody has a stream open, pings aside. Takes at most 2 s."""
        async with trio.open_nursery() as nursery:
            for link in self._connections.all():
                if link.peer == peer and not link.is_busy():
                    nursery.start_soon(self._connections.close, link, reason)


def _id(peer: str) -> "ID":
    from libp2p.peer.id import ID

    try:
        return ID.from_string(peer)
    except ValueError as error:
        raise UserError(f"“{peer[:60]}” is not a PeerID: it should look like 12D3KooW… ({error})") from error


def _unreachable(peer: str, failures: "list[Failure]") -> NetworkError:
    if not failures:
        return Unreachable(f"no address of {peer} is known: add one with its link or its multiaddr")
    if len(failures) == 1 and failures[0].wrong_peer:
        return WrongPeer(f"not {peer} at {failures[0].address}: {failures[0].reason}")
    listed = "".join(f"\n  {failure.address}: {failure.reason}" for failure in failures)
    return Unreachable(f"{peer} could not be reached at any of {len(failures)} addresses:{listed}")
