"""Noticing that this device slept or that its networks changed: sans-IO, clocks and addresses in, changes out."""

from collections.abc import Iterable

import msgspec

JUMP_S = 5.0
"""The wall clock ran this much further than the monotonic one: suspended (or set; then looking again does no harm)."""
LATE_S = 10.0
"""No look for so long although one is due every second: the process or its machine was stopped."""


class Slept(msgspec.Struct, frozen=True):
    """The device, or this process, did nothing for about so many seconds."""

    seconds: float


class NetworkChanged(msgspec.Struct, frozen=True):
    """Addresses of this device's interfaces came or went."""

    came: frozenset[str]
    went: frozenset[str]


Change = Slept | NetworkChanged


class Surroundings:
    """Compares each look with the one before."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._addresses: frozenset[str] | None = None

    def look(self, monotonic: float, wall: float, addresses: Iterable[str]) -> list[Change]:
        """What happened since the last look; nothing at the first. Times in seconds, addresses are IPs.

        Linux and macOS stop the monotonic clock while they sleep, Windows does not: either way one of the two shows.
        """
        changes: list[Change] = []
        now = frozenset(addresses)
        if self._last is not None:
            ran, passed = monotonic - self._last[0], wall - self._last[1]
            if passed - ran > JUMP_S or ran > LATE_S:
                changes.append(Slept(max(ran, passed)))
        if self._addresses is not None and now != self._addresses:
            changes.append(NetworkChanged(now - self._addresses, self._addresses - now))
        self._last, self._addresses = (monotonic, wall), now
        return changes
