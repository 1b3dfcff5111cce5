"""Keeps reservations at the configured relays for as long as the node runs."""

import logging
import random
import time
from collections.abc import Sequence

import msgspec
import trio
from libp2p.peer.id import ID
from multiaddr import Multiaddr  # type: ignore[import-untyped]
from multiaddr.exceptions import Error as MultiaddrError  # type: ignore[import-untyped]

from whatnext.errors import UserError, WhatNextError
from whatnext.net.addresses import Kind, kind_of, peer_in
from whatnext.net.circuits.client import Circuits
from whatnext.net.circuits.messages import Reservation
from whatnext.net.circuits.places import Places
from whatnext.net.events import Connected
from whatnext.net.network import Network

_log = logging.getLogger(__name__)

WANTED = 2
"""Places held at one time: one relay may go without anybody noticing, and more would only cost their hosts."""


class RelayState(msgspec.Struct, frozen=True):
    """One configured relay: its place, or why there is none."""

    relay: str
    addresses: tuple[str, ...]
    connected: bool
    place: Reservation | None
    problem: str | None


class Keeper:
    """Asks, renews and falls back, by the rules of `Places`."""

    def __init__(self, network: Network, circuits: Circuits, rng: random.Random) -> None:
        self._network = network
        self._circuits = circuits
        self._places = Places(WANTED, rng)
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._wake = trio.Event()

    def use(self, addresses: Sequence[str]) -> None:
        """Use these relays from now on, in this order; raises `UserError` naming the first that is none."""
        chosen: dict[str, tuple[str, ...]] = {}
        for address in addresses:
            relay = relay_in(address)
            chosen[relay] = (*chosen.get(relay, ()), address)
        if self._network.peer in chosen:
            raise UserError(f"{chosen[self._network.peer][0]} is this node itself: a relay is another device")
        self._addresses = chosen
        self._circuits.configured = frozenset(chosen)
        for relay in self._places.choose(chosen):
            self._circuits.give_up(relay)
        self._wake.set()

    def hurry(self) -> None:
        """The network changed: ask again at once those that could not be reached."""
        self._places.hurry()
        self._wake.set()

    def states(self) -> list[RelayState]:
        """Every configured relay, as it stands."""
        connected = {connection.peer for connection in self._network.connections()}
        return [
            RelayState(
                relay, known, relay in connected, self._circuits.place(relay), self._places.problem(relay)
            )
            for relay, known in self._addresses.items()
        ]

    async def run(self) -> None:
        """Keep places until cancelled; the relays forget them when the connections end."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow)
            while True:
                self._wake = trio.Event()
                for relay in self._places.due(trio.current_time()):
                    nursery.start_soon(self._ask, relay)
                with trio.move_on_at(self._places.next_at()):
                    await self._wake.wait()

    async def _ask(self, relay: str) -> None:
        was_held = self._circuits.place(relay) is not None
        addresses = self._addresses.get(relay)
        if addresses is None:
            return  # it was taken out of the list in the meantime
        try:
            place = await self._circuits.reserve(relay, addresses)
        except WhatNextError as error:
            if was_held or self._places.problem(relay) != str(error):
                level = logging.INFO if self._circuits.only_tells(relay) else logging.WARNING
                _log.log(level, "no place at this relay: %s", error, extra={"peer": relay})
            self._places.failed(relay, str(error), trio.current_time())
        else:
            if not was_held:
                _log.info("this relay holds a place for us", extra={"peer": relay})
            self._places.granted(relay, place.expires_at - time.time(), trio.current_time())
        if relay not in self._addresses:
            self._circuits.give_up(relay)
        self._wake.set()

    async def _follow(self) -> None:
        with self._network.events() as events:
            async for event in events:
                connected = {connection.peer for connection in self._network.connections()}
                for relay in self._addresses.keys() - connected:
                    self._circuits.give_up(relay)
                    self._places.lost(relay, trio.current_time())
                if isinstance(event, Connected):
                    self._places.came(event.peer, trio.current_time())
                self._wake.set()


def relay_in(address: str) -> str:
    """PeerID of a relay's address; raises `UserError` when it is no address of a relay."""
    relay = peer_in(address)
    try:
        if relay is not None and Multiaddr(address) and kind_of(address) is not Kind.RELAY:
            return str(ID.from_string(relay))
    except (MultiaddrError, ValueError):
        relay = None
    raise UserError(
        f"“{address[:120]}” is no relay's address: it should look like /dns4/relay.example/tcp/4001/p2p/12D3KooW…"
    )
