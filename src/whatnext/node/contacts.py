"""Whom this node tries to reach: members of its playlists, and who can let it into those it is joining."""

import logging
import random
from collections.abc import Callable

import trio

from whatnext.errors import BadLink, NetworkError, StoreUnwritable
from whatnext.net import Network
from whatnext.node.backoff import Backoff
from whatnext.playlists import links
from whatnext.records.governance import is_member
from whatnext.store import Change, Library
from whatnext.store.peers import AddressBook

_log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
MAX_SOUGHT = 256
"""Peers sought at one time; members of larger groups come to us, or through others."""
MAX_DIALS = 8
SETTLED_S = 10.0
LAZY_S = 2.0
"""How late a change of members may be noticed: looking costs milliseconds, which live edits should not pay."""
COALESCE_S = 0.5
"""Pause after each look: a burst of changes is looked at once."""


class Contacts:
    """Dials those who are wanted and away, each with its own growing pauses."""

    def __init__(
        self,
        library: Library,
        book: AddressBook,
        rng: random.Random,
        paused: set[str],
        nearby: Callable[[str], list[str]] = lambda _: [],
    ) -> None:
        self.problems: dict[str, str] = {}
        """Why the last dial of a wanted peer failed, in a sentence."""
        self._paused = paused
        self._nearby = nearby
        self._library = library
        self._book = book
        self._rng = rng
        self._wake = trio.Event()
        self._known: set[bytes] = set()
        self._stale = False
        self._sought: dict[str, trio.CancelScope] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._since: dict[str, float] = {}
        self._dials = trio.CapacityLimiter(MAX_DIALS)

    def wake(self) -> None:
        """Look again who is wanted: members, links or addresses changed."""
        self._wake.set()

    def found(self, peer: str) -> None:
        """A peer came to this network: if it is wanted, dial it now, however long the pause had grown."""
        self._backoffs.pop(peer, None)
        if peer in self._sought:
            self._sought[peer].cancel()
        self._wake.set()

    def addresses(self, peer: str) -> list[str]:
        """Where a peer may be: what this network says now, then where it was met."""
        return list(dict.fromkeys([*self._nearby(peer), *self._book.addresses(peer)]))

    def on_change(self, change: Change) -> None:
        """For `Library.subscribe`: a playlist that is new is looked at at once, others when there is time."""
        self._stale = True
        if change.playlist not in self._known:
            self._known.add(change.playlist)
            self._wake.set()

    def wanted(self) -> dict[str, list[str]]:
        """PeerIDs to be connected with, each with addresses from its invite link."""
        found: dict[str, list[str]] = {}
        own = self._library.identity.peer_id
        for _, text in self._library.links_to_join():
            for peer, addresses in _in_link(text).items():
                found.setdefault(peer, []).extend(addresses)
        for playlist in self._library.shared():
            governance = self._library.governance(playlist)
            if governance.owner is None or not is_member(
                governance.standing(self._library.identity.public_key)
            ):
                continue
            for member in governance.members():
                if not member.left and is_member(member.role):
                    found.setdefault(member.peer, [])
        found.pop(own, None)
        return {peer: found[peer] for peer in found if peer not in self._paused}

    async def run(self, network: Network) -> None:
        """Keep dialling until cancelled; a dial that is cut short leaves no half-open connection."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._wake_on_events, network)
            while True:
                self._wake, self._stale = trio.Event(), False
                self._look(network, nursery)
                while not self._wake.is_set() and not self._stale:
                    with trio.move_on_after(LAZY_S):
                        await self._wake.wait()
                await trio.sleep(COALESCE_S * self._rng.uniform(0.1, 1))

    async def _wake_on_events(self, network: Network) -> None:
        with network.events() as events:
            async for _ in events:
                self._wake.set()

    def _look(self, network: Network, nursery: trio.Nursery) -> None:
        connected = {connection.peer for connection in network.connections()}
        self._learn(connected)
        for peer in connected & self._paused:
            nursery.start_soon(network.disconnect, peer, "this node's user disconnected it")
        wanted = self.wanted()
        for peer in self.problems.keys() - (wanted.keys() - connected):
            del self.problems[peer]
        for peer in self._backoffs.keys() - wanted.keys():
            del self._backoffs[peer]
        for peer in self._sought.keys() - wanted.keys():
            self._sought[peer].cancel()
        for peer, addresses in wanted.items():
            if peer in connected or peer in self._sought or len(self._sought) >= MAX_SOUGHT:
                continue
            if self._note(peer, addresses):
                self._sought[peer] = trio.CancelScope()
                nursery.start_soon(self._reach, network, peer, self._sought[peer])

    def _learn(self, connected: set[str]) -> None:
        """A connection that lasted was a good one; a peer that turns us away at once is asked ever less often."""
        now = trio.current_time()
        for peer in self._since.keys() - connected:
            if now - self._since.pop(peer) >= SETTLED_S:
                self._backoffs.pop(peer, None)
        for peer in connected:
            self._since.setdefault(peer, now)

    def _note(self, peer: str, addresses: list[str]) -> bool:
        """Keep what a link says; return whether any address of the peer is known."""
        try:
            self._book.note(peer, addresses)
        except StoreUnwritable as error:
            _log.warning("the addresses of %s are not kept: %s", peer, error)
        return bool(self.addresses(peer))

    async def _reach(self, network: Network, peer: str, scope: trio.CancelScope) -> None:
        try:
            with scope:
                if peer in self._backoffs:
                    await trio.sleep(self._backoffs[peer].next())
                backoff = self._backoffs.setdefault(peer, Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, self._rng))
                while not any(connection.peer == peer for connection in network.connections()):
                    try:
                        async with self._dials:
                            await network.dial(peer, self.addresses(peer))
                    except NetworkError as error:
                        _log.info("%s", error)
                        self.problems[peer] = str(error)
                        await trio.sleep(backoff.next())
        finally:
            del self._sought[peer]


def _in_link(text: str) -> dict[str, list[str]]:
    """Peers of an invite link with their addresses; one that names no peer belongs to all of them."""
    try:
        link = links.parse(text)
    except BadLink:
        return {}  # kept by an older version: the playlist can be left, nothing else depends on it
    if not isinstance(link, links.JoinLink):
        return {}
    found: dict[str, list[str]] = {peer: [] for peer in link.peers}
    for address in link.addresses:
        before, _, last = address.rpartition("/p2p/")
        for peer in [last] if before and last in found else found:
            found[peer].append(before if before and last in found else address)
    return found
