"""Small regular work on the library: records that come due, and this device's name in playlists that arrive."""

import logging

import trio

from whatnext.errors import StoreUnwritable, WhatNextError
from whatnext.playlists.service import Playlists
from whatnext.store import Change

_log = logging.getLogger(__name__)

DUE_LOOK_S = 2.0
"""Pause between looks at records stamped ahead of our clock."""


class Caretaker:
    """Runs beside everything else; never holds a change up."""

    def __init__(self, playlists: Playlists) -> None:
        self._playlists = playlists
        self._seen: set[bytes] = set()
        self._arrived = trio.Event()

    def on_change(self, change: Change) -> None:
        """For `Library.subscribe`: costs one look-up for a playlist that is known."""
        if change.playlist not in self._seen and self._playlists.library.owner(change.playlist) is not None:
            self._seen.add(change.playlist)
            self._arrived.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._introduce)
            nursery.start_soon(self._count_due)

    async def _introduce(self) -> None:
        while True:
            try:
                self._playlists.introduce()
            except WhatNextError as error:
                _log.warning("this device's name could not be written: %s", error)
            await self._arrived.wait()
            self._arrived = trio.Event()

    async def _count_due(self) -> None:
        library = self._playlists.library
        while True:
            await trio.sleep(DUE_LOOK_S)
            due = library.next_due()
            try:
                if due is not None and not library.clock.is_early(due):
                    library.receive_due()
            except StoreUnwritable as error:
                _log.warning("changes that came due wait on: %s", error)
