"""Who is seen on the network now, and the events that lead from one such picture to the next."""

from collections.abc import Iterator, Mapping

import msgspec


class Sighting(msgspec.Struct, frozen=True):
    """A peer as its announcements show it; `quiet`: it was asked again and has not answered yet."""

    addresses: tuple[str, ...]
    whatnext: bool
    quiet: bool = False


class Found(msgspec.Struct, frozen=True):
    """A peer is here, is back from being quiet, or is at other addresses now (multiaddrs without `/p2p/`).

    `whatnext` is what it says of itself; a foreign libp2p node says nothing of the kind. Nobody has checked the
    PeerID yet: that happens when it is dialled.
    """

    peer: str
    addresses: tuple[str, ...]
    whatnext: bool


class Quiet(msgspec.Struct, frozen=True):
    """A peer did not answer when it was asked again: asleep, out of reach, or killed. It is not given up yet."""

    peer: str


class Lost(msgspec.Struct, frozen=True):
    """A peer said goodbye, or did not answer until its announcement expired."""

    peer: str


Event = Found | Quiet | Lost


def changes(told: Mapping[str, Sighting], now: Mapping[str, Sighting]) -> Iterator[Event]:
    """Events for somebody who was told `told`; for each peer at most one, as only the newest matters."""
    for peer in told.keys() - now.keys():
        yield Lost(peer)
    for peer, sighting in now.items():
        before = told.get(peer)
        if before == sighting:
            continue
        if before is None or not sighting.quiet:
            yield Found(peer, sighting.addresses, sighting.whatnext)
        elif not before.quiet:
            yield Quiet(peer)
