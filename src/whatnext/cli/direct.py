"""Operations on the profile itself, under its lock, while no node runs: the same code, the same errors."""

import random
import time
from pathlib import Path
from typing import TypeVar

import msgspec

from whatnext.cli.backend import node_is_needed
from whatnext.clock import HybridClock
from whatnext.config import ProfileLock, Settings
from whatnext.identity import load_or_create
from whatnext.playlists.operations import OPERATIONS
from whatnext.playlists.service import Playlists
from whatnext.store import Library
from whatnext.store.database import FILE as DATABASE_FILE

T = TypeVar("T")


class DirectBackend:
    """Holds the profile until closed."""

    is_node = False

    def __init__(self, directory: Path) -> None:
        """Open the profile; raises `ProfileBusy`, `KeyDamaged`, `StoreDamaged` or `StoreUnwritable`."""
        self._lock = ProfileLock(directory)
        self._lock.acquire()
        try:
            settings = Settings(directory)
            identity = load_or_create(directory)
            self._library = Library(identity, HybridClock(_wall_ms), directory / DATABASE_FILE)
        except BaseException:
            self._lock.release()
            raise
        self._playlists = Playlists(
            self._library, rng=random.SystemRandom(), settings=settings, relays=lambda: list(settings.relays)
        )

    def ask(self, operation: str, request: msgspec.Struct, response: type[T]) -> T:
        """Perform an operation; raises `NodeNotRunning` for those that only a node has."""
        found = OPERATIONS.get(operation)
        if found is None:
            from whatnext.node import acquaintances, notifications, relays

            offline = {**acquaintances.OFFLINE, **relays.OFFLINE, **notifications.OFFLINE}
            if operation not in offline:
                raise node_is_needed()
            return msgspec.convert(offline[operation](self._playlists, request), response)
        return msgspec.convert(found.run(self._playlists, request), response)

    def close(self) -> None:
        """Close the database cleanly and give the profile free."""
        try:
            self._library.close()
        finally:
            self._lock.release()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
