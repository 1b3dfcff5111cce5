"""What the network tells: peers that came, went or changed path, through bounded subscriptions."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import trio


class Connected(msgspec.Struct, frozen=True):
    """A peer has its first connection. `address` is its multiaddr, `direction` is `in` or `out`."""

    peer: str
    address: str
    direction: str


class PathChanged(msgspec.Struct, frozen=True):
    """A connected peer is reached another way now; streams on the old path end soon and are to be reopened."""

    peer: str
    address: str
    direction: str


class Disconnected(msgspec.Struct, frozen=True):
    """A peer's last connection is gone; `reason` is a sentence for people."""

    peer: str
    reason: str


class Missed(msgspec.Struct, frozen=True):
    """Events were dropped because this subscriber was too slow: read `Network.connections()` again."""


Event = Connected | PathChanged | Disconnected | Missed


class Subscription:
    """Async iterator over events, in order. Holds at most `capacity`; past that, one `Missed` stands for them."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._queue: deque[Event] = deque()
        self._filled = trio.Event()

    def push(self, event: Event) -> None:
        """Add an event; never waits."""
        if len(self._queue) >= self._capacity:
            self._queue.clear()
            self._queue.append(Missed())
        self._queue.append(event)
        self._filled.set()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Event:
        await trio.lowlevel.checkpoint()
        while not self._queue:
            self._filled = trio.Event()
            await self._filled.wait()
        return self._queue.popleft()


def _ignore(event: Event) -> None:
    """Observer of a hub nobody watches."""


class EventHub:
    """Hands each event to every subscriber, and at once to `observe`."""

    def __init__(self, observe: Callable[[Connected | PathChanged | Disconnected], None] = _ignore) -> None:
        self._subscriptions: list[Subscription] = []
        self._observe = observe

    def publish(self, event: Connected | PathChanged | Disconnected) -> None:
        """Tell all subscribers; never waits for a slow one."""
        self._observe(event)
        for subscription in self._subscriptions:
            subscription.push(event)

    @contextmanager
    def subscribe(self, capacity: int) -> Iterator[Subscription]:
        """Subscribe from now until the block ends."""
        subscription = Subscription(capacity)
        self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)
