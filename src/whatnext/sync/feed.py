"""Events for whoever listens: bounded, the oldest are dropped; a slow listener holds nobody up."""

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

import trio

from whatnext.sync.events import Event


class Feed:
    """One listener's events, an async iterator; leave its `with` block to stop listening.

    Cancelling a wait loses nothing: the event stays for the next one.
    """

    def __init__(self, capacity: int, on_close: Callable[["Feed"], None]) -> None:
        self.dropped = 0
        self._events: deque[Event] = deque(maxlen=capacity)
        self._arrived = trio.Event()
        self._on_close = on_close

    def put(self, event: Event) -> None:
        """Add an event; the oldest makes room."""
        if len(self._events) == self._events.maxlen:
            self.dropped += 1
        self._events.append(event)
        self._arrived.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on_close(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            self._arrived = trio.Event()
            await self._arrived.wait()
        return self._events.popleft()
