"""Keeps our TCP and WebSocket ports forwarded by the router while the node runs, and takes it back at the end."""

import itertools
import logging
from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import TypeVar

import trio

from whatnext.errors import NetworkError
from whatnext.net.addresses import Kind, ip_of, kind_of
from whatnext.net.mapping.gateway import Gateway

_log = logging.getLogger(__name__)

LEASE_S = 3600
"""How long the router forwards if we vanish; renewed at half of it."""
RETRY_S = 600.0
"""Between two looks for a router that was not there: networks without one are not bothered."""
LOOK_S = 5.0
"""How late a change of this device's network is noticed."""
GOODBYE_S = 1.5
TRIES = 3
_T = TypeVar("_T")


class Mapper:
    """Forwarded ports of one network. `listening` gives our own addresses, `changed` hears when `addresses` changes."""

    def __init__(
        self, gateway: Gateway, listening: Callable[[], Sequence[str]], changed: Callable[[], None]
    ) -> None:
        self._gateway = gateway
        self._listening = listening
        self._changed = changed
        self._open: dict[int, str] = {}
        self.problem: str | None = None
        """Why a port is not forwarded, in a sentence; None while all are, or none needs to be."""

    def addresses(self) -> list[str]:
        """Multiaddrs outside that lead to us, without `/p2p/`."""
        return list(self._open.values())

    async def run(self) -> None:
        """Look for the router, map, renew and follow this device to other networks, until cancelled."""
        try:
            while True:
                now = tuple(self._listening())
                wait_s = await self._map(now)
                with trio.move_on_after(wait_s):
                    while tuple(self._listening()) == now:  # noqa: ASYNC110 - interfaces change without an event
                        await trio.sleep(LOOK_S)
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(GOODBYE_S):
                await self._take_back()

    async def _map(self, listening: Sequence[str]) -> float:
        """Ask for every port; seconds until that is to be done again."""
        wanted = needed(listening)
        found: dict[int, str] = {}
        try:
            outside = await self._outside() if wanted else ""
            for port, suffix in wanted.items():
                there = await self._forward(port, found)
                found[there] = f"/ip4/{outside}/tcp/{there}{suffix}"
        except NetworkError as error:
            if self.problem != str(error):
                _log.info("not every port is forwarded: %s", error)
            self.problem = str(error)
            self._now_open(found)  # what is forwarded already stays so, and is taken back at the end
            return RETRY_S
        self.problem = None
        self._now_open(found)
        return LEASE_S / 2

    async def _outside(self) -> str:
        """The router's address on the internet; raises `NetworkError` when it is on none."""
        outside = await _in_thread(self._gateway.find)
        address = f"/ip4/{outside}/tcp/1"
        if ip_of(address) is None or kind_of(address) is not Kind.PUBLIC:
            raise NetworkError(f"the router is behind another one: its own address is {outside or 'unknown'}")
        return outside

    def _now_open(self, found: dict[int, str]) -> None:
        if found != self._open:
            self._open = found
            for address in found.values():
                _log.info("the router forwards %s to this device", address)
            self._changed()

    async def _forward(self, port: int, ours: Container[int]) -> int:
        """The port outside that leads to ours: the same if it is free, else one of the next.

        `ours` lead to other ports of this device: a router would let the newer rule replace the older.
        """
        for there in itertools.islice((n for n in itertools.count(port) if n not in ours), TRIES):
            for lease_s in (LEASE_S, 0):  # some routers know no leases: IGD:1 error 725
                try:
                    await _in_thread(partial(self._gateway.forward, port, there, lease_s))
                except NetworkError as error:
                    refusal = error
                else:
                    return there
        raise refusal

    async def _take_back(self) -> None:
        opened, self._open = self._open, {}
        for there in opened:
            try:
                await _in_thread(partial(self._gateway.stop, there))
            except NetworkError as error:
                _log.info("%s; it ends by itself within %d s", error, LEASE_S)


def needed(listening: Sequence[str]) -> dict[int, str]:
    """Our ports to be forwarded, with what follows them in a multiaddr: none where we are on the internet itself."""
    ports: dict[int, str] = {}
    for address in listening:
        parts, ip = address.split("/"), ip_of(address)
        if ip is None or ip.version != 4 or parts[3:4] != ["tcp"]:
            continue
        if kind_of(address) is Kind.PUBLIC:
            return {}
        if kind_of(address) is Kind.LAN:
            ports[int(parts[4])] = "/ws" if "ws" in parts else ""
    return ports


async def _in_thread(work: Callable[[], _T]) -> _T:
    # A thread cannot be stopped: when we are cancelled it is left to end by itself, within seconds.
    return await trio.to_thread.run_sync(work, abandon_on_cancel=True)  # type: ignore[call-arg]
