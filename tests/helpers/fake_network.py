"""A network that only notes what is asked of it, and contacts that want one peer: for tests in simulated time."""

from contextlib import contextmanager

import msgspec
import trio

from whatnext.errors import Unreachable
from whatnext.net import Connected, Disconnected, PathChanged, Subscription
from whatnext.node.contacts import Contacts
from whatnext.sync.events import PeerHandshaken

ADDRESS = "/ip4/192.0.2.7/tcp/4001"
HELLO = PeerHandshaken("B", "Ben", "test", (), 0)


class Connection(msgspec.Struct):
    peer: str
    address: str = ADDRESS
    direction: str = "out"


class FakeNetwork:
    """Dials succeed while `reachable`; says what was tried when."""

    def __init__(self, peer: str = "A") -> None:
        self.peer = peer
        self.reachable = True
        self.dials: list[tuple[float, str, list[str]]] = []
        self.streams: list[str] = []
        self.closed: list[str] = []
        self._connected: set[str] = set()
        self._subscriptions: list[Subscription] = []

    def connections(self):
        return [Connection(peer) for peer in sorted(self._connected)]

    @contextmanager
    def events(self, capacity: int = 256):
        subscription = Subscription(capacity)
        self._subscriptions.append(subscription)
        yield subscription

    async def dial(self, peer, addresses):
        self.dials.append((trio.current_time(), peer, list(addresses)))
        await trio.sleep(0.1)
        if not self.reachable:
            raise Unreachable(f"{peer} could not be reached")
        self.appear(peer)

    async def disconnect(self, peer, reason=""):
        self.closed.append(peer)
        self.vanish(peer)

    async def open_stream(self, peer, protocols):
        self.streams.append(peer)
        return FakeStream(peer)

    def appear(self, peer):
        self._connected.add(peer)
        self._publish(Connected(peer, ADDRESS, "out"))

    def vanish(self, peer):
        self._connected.discard(peer)
        self._publish(Disconnected(peer, "gone"))

    def move(self, peer):
        self._publish(PathChanged(peer, ADDRESS, "out"))

    def _publish(self, event):
        for subscription in self._subscriptions:
            subscription.push(event)


class FakeStream:
    def __init__(self, peer):
        self.peer = peer
        self.was_reset = False

    async def reset(self):
        self.was_reset = True


class Seeking(Contacts):
    """Wants who it is told to want."""

    def wanted(self):
        return {peer: [ADDRESS] for peer in ("B",) if not self._is_unwelcome(peer)}
