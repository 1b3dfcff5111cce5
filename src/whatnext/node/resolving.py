"""Reaching a peer from its PeerID: every way this node has of finding it, and what is learnt from trying."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import trio

from whatnext.errors import StoreUnwritable
from whatnext.net import Network
from whatnext.net.finding.ways import KnownHere, ThroughRelays, Way
from whatnext.store.peers import AddressBook

if TYPE_CHECKING:  # both import libp2p
    from whatnext.net import ConnectionInfo
    from whatnext.net.dht.node import DhtNode
    from whatnext.net.dialing import Pool

_log = logging.getLogger(__name__)

SPARED_S: Mapping[str, float] = MappingProxyType({"rendezvous": 10.0, "DHT": 60.0})
"""Seconds between two questions about one peer when nobody waits for the answer: a lost member is sought every 3 s."""
MAX_ASKED = 1024
"""Questions remembered for that."""
GIVEN = "given"
"""How addresses are called that the user or a link named."""


class Resolver:
    """Finds and dials. `relays` gives PeerIDs of relays with their addresses, `nearby` what mDNS heard of a peer."""

    def __init__(
        self,
        network: Network,
        book: AddressBook,
        nearby: Callable[[str], Sequence[str]],
        relays: Callable[[], Mapping[str, Sequence[str]]],
        dht: "DhtNode",
    ) -> None:
        from whatnext.net.finding.asking import AtMeetingPoints, InDht
        from whatnext.net.rendezvous.client import RendezvousClient

        self._asked: dict[tuple[str, str], float] = {}
        self._network = network
        self._book = book
        self._relays = relays
        self._ways: tuple[Way, ...] = (
            KnownHere("address book", book.addresses, "no address, or only ones long out of date"),
            KnownHere("this network", nearby, "not seen here (mDNS)"),
            ThroughRelays(lambda: [address for known in relays().values() for address in known]),
            AtMeetingPoints(network, RendezvousClient(network), relays),
            InDht(dht),
        )

    def can_ask(self) -> bool:
        """Whether anybody could tell where a peer is of which nothing is known here."""
        return bool(self._relays())

    async def reach(self, peer: str, given: Iterable[str] = (), *, sparing: bool = False) -> "ConnectionInfo":
        """Connect to a peer wherever it is; at once when it is connected already. `sparing` is for regular tries.

        Raises `Unreachable` with everything that was tried, `WrongPeer`, or `UserError` for what is no PeerID. The
        address book learns what failed, and drops addresses where somebody else answered. Cancelling ends it all.
        """
        from whatnext.net.dialing import Pool
        from whatnext.net.finding.search import find_and_dial

        pool = Pool(peer)
        pool.add(given, GIVEN)
        try:
            ways = [way for way in self._ways if not sparing or self._is_due(way.name, peer)]
            return await find_and_dial(self._network, pool, ways)
        finally:
            self._learn(pool)

    def _is_due(self, way: str, peer: str) -> bool:
        now = trio.current_time()
        if way not in SPARED_S:
            return True
        if now - self._asked.get((way, peer), float("-inf")) < SPARED_S[way]:
            return False
        self._asked.pop((way, peer), None)
        self._asked[way, peer] = now  # at the end: the first was asked longest ago
        if len(self._asked) > MAX_ASKED:
            del self._asked[next(iter(self._asked))]
        return True

    def _learn(self, pool: "Pool") -> None:
        tried = [failure for failure in pool.failures if failure not in pool.untried]
        try:
            for failure in pool.failures:
                if failure.wrong_peer and self._book.drop(pool.peer, failure.address):
                    _log.info(
                        "%s is forgotten: %s", failure.address, failure.reason, extra={"peer": pool.peer}
                    )
            self._book.failed(pool.peer, [failure.address for failure in tried if not failure.wrong_peer])
        except StoreUnwritable as error:
            _log.warning("what failed is not kept: %s", error, extra={"peer": pool.peer})
