"""Reaching a peer from its PeerID: every way this node has of finding it, and what is learnt from trying."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import trio

from whatnext.errors import StoreUnwritable, Tried, Unreachable
from whatnext.net import Network
from whatnext.net.finding.ways import KnownHere, ThroughRelays, Way
from whatnext.store.peers import AddressBook

if TYPE_CHECKING:  # both import libp2p
    from whatnext.net import ConnectionInfo
    from whatnext.net.dht.node import DhtNode
    from whatnext.net.dialing import Pool

_log = logging.getLogger(__name__)

SPARED_S: Mapping[str, float] = MappingProxyType({"friends": 10.0, "rendezvous": 10.0, "DHT": 60.0})
"""Seconds between two questions about one peer when nobody waits for the answer: a lost member is sought every 3 s."""
MAX_ASKED = 1024
"""Questions remembered for that."""
GIVEN = "given"
"""How addresses are called that the user or a link named."""


class _Asked(msgspec.Struct, frozen=True):
    at: float
    said: Tried


class Resolver:
    """Finds and dials. `relays` gives PeerIDs of relays with their addresses, `nearby` what mDNS heard of a peer.

    `friends` gives those connected who may know a peer.
    """

    def __init__(
        self,
        network: Network,
        book: AddressBook,
        nearby: Callable[[str], Sequence[str]],
        relays: Callable[[], Mapping[str, Sequence[str]]],
        dht: "DhtNode",
        friends: Callable[[str], Sequence[str]] = lambda peer: (),
    ) -> None:
        from whatnext.net.finding.asking import AtMeetingPoints, InDht
        from whatnext.net.finding.introductions import ThroughFriends
        from whatnext.net.rendezvous.client import RendezvousClient

        self._asked: dict[tuple[str, str], _Asked] = {}
        self._network = network
        self._book = book
        self._relays = relays
        self._friends = friends
        self._ways: tuple[Way, ...] = (
            KnownHere("address book", book.addresses, "no address, or only ones long out of date"),
            KnownHere("this network", nearby, "not seen here (mDNS)"),
            ThroughRelays(lambda: [address for known in relays().values() for address in known]),
            ThroughFriends(network, friends),
            AtMeetingPoints(network, RendezvousClient(network), relays),
            InDht(dht),
        )

    def can_ask(self, peer: str) -> bool:
        """Whether anybody could tell where a peer is of which nothing is known here."""
        return bool(self._relays() or self._friends(peer))

    async def reach(
        self, peer: str, given: Iterable[str] = (), *, sparing: bool = False, again: bool = False
    ) -> "ConnectionInfo":
        """Connect to a peer wherever it is; at once when it is connected already. `sparing` is for regular tries.

        `again` is for who was here a moment ago: relays are tried more than once beside addresses that stay silent.

        Raises `Unreachable` with everything that was tried, `WrongPeer`, or `UserError` for what is no PeerID. The
        address book learns what failed, and drops addresses where somebody else answered. Cancelling ends it all.
        """
        from whatnext.net.dialing import Pool
        from whatnext.net.finding.search import find_and_dial

        pool = Pool(peer, again=again)
        pool.add(given, GIVEN)
        spared = [] if not sparing else [way for way in self._ways if not self._is_due(way.name, peer)]
        ways = [way for way in self._ways if way not in spared]
        known = [self._asked[way.name, peer].said for way in spared]
        try:
            return await find_and_dial(self._network, pool, ways, known)
        except Unreachable as error:
            asked = {way.name for way in ways}
            self._remember(peer, [said for said in error.tried if said.way in asked])
            raise
        finally:
            self._learn(pool)

    def _is_due(self, way: str, peer: str) -> bool:
        asked = self._asked.get((way, peer))  # only ways of SPARED_S are ever there
        return asked is None or trio.current_time() - asked.at >= SPARED_S[way]

    def _remember(self, peer: str, tried: Sequence[Tried]) -> None:
        """Keep when the ways to be spared were asked, and what they said."""
        for said in tried:
            key = (said.way, peer)
            if said.way in SPARED_S:
                self._asked.pop(key, None)
                self._asked[key] = _Asked(trio.current_time(), said)  # at the end: the first is the oldest
        while len(self._asked) > MAX_ASKED:
            del self._asked[next(iter(self._asked))]

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
