"""What a way of finding is, and those that ask nobody."""

from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from whatnext.net.addresses import Kind, kind_of, peer_in


class Way(Protocol):
    """One way of finding a peer. Every address it gives is a hint: Noise decides who answers there."""

    name: str
    """For people, as in “address book: not met before”."""
    nothing: str
    """The reason when it finds no address."""
    is_local: bool
    """Whether it answers at once and costs the network nothing."""

    async def find(self, peer: str) -> Sequence[str]:
        """Multiaddrs where the peer may be. Raises `NetworkError` or `PeerError` when it cannot tell."""


class KnownHere:
    """What this device knows already: the address book, what mDNS heard, what the user said."""

    is_local = True

    def __init__(self, name: str, lookup: Callable[[str], Sequence[str]], nothing: str) -> None:
        self.name = name
        self.nothing = nothing
        self._lookup = lookup

    async def find(self, peer: str) -> Sequence[str]:
        """What `lookup` says."""
        return self._lookup(peer)


DIRECT_FIRST_S = 0.25
"""Head start of direct addresses that relays and the DHT tell meanwhile: a circuit is slower and costs its host."""


class ThroughRelays:
    """The peer may hold a reservation at a relay of ours: its circuit address there can be told without asking."""

    name = "relays"
    nothing = "no relay is set up (`whatnext relay add`)"
    is_local = False  # as dialling it makes a relay work

    def __init__(self, relays: Callable[[], Sequence[str]]) -> None:
        self._relays = relays

    async def find(self, peer: str) -> Sequence[str]:
        """The circuit address at each relay; `relays` are multiaddrs that end in the relay's `/p2p/`."""
        await trio.sleep(DIRECT_FIRST_S)
        return [
            f"{relay}/p2p-circuit"
            for relay in self._relays()
            if kind_of(relay) is not Kind.RELAY and peer_in(relay) not in (None, peer)
        ]
