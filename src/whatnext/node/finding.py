"""What a node does to find others and to be found: relays, rendezvous, DHT, and helping others with the same."""

import random
from collections.abc import Callable, Sequence

import trio

from whatnext.net import Network
from whatnext.node.circles import Circles
from whatnext.node.config import Service
from whatnext.node.relay_addresses import Relays
from whatnext.node.resolving import Resolver
from whatnext.node.whereabouts import Whereabouts
from whatnext.store.peers import AddressBook


class Finding:
    """Made once a network is open; `nearby` is what mDNS heard of a peer; it may raise `NetworkError`."""

    def __init__(
        self,
        network: Network,
        book: AddressBook,
        relays: Relays,
        nearby: Callable[[str], Sequence[str]],
        serve: frozenset[Service],
        rng: random.Random,
        circles: Circles,
    ) -> None:
        from whatnext.net.dht.node import DhtNode
        from whatnext.net.dht.server import DhtServer
        from whatnext.net.rendezvous.server import RendezvousServer

        self._dht_server: DhtServer | None = DhtServer(network) if "dht" in serve else None
        self._rendezvous: RendezvousServer | None = (
            RendezvousServer(network) if "rendezvous" in serve else None
        )
        dht = DhtNode(network, relays.addresses, self._dht_server, rng)
        self.whereabouts = Whereabouts(network, dht, relays.peers, rng)
        self._network = network
        self._may_know = circles.may_know

        def friends(peer: str) -> Sequence[str]:
            return circles.around(peer, (connection.peer for connection in network.connections()))

        self.resolver = Resolver(network, book, nearby, relays.peers, dht, friends)

    async def run(self) -> None:
        """Leave word where this node is, introduce friends, and serve, until cancelled."""
        from whatnext.net.finding.introductions import Introducer

        Introducer(self._network, self._may_know)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.whereabouts.run)
            for server in (self._dht_server, self._rendezvous):
                if server is not None:
                    nursery.start_soon(server.run)
