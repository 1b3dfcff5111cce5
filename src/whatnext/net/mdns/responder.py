"""The thread that speaks and hears mDNS. Knows nothing of trio.

It runs an asyncio loop with python-zeroconf in it, so nothing here blocks the node. All that is known lives in a
`View`; each change replaces `sightings`, a picture that other threads read as it is, and calls `on_change`. Nothing
queues up, however slow the reader.
"""

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from random import Random

from zeroconf.asyncio import AsyncZeroconf

from whatnext.net.mdns.interfaces import here, usable
from whatnext.net.mdns.session import Session
from whatnext.net.mdns.sightings import Sighting
from whatnext.net.mdns.timetable import Timetable
from whatnext.net.mdns.txt import SERVICE
from whatnext.net.mdns.view import View

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""How often the interfaces are looked at, and whether the device was asleep."""
ASLEEP_S = 5.0
"""The wall clock ran this much further than the steady one: the device slept, or its clock was set. Ask anew."""
START_S = 10.0
STOP_S = 1.5
"""Three goodbyes take 0.25 s; a thread that does not end in this time is left to die with the process."""


class Responder:
    """One announced peer. `start` and `stop` block and are called once; everything else may come from any thread."""

    def __init__(self, peer: str, addresses: Iterable[str], on_change: Callable[[], None]) -> None:
        self.sightings: Mapping[str, Sighting] = {}
        self.failure: Exception | None = None
        self._peer = peer
        self._addresses = tuple(addresses)
        self._on_change = on_change
        self._random = Random(secrets.token_bytes(16))  # noqa: S311 - spreads questions in time, hides nothing
        self._view = View(peer, self._random)
        self._timetable = Timetable(time.monotonic(), self._random)
        self._interfaces: frozenset[str | int] = frozenset()
        self._look_at = 0.0
        self._lead = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake = asyncio.Event()
        self._started = threading.Event()
        self._stopping = False
        self._hurry = False
        self._thread = threading.Thread(target=self._run, name="whatnext-mdns", daemon=True)

    def start(self) -> None:
        """Run until `stop`. Raises what kept zeroconf from starting, `TimeoutError` after 10 s."""
        self._thread.start()
        if not self._started.wait(START_S):
            raise TimeoutError(f"zeroconf did not start within {START_S:g} s")
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """Say goodbye and end the thread; takes at most `STOP_S`."""
        self._stopping = True
        self._rouse()
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            _log.warning("mDNS did not end within %g s; its goodbye may not have been sent", STOP_S)

    def announce(self, addresses: Iterable[str]) -> None:
        """Tell these multiaddrs from now on."""
        self._addresses = tuple(addresses)
        self._rouse()

    def refresh(self) -> None:
        """Announce and ask everybody now."""
        self._hurry = True
        self._rouse()

    def _rouse(self) -> None:
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._awake.set)
            except RuntimeError:
                _log.debug("mDNS has ended already")

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - whoever opened discovery raises it
            self.failure = error
        finally:
            self._started.set()
            self._on_change()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._first_interfaces()
        if self._stopping:
            return
        zeroconf = AsyncZeroconf(interfaces=list(self._interfaces))
        try:
            await zeroconf.zeroconf.async_wait_for_start()
            # The spec asks for a name of 32 to 63 characters that says nothing; new each time, it is never taken.
            name = f"{secrets.token_hex(20)}.{SERVICE}"
            session = Session(zeroconf.zeroconf, name, self._peer, self._view, self._awake.set)
            self._started.set()
            while not self._stopping:
                self._awake.clear()
                await self._look(zeroconf)
                await session.tell(self._addresses)
                await self._wait(self._speak(session))
        finally:
            await zeroconf.async_close()

    async def _first_interfaces(self) -> None:
        """Wait until there is an interface: a device may have none at all, not even loopback."""
        self._lead = time.time() - time.monotonic()
        while not self._stopping:
            self._interfaces = usable(here())
            if self._interfaces:
                return
            self._started.set()
            await self._wait(time.monotonic() + LOOK_EVERY_S)
            self._awake.clear()

    async def _look(self, zeroconf: AsyncZeroconf) -> None:
        """Follow the interfaces; doubt what was heard when one went away, or when the device was asleep."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        before, found = self._interfaces, usable(here())
        if found and found != before:
            _log.info("mDNS: the network changed, now on %s", ", ".join(map(str, found)))
            await zeroconf.async_update_interfaces(list(found))
            self._interfaces = found
            self._hurry = True
        lead = time.time() - now
        slept = lead > self._lead + ASLEEP_S
        self._lead = lead
        self._hurry = self._hurry or slept
        if slept or before - found:
            self._view.doubt(now)

    def _speak(self, session: Session) -> float:
        """Say and ask what is due, publish what was heard; the time (monotonic seconds) when there is more to do."""
        now = time.monotonic()
        hurry, self._hurry = self._hurry, False
        if hurry:
            self._timetable.hurry(now)
        if self._timetable.announce_due(now):
            session.tell_again()
        names = self._view.tick(now)
        if self._timetable.query_due(now) or names:
            session.ask(names)
        sightings = self._view.sightings()
        if sightings != self.sightings:
            self.sightings = sightings
            self._on_change()
        return min(self._look_at, self._timetable.next(), self._view.next_tick() or self._look_at)

    async def _wait(self, until: float) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            return
