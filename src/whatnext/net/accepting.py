"""Handing an accepted connection to the swarm so that its failure stays its own.

py-libp2p's WebRTC listener does this in a system task of trio, where any error that escapes ends the whole program.
Ordinary errors it catches; one that comes together with a cancellation, as while the node closes, it does not.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

_log = logging.getLogger(__name__)

C = TypeVar("C")


def contained(handler: Callable[[C], Awaitable[object]]) -> Callable[[C], Awaitable[None]]:
    """The handler, whose errors are logged and go no further; a cancellation does."""

    async def handle(connection: C) -> None:
        try:
            await handler(connection)
        except* Exception as errors:  # noqa: BLE001 - whatever a stranger does, only its own connection ends
            _log.debug("an accepted connection failed: %r", errors.exceptions)

    return handle
