"""Ways of finding that ask others: meeting points and the DHT. Both believe only what the sought peer signed."""

from collections.abc import Callable, Mapping, Sequence

import trio

from whatnext.errors import NetworkError, PeerError, UserError, VersionMismatch
from whatnext.net.dht.node import DhtNode
from whatnext.net.network import Network
from whatnext.net.rendezvous.client import RendezvousClient

DIAL_S = 4.0
"""How long reaching one meeting point may take."""


class AtMeetingPoints:
    """Asks every relay of ours at once; the first that knows the peer answers for all."""

    name = "rendezvous"
    nothing = "not registered at any relay of ours"
    is_local = False

    def __init__(
        self, network: Network, client: RendezvousClient, relays: Callable[[], Mapping[str, Sequence[str]]]
    ) -> None:
        """`relays` gives PeerIDs of relays with their addresses."""
        self._network = network
        self._client = client
        self._relays = relays

    async def find(self, peer: str) -> Sequence[str]:
        """What the peer registered. Raises `NetworkError` with every relay's reason when none knows it."""
        points = {point: addresses for point, addresses in self._relays().items() if point != peer}
        if not points:
            raise NetworkError("no relay is set up (`whatnext relay add`)")
        found: list[str] = []
        reasons: dict[str, str] = {}
        async with trio.open_nursery() as nursery:

            async def ask(point: str, addresses: Sequence[str]) -> None:
                try:
                    found.extend(await self._at(point, addresses, peer))
                    reasons[point] = "not registered there"
                except VersionMismatch:
                    reasons[point] = "it serves no rendezvous"
                except (
                    NetworkError,
                    PeerError,
                    UserError,
                    trio.TooSlowError,
                ) as error:  # blocked by the user
                    reasons[point] = _first_line(error) or f"not reached within {DIAL_S:g} s"
                if found:
                    nursery.cancel_scope.cancel()

            for point, addresses in points.items():
                nursery.start_soon(ask, point, addresses)
        if not found:
            raise NetworkError(
                "; ".join(f"at …{point[-6:]}: {why}" for point, why in sorted(reasons.items()))
            )
        return found

    async def _at(self, point: str, addresses: Sequence[str], peer: str) -> Sequence[str]:
        with trio.fail_after(DIAL_S):
            await self._network.dial(point, addresses)
        return await self._client.find(point, peer)


class InDht:
    """Walks the DHT."""

    name = "DHT"
    nothing = "no node in it knows this peer"
    is_local = False

    def __init__(self, dht: DhtNode) -> None:
        self._dht = dht

    async def find(self, peer: str) -> Sequence[str]:
        """What the peer announced; raises `ConnectionLost` when nobody could be asked."""
        return await self._dht.find(peer)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
