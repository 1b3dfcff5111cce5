"""Who is on the same network: mDNS kept as a list, and a word to those who wait for a neighbour to come."""

import logging
from collections.abc import Callable

import trio

from whatnext.errors import NetworkError
from whatnext.net import Network
from whatnext.net.mdns import Event, Found, Mdns, Neighbour, Roster, State, open_mdns
from whatnext.node.api.feed import Feed, PeerEvent

_log = logging.getLogger(__name__)

SETTLE_S = 1.0
"""After the start nobody may have answered yet; 20 devices saw each other within 0.8 s (docs/experiments, mDNS)."""
OFF = "the node was started with --no-mdns"
_STATES = {State.HERE: "discovered", State.QUIET: "quiet", State.GONE: "gone"}
_REASONS = {State.QUIET: "not heard on this network lately", State.GONE: "it left this network"}


class Neighbours:
    """WhatNext peers found by mDNS. Addresses heard there are hints: Noise decides who answers."""

    def __init__(self, feed: Feed, watch: Callable[[Event], None] = lambda _: None) -> None:
        """`watch` hears of all that mDNS tells."""
        self._feed = feed
        self._watch = watch
        self._roster = Roster()
        self._told: dict[str, State] = {}
        self._changed = trio.Event()
        self._mdns: Mdns | None = None
        self._settled_at = float("-inf")
        self.is_on = True
        """Whether discovery is wanted in this run."""
        self.problem: str | None = None
        """Why there is no discovery, for people; None while it works."""

    def addresses(self, peer: str) -> list[str]:
        """Where a neighbour says it is; a foreign one too: only who asks for it by its PeerID gets that far."""
        rows = self._roster.listing(trio.current_time(), foreign=True)
        return [a for row in rows if row.peer == peer and row.state is not State.GONE for a in row.addresses]

    def trouble(self) -> str | None:
        """Why nobody is found on this network, for people; None while discovery works."""
        return self.problem if self.is_on else OFF

    def ask(self, peer: str) -> list[str]:
        """As `addresses`; raises `NetworkError` where there is no discovery, so that silence means nothing."""
        trouble = self.trouble()
        if trouble is not None:
            raise NetworkError(trouble)
        return self.addresses(peer)

    def listing(self, *, foreign: bool = False) -> list[Neighbour]:
        """Neighbours, those who are here first; libp2p nodes of other programs only if `foreign`."""
        return self._roster.listing(trio.current_time(), foreign=foreign)

    async def settled(self) -> None:
        """Wait until those who are here had the time to answer: at most `SETTLE_S` after the start."""
        await trio.sleep_until(max(trio.current_time(), self._settled_at))

    def refresh(self) -> None:
        """Announce this device and ask everybody now, as after a change of network."""
        if self._mdns is not None:
            self._mdns.refresh()

    async def run(self, network: Network, found: Callable[[str], None]) -> None:
        """Announce this device and keep the list until cancelled; `found` hears of each WhatNext peer that comes.

        A network without mDNS takes nothing else down: it is logged, and `problem` says so.
        """
        self._settled_at = trio.current_time() + SETTLE_S
        try:
            async with open_mdns(
                network.peer, network.addresses, lambda event: self._take(event, found)
            ) as self._mdns:
                await self._tell_changes()
        except NetworkError as error:
            self.problem = str(error)
            _log.warning("peers on this network are not discovered: %s", error)
        finally:
            self._mdns = None

    def _take(self, event: Event, found: Callable[[str], None]) -> None:
        self._roster.take(event, trio.current_time())
        self._watch(event)
        self._changed.set()
        if isinstance(event, Found) and event.whatnext:
            found(event.peer)

    async def _tell_changes(self) -> None:
        """Tell listeners what the list shows: a peer that restarts is quiet for a moment, not gone."""
        while True:
            now = trio.current_time()
            rows = {row.peer: row.state for row in self._roster.listing(now)}
            for peer, state in rows.items():
                if self._told.get(peer) is not state:
                    _log.info("%s", _STATES[state], extra={"peer": peer})
                    self._feed.on_peer(PeerEvent(peer=peer, state=_STATES[state], reason=_REASONS.get(state)))
            self._told = rows
            self._changed = trio.Event()
            with trio.move_on_after(self._roster.next_change(now) or float("inf")):
                await self._changed.wait()
