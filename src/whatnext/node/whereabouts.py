"""Leaving word where this node is: at the meeting points of its relays, and in the DHT."""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import trio

from whatnext.errors import NetworkError, PeerError, UserError, VersionMismatch
from whatnext.net import Network
from whatnext.node.backoff import Backoff

if TYPE_CHECKING:  # they import libp2p
    from whatnext.net.dht.node import DhtNode

_log = logging.getLogger(__name__)

TTL_S = 2 * 3600
"""How long a meeting point keeps our word; it is renewed at half of that."""
LOOK_S = 2.0
"""How late a change of addresses, a lost relay or a new DHT server is noticed."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
NOT_SERVED_S = 15 * 60.0
"""Before a relay that serves no rendezvous is asked again."""
GOODBYE_S = 1.0


class Whereabouts:
    """Keeps a connection to every relay and this node's addresses known there. A relay that is away costs patience.

    `relays` gives PeerIDs with addresses; a change of it is followed.
    """

    def __init__(
        self,
        network: Network,
        dht: "DhtNode",
        relays: Callable[[], Mapping[str, Sequence[str]]],
        rng: random.Random,
    ) -> None:
        from whatnext.net.rendezvous.client import RendezvousClient

        self.problems: dict[str, str] = {}
        """Why this node is not registered at a relay, in a sentence."""
        self.registered: set[str] = set()
        """Relays where it is."""
        self._network = network
        self._dht = dht
        self._relays = relays
        self._rng = rng
        self._client: RendezvousClient = RendezvousClient(network)
        self._tended: dict[str, trio.CancelScope] = {}
        self._moved: dict[str, trio.Event] = {}

    async def run(self) -> None:
        """Tend every relay until cancelled; then our word is taken back, which takes at most `GOODBYE_S`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._dht.run)
            known: tuple[list[str], set[str]] | None = None
            while True:
                self._follow(nursery)
                now = (self._network.addresses(), self._dht.servers_here())
                if known is not None and (now[0] != known[0] or now[1] - known[1]):
                    self._dht.wake()
                if known is not None and now[0] != known[0]:
                    for moved in self._moved.values():
                        moved.set()
                known = now
                await trio.sleep(LOOK_S)

    def _follow(self, nursery: trio.Nursery) -> None:
        wanted = self._relays()
        for relay in self._tended.keys() - wanted.keys():
            self._tended[relay].cancel()
        for relay in wanted.keys() - self._tended.keys():
            self._tended[relay] = trio.CancelScope()
            nursery.start_soon(self._tend, relay, self._tended[relay])

    async def _tend(self, relay: str, scope: trio.CancelScope) -> None:
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, self._rng)
        try:
            with scope:
                while True:
                    moved = self._moved[relay] = trio.Event()
                    pause, is_here = await self._register(relay, backoff)
                    with trio.move_on_after(pause):
                        if is_here:
                            await self._until_lost_or_moved(relay, moved)
                        else:
                            await moved.wait()
                    await trio.sleep(self._rng.uniform(0.1, 1))  # a relay that turns us away is not pestered
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(GOODBYE_S):
                await self._take_back(relay)
            del self._tended[relay]
            self._moved.pop(relay, None)
            self.problems.pop(relay, None)

    async def _register(self, relay: str, backoff: Backoff) -> tuple[float, bool]:
        """Connect and register; return after how many seconds to do so again, and whether the relay answered."""
        from whatnext.net.peer_records import own_record

        try:
            await self._network.dial(relay, self._relays().get(relay, ()))
            granted = await self._client.register(relay, own_record(self._network), TTL_S)
        except trio.Cancelled:
            self.registered.add(relay)  # perhaps it is: then the word is to be taken back
            raise
        except VersionMismatch:
            self._trouble(relay, "it serves no rendezvous")
            return NOT_SERVED_S, True
        except (NetworkError, PeerError, UserError) as error:  # the last: the user blocked it
            self._trouble(relay, str(error))
            return backoff.next(), False
        backoff.reset()
        self.registered.add(relay)
        self.problems.pop(relay, None)
        return granted / 2, True

    def _trouble(self, relay: str, reason: str) -> None:
        self.registered.discard(relay)
        if self.problems.get(relay) != reason:
            _log.info("not registered: %s", reason, extra={"peer": relay})
            self.problems[relay] = reason

    async def _until_lost_or_moved(self, relay: str, moved: trio.Event) -> None:
        """Return when there is no connection to the relay, or this node's addresses changed."""
        with self._network.events() as events:
            async with trio.open_nursery() as nursery:

                async def until_moved() -> None:
                    await moved.wait()
                    nursery.cancel_scope.cancel()

                nursery.start_soon(until_moved)
                while any(connection.peer == relay for connection in self._network.connections()):
                    await anext(events)
                self.registered.discard(relay)  # if it restarted, it knows nothing of us
                nursery.cancel_scope.cancel()

    async def _take_back(self, relay: str) -> None:
        if relay not in self.registered:
            return
        self.registered.discard(relay)
        try:
            await self._client.unregister(relay)
        except (NetworkError, PeerError) as error:
            _log.debug("the word left there ends by itself: %s", error, extra={"peer": relay})
