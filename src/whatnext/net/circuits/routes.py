"""Circuit addresses: `<relay's address>/p2p/<relay>/p2p-circuit`, with or without `/p2p/<peer>` behind it."""

from collections.abc import Iterable

import msgspec

from whatnext.errors import Unreachable
from whatnext.net.addresses import Kind, kind_of, peer_in, without_peer

MAX_EACH = 2
"""Circuit addresses told for one relay: a dialler needs one, and an identify message holds so many."""

_CIRCUIT = "/p2p-circuit"


class Route(msgspec.Struct, frozen=True):
    """The way through a relay; `at` is the relay's own address without its id, "" when the address names none."""

    relay: str
    at: str

    def __str__(self) -> str:
        return f"{self.at}/p2p/{self.relay}{_CIRCUIT}"


def route_of(address: str) -> Route:
    """Read a circuit address; raises `Unreachable` with what is wrong with it."""
    before, found, behind = address.partition(_CIRCUIT)
    relay = peer_in(before)
    if not found or relay is None:
        raise Unreachable("it does not name its relay: it should look like …/p2p/RELAY/p2p-circuit")
    if _CIRCUIT in behind:
        raise Unreachable("it leads through two relays, which no relay allows")
    return Route(relay, without_peer(before))


def circuit_addresses(relay: str, configured: Iterable[str], told: Iterable[str]) -> list[str]:
    """Where this device is reached through a relay: as its owner wrote it, then as the relay says.

    A public address comes before a near one, which only neighbours of the relay can use.
    """
    own = list(configured)
    is_here = any(kind_of(address) is Kind.LOOPBACK for address in own)
    found = [Route(relay, without_peer(address)) for address in own]
    for address in told:
        if peer_in(address) not in (None, relay) or kind_of(address) is Kind.RELAY:
            continue
        if kind_of(address) is Kind.LOOPBACK and not is_here:
            continue
        found.append(Route(relay, without_peer(address)))
    ordered = sorted(dict.fromkeys(found), key=lambda route: kind_of(route.at) is not Kind.PUBLIC)
    return [str(route) for route in ordered][:MAX_EACH]
