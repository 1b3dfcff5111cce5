"""A running relay: its network, what it serves, and how its rules change while it runs."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from whatnext.identity import Identity
from whatnext.net import Connected, Disconnected, Missed, NetConfig, Network, Subscription, open_network
from whatnext.net.config import PerIp
from whatnext.net.dht.server import DhtServer
from whatnext.net.dialback.server import DialbackServer
from whatnext.net.observing import Observer, ignore
from whatnext.net.rendezvous.server import RendezvousServer
from whatnext.relay.admission import Admission
from whatnext.relay.config import RelayConfig, default_listen
from whatnext.relay.hop import Hop, origin_key
from whatnext.relay.ledger import Ledger
from whatnext.relay.limits import Limits
from whatnext.relay.switchboard import Switchboard

_log = logging.getLogger(__name__)

_EXPIRE_EVERY_S = 30.0
_HEARTBEAT_S = 20.0
"""Pause between two pings of a client: a thousand clients would cost half a core at a node's five seconds, and a
client looks after its relay by itself."""
_HEARTBEAT_TIMEOUT_S = 20.0
"""How long its answer may take: a phone on a bad network keeps its place."""
_CIRCUIT_WINDOW = 256 * 1024  # bytes an end may send ahead of the other; both at worst, see `Limits.circuits`
_STOP_S = 1.0
_OTHER_STREAMS = 64
"""Streams of a peer beside its circuits: rendezvous, identify, pings."""


class Relay:
    """Everything one relay is; made by `open_relay`."""

    def __init__(
        self, network: Network, identity: Identity, switchboard: Switchboard, ledger: Ledger
    ) -> None:
        self.network = network
        self.switchboard = switchboard
        self.ledger = ledger
        self.hop = Hop(network, identity, switchboard, ledger)
        self.admission = Admission(network, switchboard, ledger)
        self.rendezvous = RendezvousServer(network)
        self.dht = DhtServer(network)
        self.dialback = DialbackServer(network)
        self.started = trio.current_time()

    async def run(self, events: Subscription) -> None:
        """Follow who comes and goes, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow, events)
            nursery.start_soon(self._expire)
            nursery.start_soon(self.rendezvous.run)
            nursery.start_soon(self.dht.run)

    def carried(self) -> tuple[int, int]:
        """Bytes carried since the start: from those who made circuits, and to them."""
        talking = self.switchboard.circuits.values()
        return (
            self.ledger.to_target + sum(circuit.to_target for circuit in talking),
            self.ledger.to_source + sum(circuit.to_source for circuit in talking),
        )

    async def reconfigure(self, config: RelayConfig) -> None:
        """Go by other limits and access rules; who is blocked now is disconnected. Raises `UserError`."""
        self.switchboard.reconfigure(config.limits, config.access)
        for connection in self.network.connections():
            if self.switchboard.access.is_blocked(connection.peer, origin_key(connection.address)):
                await self.network.disconnect(connection.peer, "it is on the block-list now")

    async def drain(self, seconds: float) -> None:
        """Take nothing new, let circuits finish for so long, then end them."""
        self.switchboard.draining = True
        _log.info("%d circuits may finish within %g s", len(self.switchboard.circuits), seconds)
        with trio.move_on_after(seconds):
            while self.switchboard.circuits:  # noqa: ASYNC110 - they end one by one, in tasks of their own
                await trio.sleep(0.05)
        self.hop.stop_circuits()
        with trio.move_on_after(_STOP_S):
            while self.switchboard.circuits:  # noqa: ASYNC110 - likewise
                await trio.sleep(0.01)

    async def _follow(self, events: Subscription) -> None:
        async for event in events:
            if isinstance(event, Connected):
                if self.switchboard.access.is_blocked(event.peer, origin_key(event.address)):
                    await self.network.disconnect(event.peer, "it is on the block-list")
            elif isinstance(event, Disconnected):
                self._left({event.peer})
            elif isinstance(event, Missed):
                self._left(self.switchboard.remembered())

    def _left(self, suspects: set[str]) -> None:
        """Forget those that are not connected: one may be back before we hear that it was gone."""
        for peer in suspects:
            if not self.network.is_connected(peer):
                self.switchboard.departed(peer)

    async def _expire(self) -> None:
        while True:
            await trio.sleep(_EXPIRE_EVERY_S)
            self.switchboard.expire(trio.current_time())


@asynccontextmanager
async def open_relay(
    identity: Identity, config: RelayConfig, observe: Observer = ignore
) -> AsyncIterator[Relay]:
    """Run a relay while the block lasts; raises as `open_network`, and `UserError` for access rules without sense.

    On leaving, circuits are reset and connections closed within the network's `close_timeout_s`.
    """
    switchboard = Switchboard(config.limits, config.access)
    net = net_config(config)
    async with open_network(identity, net, standing=switchboard.standing, observe=observe) as network:
        with network.events() as events:
            relay = Relay(network, identity, switchboard, Ledger())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(relay.run, events)
                try:
                    yield relay
                finally:
                    nursery.cancel_scope.cancel()


def net_config(config: RelayConfig) -> NetConfig:
    """What the network underneath may take, from what the relay gives."""
    limits: Limits = config.limits
    far, near = NetConfig().per_ip, NetConfig().per_near_ip
    return NetConfig(
        listen=config.listen or default_listen(),
        announce=config.announce,
        max_connections=limits.max_connections,
        per_ip=PerIp(
            connections=limits.connections_per_ip,
            handshakes=far.handshakes,
            rate_per_s=far.rate_per_s,
            burst=max(far.burst, limits.connections_per_ip),
        ),
        # A proxy in front of the WebSocket port stands for everybody.
        per_near_ip=PerIp(
            connections=limits.max_connections,
            handshakes=near.handshakes,
            rate_per_s=near.rate_per_s,
            burst=max(near.burst, limits.max_connections),
        ),
        max_unread=NetConfig().max_unread + 2 * limits.circuits * _CIRCUIT_WINDOW,
        heartbeat_s=_HEARTBEAT_S,
        heartbeat_timeout_s=_HEARTBEAT_TIMEOUT_S,
        max_streams_per_connection=2 * limits.circuits_per_peer + limits.handshakes_per_peer + _OTHER_STREAMS,
    )
