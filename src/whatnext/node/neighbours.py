"""Who is on the same network: mDNS kept as a list, and a word to those who wait for a neighbour to come."""

import logging
from collections.abc import Callable

import trio

from whatnext.errors import NetworkError
from whatnext.net import Network
from whatnext.net.mdns import Event, Found, Lost, Neighbour, Roster, State, open_mdns
from whatnext.node.api.feed import Feed, PeerEvent

_log = logging.getLogger(__name__)


class Neighbours:
    """WhatNext peers found by mDNS. Addresses heard there are hints: Noise decides who answers."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._roster = Roster()
        self.is_on = False
        """Whether discovery was asked for."""
        self.problem: str | None = None
        """Why there is no discovery, for people; None while it works."""

    def addresses(self, peer: str) -> list[str]:
        """Where a neighbour says it is; a foreign one too, as only who asks for it by PeerID gets that far."""
        rows = self._roster.listing(trio.current_time(), foreign=True)
        return [a for row in rows if row.peer == peer and row.state is not State.GONE for a in row.addresses]

    def listing(self, *, foreign: bool = False) -> list[Neighbour]:
        """Neighbours, those who are here first; libp2p nodes of other programs only if `foreign`."""
        return self._roster.listing(trio.current_time(), foreign=foreign)

    async def run(self, network: Network, found: Callable[[str], None]) -> None:
        """Announce this device and keep the list until cancelled; `found` hears of each WhatNext peer that comes.

        A network without mDNS takes nothing else down: it is logged, and `problem` says so.
        """
        self.is_on = True
        try:
            async with open_mdns(network.peer, network.addresses, lambda event: self._take(event, found)):
                await trio.sleep_forever()
        except NetworkError as error:
            self.problem = str(error)
            _log.warning("peers on this network are not discovered: %s", error)

    def _take(self, event: Event, found: Callable[[str], None]) -> None:
        self._roster.take(event, trio.current_time())
        if isinstance(event, Found) and event.whatnext:
            _log.info("discovered: %s", event.peer)
            self._feed.on_peer(PeerEvent(peer=event.peer, state="discovered"))
            found(event.peer)
        elif isinstance(event, Lost):
            self._feed.on_peer(PeerEvent(peer=event.peer, state="gone", reason="it left this network"))
