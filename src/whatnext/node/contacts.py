"""Whom this node tries to reach: members of its playlists, and who can let it into those it is joining."""

import logging
import random
from collections.abc import Callable, Container

import trio

from whatnext.errors import NetworkError, StoreUnwritable, Unreachable, UserError
from whatnext.net import Network
from whatnext.node.backoff import Backoff
from whatnext.node.resolving import Resolver
from whatnext.node.wanted import wanted
from whatnext.store import Change, Library
from whatnext.store.peers import AddressBook
from whatnext.sync import Hub
from whatnext.sync.events import Event as SyncEvent
from whatnext.sync.events import LinkEnded, PeerHandshaken

_log = logging.getLogger(__name__)

FIRST_PAUSE_S, EAGER_FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 0.1, 60.0
MAX_SOUGHT = 256
"""Peers sought at one time; members of larger groups come to us, or through others."""
MAX_DIALS = 8
SETTLED_S = 10.0
EAGER_PAUSE_S, EAGER_S = 2.0, 300.0
"""After losing a peer that welcomed us the pauses stay this short, for so long, then they grow with the absence.

A path that heals tells neither end. A dial into silence sends SYNs after 0, 1, 3 and 7 s and ends after 10 s; with
pauses of 1 to 3 s one gets through less than 6 s after the path heals. Later a pause is 1/150 of the absence: after ten
minutes 4 s.
"""
NEW_PLACE_EAGER_S = 60.0
"""Likewise after this device woke up or changed networks, as the first dials may come before there is a route, and
for who was away when this node started. Later a pause is 1/30 of the time."""
_TURNED_AWAY = frozenset({"blocked", "disconnected", "full", "offence", "protocol_violation", "self"})
"""Codes of a link's end by which a peer says that it does not want us now; others are accidents."""
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
        blocked: Container[str] = frozenset(),
        on_problem: Callable[[str, str], None] = lambda peer, reason: None,
        resolver: Resolver | None = None,
    ) -> None:
        """`on_problem` hears of each reason that is new; without `resolver` only known addresses are dialled."""
        self.problems: dict[str, str] = {}
        """Why the last dial of a wanted peer failed, in a sentence."""
        self._paused = paused
        self._blocked = blocked
        self._resolver = resolver
        self._on_problem = on_problem
        self._nearby = nearby
        self._library = library
        self._book = book
        self._rng = rng
        self._wake = trio.Event()
        self._known: set[bytes] = set()
        self._stale = False
        self._sought: dict[str, trio.CancelScope] = {}
        self._pausing: dict[str, trio.CancelScope] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._since: dict[str, float] = {}
        self._welcome: set[str] = set()
        self._turned_away: set[str] = set()
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
        found = wanted(self._library)
        return {peer: found[peer] for peer in found if not self._is_unwelcome(peer)}

    def _is_unwelcome(self, peer: str) -> bool:
        return peer in self._paused or peer in self._blocked

    def forget(self, peer: str) -> None:
        """Drop what this run has learnt of a peer: pauses and problems."""
        self._backoffs.pop(peer, None)
        self.problems.pop(peer, None)
        self._welcome.discard(peer)

    def moved(self) -> None:
        """Seek everybody now: the device woke up or is on another network, so the pauses mean nothing any more."""
        for peer in self.wanted():
            self._backoffs[peer] = self._eager(NEW_PLACE_EAGER_S)
        for scope in self._sought.values():
            scope.cancel()
        self._wake.set()

    def _eager(self, seconds: float) -> Backoff:
        began = trio.current_time()

        def at_most() -> float:
            return EAGER_PAUSE_S * max(1, (trio.current_time() - began) / seconds)

        return Backoff(EAGER_FIRST_PAUSE_S, LONGEST_PAUSE_S, self._rng, at_most)

    def _patient(self, peer: str) -> Backoff:
        """The pauses of this peer, which grow from now on if there are none yet."""
        return self._backoffs.setdefault(peer, Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, self._rng))

    async def follow(self, hub: Hub) -> None:
        """Learn from the sync links who welcomes this node and who turns it away, until cancelled."""
        with hub.subscribe() as events:
            async for event in events:
                self.heard(event)

    def heard(self, event: SyncEvent) -> None:
        """One thing a link told."""
        if isinstance(event, PeerHandshaken):
            self._welcome.add(event.peer)
            self._turned_away.discard(event.peer)
        elif isinstance(event, LinkEnded) and event.code in _TURNED_AWAY:
            self._welcome.discard(event.peer)
            self._turned_away.add(event.peer)

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
        for peer in self._pausing.keys() & connected:
            self._pausing[peer].cancel()  # it came to us: if it is lost again, the old pause means nothing
        for peer in filter(self._is_unwelcome, connected):
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
        """Who greeted us or stayed for a while is sought eagerly; who turns us away at once ever less often."""
        now = trio.current_time()
        # Who greeted and was lost between two looks is not in `_since`.
        for peer in (self._since.keys() | self._welcome) - connected:
            lasted = now - self._since.pop(peer, now) >= SETTLED_S
            if (lasted or peer in self._welcome) and peer not in self._turned_away:
                self._backoffs[peer] = self._eager(EAGER_S)
        for peer in self._turned_away - connected:
            self._patient(peer).calm()
        self._welcome &= connected  # also strangers greet
        self._turned_away &= connected
        for peer in connected:
            self._since.setdefault(peer, now)

    def _note(self, peer: str, addresses: list[str]) -> bool:
        """Keep what a link says; return whether any address of the peer is known, or somebody can be asked."""
        try:
            self._book.note(peer, addresses)
        except StoreUnwritable as error:
            _log.warning("the addresses of %s are not kept: %s", peer, error)
        return bool(self.addresses(peer)) or (self._resolver is not None and self._resolver.can_ask(peer))

    def _trouble(self, peer: str, reason: str) -> None:
        is_new = self.problems.get(peer) != reason
        # A friend away for a week is dialled ten thousand times: said at each, it would push all else out of the log.
        _log.log(logging.INFO if is_new else logging.DEBUG, "%s", reason, extra={"peer": peer})
        if is_new:
            self.problems[peer] = reason
            self._on_problem(peer, reason)

    async def _dial(self, network: Network, peer: str, *, again: bool) -> None:
        if self._resolver is None:
            await network.dial(peer, self.addresses(peer))
        else:
            await self._resolver.reach(peer, sparing=True, again=again)

    async def _reach(self, network: Network, peer: str, scope: trio.CancelScope) -> None:
        try:
            with scope:
                if peer in self._backoffs:
                    await self._pause(peer, self._backoffs[peer].next())
                self._patient(peer)  # grows with each connection too that did not last
                unanswered, began = self._eager(NEW_PLACE_EAGER_S), trio.current_time()
                while not any(connection.peer == peer for connection in network.connections()):
                    try:
                        async with self._dials:
                            lately = trio.current_time() - began < EAGER_S
                            await self._dial(network, peer, again=lately)
                    except (NetworkError, UserError) as error:  # the last: blocked a moment ago
                        self._trouble(peer, str(error))
                        pause, sooner = self._patient(peer).next(), unanswered.next()
                        is_away = isinstance(error, Unreachable) and not error.answered
                        await self._pause(peer, min(pause, sooner) if is_away else pause)
        finally:
            del self._sought[peer]
            if scope.cancelled_caught:
                self._wake.set()  # whoever cancelled this wants the next try, which could not begin before the end

    async def _pause(self, peer: str, seconds: float) -> None:
        """Wait so long, or until the peer comes by itself."""
        with trio.CancelScope() as self._pausing[peer]:
            try:
                await trio.sleep(seconds)
            finally:
                del self._pausing[peer]
