"""Back on another port: tell those who would look for us at the old one.

A peer finds us by its address book, which holds where we were. Members are dialled anyway (`contacts.py`) and learn the
new address by that; here those are told who were only connected with us. Of two that both moved while the other was
away neither can tell the other: then the network (mDNS), a common friend, a relay or the DHT has to know.
"""

import logging

import trio

from whatnext.errors import NetworkError, UserError
from whatnext.net import Network
from whatnext.store.addressing import DAY_MS
from whatnext.store.peers import AddressBook

_log = logging.getLogger(__name__)

SEEN_WITHIN_MS = 30 * DAY_MS
"""Peers not seen for longer are not told: they find us by other ways, or not at all."""
MAX_TOLD = 32
AT_A_TIME = 4
IDENTIFY_S = 3.0
"""How long a connection made for this stays at least: identify tells our addresses in the first moments of it."""


async def tell_acquaintances(network: Network, book: AddressBook, now_ms: int, but: set[str]) -> None:
    """Dial those seen last, but not `but`. Hang up again where nothing came of it; cancelling ends it."""
    recent = [
        known.peer
        for known in book.all()
        if known.last_seen is not None and now_ms - known.last_seen < SEEN_WITHIN_MS and known.peer not in but
    ]
    places = trio.CapacityLimiter(AT_A_TIME)
    async with trio.open_nursery() as nursery:
        for peer in recent[:MAX_TOLD]:
            nursery.start_soon(_tell, network, book, peer, places)


async def _tell(network: Network, book: AddressBook, peer: str, places: trio.CapacityLimiter) -> None:
    async with places:
        if any(connection.peer == peer for connection in network.connections()):
            return
        try:
            await network.dial(peer, book.addresses(peer))
        except (NetworkError, UserError) as error:
            _log.debug("it is not told our new address: %s", error, extra={"peer": peer})
            return
        await trio.sleep(IDENTIFY_S)
        await network.disconnect_idle(peer, "it knows our new address now")
