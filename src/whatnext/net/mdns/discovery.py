"""Discovery on the local network for a trio program: announce one peer, be told who else is there."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from whatnext.errors import NetworkError
from whatnext.net.mdns.sightings import Event, Sighting, changes

if TYPE_CHECKING:
    from whatnext.net.mdns.responder import Responder

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""How often `addresses` is called."""


class Mdns:
    """Discovery that is running. Made by `open_mdns`; for the tasks of its trio run."""

    def __init__(self, responder: "Responder", changed: "_Signal") -> None:
        self._responder = responder
        self._changed = changed
        self._told: Mapping[str, Sighting] = {}

    def sightings(self) -> Mapping[str, Sighting]:
        """Peers seen now, by PeerID, foreign ones too."""
        return self._responder.sightings

    def refresh(self) -> None:
        """Announce and ask everybody now instead of at the next due time."""
        self._responder.refresh()

    async def _follow(self, addresses: Callable[[], list[str]], send: Callable[[Event], None]) -> None:
        announced: list[str] | None = None
        while True:
            if self._responder.failure is not None:
                raise _unusable(self._responder.failure)
            current = addresses()
            if current != announced:
                announced = current
                self._responder.announce(current)
            now = self._responder.sightings
            told, self._told = self._told, now
            for event in changes(told, now):
                send(event)
            with trio.move_on_after(LOOK_EVERY_S):
                await self._changed.wait()


class _Signal:
    """Set from any thread, waited for in trio; setting it many times before it is seen is setting it once."""

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._event = trio.Event()

    def set(self) -> None:
        try:
            self._token.run_sync_soon(self._set, idempotent=True)
        except trio.RunFinishedError:
            _log.debug("the node ended before mDNS")

    def _set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()
        self._event = trio.Event()


@asynccontextmanager
async def open_mdns(
    peer: str, addresses: Callable[[], list[str]], send: Callable[[Event], None]
) -> AsyncIterator[Mdns]:
    """Announce `peer` on every local network, and tell who is there, while the block lasts.

    `addresses` gives the multiaddrs to announce; it is called in the trio thread every 2 s and on every change of
    network. `send` gets `Found`, `Quiet` and `Lost` there too; neither may block. Only the newest state of each peer
    is told, so a slow caller costs no memory. Needs no default route; a device without any interface waits for one.

    Raises `NetworkError` when UDP port 5353 cannot be had. What `addresses` or `send` raises ends the block. Leaving
    it, also by cancellation, sends goodbyes and takes at most 1.5 s.
    """
    changed = _Signal()
    responder = await trio.to_thread.run_sync(_start, peer, addresses(), changed.set)
    mdns = Mdns(responder, changed)
    failures: list[Exception] = []
    try:
        async with trio.open_nursery() as nursery:

            async def follow() -> None:
                try:
                    await mdns._follow(addresses, send)  # noqa: SLF001 - its own task, no one else's to start
                except Exception as error:  # noqa: BLE001 - raised below as itself, not wrapped by the nursery
                    failures.append(error)
                    nursery.cancel_scope.cancel()

            nursery.start_soon(follow)
            try:
                yield mdns
            except Exception as error:  # noqa: BLE001 - likewise
                failures.append(error)
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(responder.stop)
    if failures:
        raise failures[-1]


def _start(peer: str, addresses: list[str], on_change: Callable[[], None]) -> "Responder":
    from whatnext.net.mdns.responder import Responder

    responder = Responder(peer, addresses, on_change)
    try:
        responder.start()
    except (OSError, RuntimeError) as error:
        responder.stop()
        raise _unusable(error) from error
    return responder


def _unusable(error: Exception) -> NetworkError:
    return NetworkError(
        f"peers on this network cannot be found: mDNS does not work here ({error}). Another program may hold UDP port"
        " 5353 for itself, or a firewall may forbid multicast; connecting by link or address works all the same"
    )
