"""Applies the rules of this package to the swarm: every connection passes here, in and out, before it has a place.

The gate pulls each peer's standing when it matters and keeps none, so a peer that was blocked or became a member a
moment ago is treated as such.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import msgspec
import trio
from libp2p.network.exceptions import SwarmException

from whatnext.net.admission.arrivals import Arrivals
from whatnext.net.admission.origins import origin_of
from whatnext.net.admission.places import Seat, seat, yields
from whatnext.net.admission.pruning import Held, hoarders, surplus, watermark
from whatnext.net.admission.refusal import Refusal
from whatnext.net.config import NetConfig
from whatnext.net.observing import Observer, Refused, ignore
from whatnext.net.standing import Judge, Standing, everybody_is_known
from whatnext.rates import TokenBucket

_log = logging.getLogger(__name__)

_NEEDED = Refusal("pruned", "its place was needed for a peer that matters more here")
_IN_A_MOMENT = Refusal("full", "this node has its maximum of connections, and one is just coming or going")
_ENTRY_S = (
    3.0  # seconds a friend waits for strangers to enter; each takes milliseconds, a hundred at once a second
)
_LINES_PER_S = 1.0
_LINES_AT_ONCE = 20  # a flood of refusals must not become a flood of log lines

Table = Callable[[bool], list[Held]]
"""Lists the connections that take a place; True has streams and times filled in as well, which takes longer."""

GiveUp = Callable[[int, Refusal], Awaitable[None]]
"""Closes the connection with this key and tells the peer why; it is gone when this returns. Bounded time."""


class TurnedAway(SwarmException):
    """A connection was refused by this node; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class Gate:
    """The connection manager's decisions for one swarm. All methods are for the trio thread."""

    def __init__(
        self, config: NetConfig, standing: Judge = everybody_is_known, observe: Observer = ignore
    ) -> None:
        self._config = config
        self._standing = standing
        self._observe = observe
        self._arrivals = Arrivals(config.per_ip, config.per_near_ip, config.max_handshakes)
        self._coming: dict[int, Held] = {}  # granted a place, not in the swarm's table yet
        self._leaving: set[int] = set()  # being closed, in the table until that is done
        self._replaced: set[int] = set()  # of those, the ones whose place is another's already
        self._settled = trio.Event()  # set whenever one has come or gone
        self._table: Table = lambda _: []
        self._close: GiveUp | None = None
        self._lines = TokenBucket(_LINES_PER_S, _LINES_AT_ONCE, 0.0)

    def attach(self, table: Table, close: GiveUp) -> None:
        """Learn where connections are listed and how one is closed; once, before the swarm runs."""
        self._table, self._close = table, close

    @property
    def handshakes(self) -> int:
        """Inbound handshakes under way."""
        return self._arrivals.under_way

    def standing(self, peer: str) -> Standing:
        """What the peer is to this node, now."""
        return self._standing(peer)

    @contextmanager
    def handshake(self, address: str) -> Iterator[None]:
        """Hold one of the handshakes that may be under way. Raises `TurnedAway`."""
        origin = origin_of(address)
        refusal = self._arrivals.begin(origin, trio.current_time())
        if refusal is not None:
            raise self.turned_away(None, address, refusal)
        try:
            yield
        finally:
            self._arrivals.end(origin)

    def look(self, peer: str, address: str, *, outbound: bool) -> None:
        """Refuse early what would be refused in the end: before dialling, and as soon as Noise shows who it is."""
        newcomer = self._newcomer(0, peer, address, outbound)
        found = self._seat(newcomer)
        if found is not _IN_A_MOMENT:
            self._granted(found, newcomer)

    @asynccontextmanager
    async def place(self, key: int, peer: str, address: str, *, outbound: bool) -> AsyncIterator[None]:
        """Hold a place while the connection `key` enters the swarm's table; who has to go is gone by then.

        Raises `TurnedAway`. Cancelled while another connection is closed for it, that one is closed all the same.
        """
        newcomer = self._newcomer(key, peer, address, outbound)
        with trio.move_on_after(_ENTRY_S):
            while (found := self._seat(newcomer)) is _IN_A_MOMENT:
                await self._settled.wait()
        granted = self._granted(found, newcomer)
        self._coming[key] = msgspec.structs.replace(newcomer, passing=True)
        try:
            if granted.instead_of is not None:
                await self._replace(granted.instead_of.key)
            yield
        finally:
            self._coming.pop(key, None)  # the library may add one connection twice at once
            self._settle()

    async def _replace(self, key: int) -> None:
        self._replaced.add(key)
        try:
            await self.give_up(key, _NEEDED)
        finally:
            self._replaced.discard(key)

    def _settle(self) -> None:
        self._settled.set()
        self._settled = trio.Event()

    def _newcomer(self, key: int, peer: str, address: str, outbound: bool) -> Held:
        standing = self._standing(peer)
        if outbound and standing is Standing.STRANGER:
            standing = Standing.KNOWN  # whom this node dials, it wants
        return Held(key, peer, standing, not outbound, address, origin_of(address))

    def _seat(self, newcomer: Held) -> Seat | Refusal:
        table = self._held(in_detail=False)
        found = seat(newcomer, table, self._config)
        if isinstance(found, Seat):
            if found.instead_of is None:
                return found
            return seat(newcomer, self._held(in_detail=True), self._config)
        if found.code == "full" and any(held.passing and yields(held, newcomer) for held in table):
            return _IN_A_MOMENT
        return found

    def _granted(self, found: Seat | Refusal, newcomer: Held) -> Seat:
        if isinstance(found, Refusal):
            raise self.turned_away(newcomer.peer, newcomer.address, found)
        return found

    def _held(self, *, in_detail: bool) -> list[Held]:
        """Places that are taken: of those in the table, on the way there, and on the way out until they are gone."""
        taken = {held.key: held for held in self._table(in_detail) if held.key not in self._replaced}
        for key in self._leaving & taken.keys():
            taken[key] = msgspec.structs.replace(taken[key], standing=Standing.BLOCKED, passing=True)
        return list((taken | self._coming).values())

    async def prune(self) -> None:
        """Give up connections above the high watermark, and those that fill the memory; as long as closing takes."""
        maximum = self._config.max_connections
        low = watermark(self._config.low_watermark, maximum)
        high = watermark(self._config.high_watermark, maximum)
        refusal = Refusal("pruned", f"there were more than {high} connections, and this one was used least")
        table = self._held(in_detail=True)
        async with trio.open_nursery() as nursery:
            for held in surplus(table, low=low, high=high, grace_s=self._config.prune_grace_s):
                nursery.start_soon(self.give_up, held.key, refusal)
            for held in hoarders(table, self._config.max_unread):
                reason = (
                    f"{held.unread // 1024} KiB of what it sent wait to be read, too much with all others'"
                )
                nursery.start_soon(self.give_up, held.key, Refusal("memory", reason))

    async def give_up(self, key: int, refusal: Refusal) -> None:
        """Close a connection and free its place; nothing to do when it is gone or going already."""
        held = next((held for held in self._table(False) if held.key == key), None)
        if held is None or key in self._leaving or self._close is None:
            return
        self._leaving.add(key)
        self.refused(held.peer, held.address, refusal)
        try:
            await self._close(key, refusal)
        finally:
            self._leaving.discard(key)
            self._settle()

    def turned_away(self, peer: str | None, address: str, refusal: Refusal) -> TurnedAway:
        """Tell the observer and the log; return the error to raise."""
        self.refused(peer, address, refusal)
        return TurnedAway(refusal)

    def refused(self, peer: str | None, address: str, refusal: Refusal) -> None:
        """Tell the observer and the log of a refusal."""
        self._observe(Refused(peer, address, refusal.code, refusal.reason))
        if self._lines.take(1, trio.current_time()):
            _log.info("refused %s (%s): %s", peer or address, refusal.code, refusal.reason)
