"""What the node does when the device woke up or is on another network: doubt everything, ask everybody now."""

import logging
import time
from collections.abc import Callable, Iterable

import trio

from whatnext.net import Network
from whatnext.net.addresses import interface_ips
from whatnext.net.surroundings import Change, NetworkChanged, Slept, Surroundings
from whatnext.node.contacts import Contacts
from whatnext.node.neighbours import Neighbours

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
PROBE_S = 3.0
"""How long connections have to answer: with the look and a redial back in touch well within 10 s."""


class Moves:
    """Looks once a second; a look costs about a millisecond."""

    def __init__(
        self,
        contacts: Contacts,
        neighbours: Neighbours,
        addresses: Callable[[], Iterable[str]] = interface_ips,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._contacts = contacts
        self._neighbours = neighbours
        self._addresses = addresses
        self._wall = wall

    async def run(self, network: Network) -> None:
        """Watch until cancelled."""
        surroundings = Surroundings()
        while True:
            changes = surroundings.look(trio.current_time(), self._wall(), self._addresses())
            if changes:
                await self._react(network, changes)
            await trio.sleep(LOOK_EVERY_S)

    async def _react(self, network: Network, changes: list[Change]) -> None:
        for change in changes:
            _log.info("%s", _told(change))
        self._neighbours.refresh()
        self._contacts.moved()
        await network.probe(PROBE_S)  # who is given up by it, `Contacts` sees leave and seeks again


def _told(change: Change) -> str:
    match change:
        case Slept(seconds=seconds):
            return f"awake again after about {seconds:.0f} s: connections are checked and members sought"
        case NetworkChanged(came=came, went=went):
            parts = [
                f"{word} {', '.join(sorted(ips))}" for word, ips in (("new", came), ("gone", went)) if ips
            ]
            return f"this device's addresses changed ({'; '.join(parts)}): members are sought"
