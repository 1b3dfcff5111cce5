"""What the network and the sync links tell, passed on: to the API's listeners, the address book and the log."""

import logging
from collections.abc import Callable

import trio

from whatnext.errors import StoreUnwritable
from whatnext.net import Connected, Disconnected, Missed, Network, PathChanged
from whatnext.net.addresses import path_of
from whatnext.node.api.feed import Feed, JoinEvent, PeerEvent
from whatnext.records.ids import to_text
from whatnext.store import Library
from whatnext.store.peers import AddressBook
from whatnext.sync import Hub
from whatnext.sync.events import Event as SyncEvent
from whatnext.sync.events import (
    JoinAccepted,
    JoinRefused,
    LinkEnded,
    Offence,
    PeerHandshaken,
    PlaylistInSync,
    PlaylistRefused,
    StoreFailed,
)

_log = logging.getLogger(__name__)


SYNCED_APART_S = 0.1
"""Each change ends in such an event from each peer: told this far apart, they do not hold up the changes themselves."""


IDENTIFIED_S = 1.0
"""After this a peer that connected has told its addresses, if it ever does."""


class Quieted:
    """Keys that are due at most once in `apart_s`; a key held back is told later, so the last word is never lost."""

    def __init__(self, apart_s: float, now: Callable[[], float]) -> None:
        self._apart_s = apart_s
        self._now = now
        self._told: dict[tuple[str, bytes], float] = {}
        self._held: dict[tuple[str, bytes], None] = {}

    def is_due(self, key: tuple[str, bytes]) -> bool:
        """Whether to tell it now; otherwise it is held back."""
        now = self._now()
        self._told = {k: at for k, at in self._told.items() if now - at < self._apart_s}
        if key in self._told:
            self._held[key] = None
            return False
        self._told[key] = now
        return True

    def held_back(self) -> list[tuple[str, bytes]]:
        """What was held back, once each."""
        held, self._held = list(self._held), {}
        return held


class News:
    """Passes events on; what a slow consumer misses is told as `resync`."""

    def __init__(self, feed: Feed, book: AddressBook, library: Library) -> None:
        self._feed = feed
        self._book = book
        self._library = library
        self._synced = Quieted(SYNCED_APART_S, trio.current_time)
        self._any_synced = trio.Event()
        self._unsettled: set[str] = set()
        """Peers that have greeted; identify has told their addresses by the time the first playlist is in sync."""
        self._new: set[str] = set()
        """Peers that have connected; identify is about to tell their addresses."""
        self._any_new = trio.Event()

    async def run(self, network: Network, hub: Hub) -> None:
        """Listen to both until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._from_network, network)
            nursery.start_soon(self._from_hub, hub, network)
            nursery.start_soon(self._tell_synced)
            nursery.start_soon(self._note_new, network)

    async def _from_network(self, network: Network) -> None:
        with network.events() as events:
            async for event in events:
                match event:
                    case Connected(peer=peer, address=address):
                        _log.info("connected at %s", address, extra={"peer": peer})
                        self._feed.on_peer(PeerEvent(peer=peer, state="connected", path=path_of(address)))
                        self._note(network, peer)
                        self._new.add(peer)
                        self._any_new.set()
                    case PathChanged(peer=peer, address=address):
                        _log.info("another path: %s", address, extra={"peer": peer})
                        self._feed.on_peer(PeerEvent(peer=peer, state="path", path=path_of(address)))
                    case Disconnected(peer=peer, reason=reason):
                        _log.info("left: %s", reason, extra={"peer": peer})
                        self._unsettled.discard(peer)
                        self._feed.on_peer(PeerEvent(peer=peer, state="left", reason=reason))
                        if self._book.get(peer) is not None:  # else it was forgotten a moment ago
                            self._note(network, peer)
                    case Missed():
                        self._feed.on_missed()

    async def _from_hub(self, hub: Hub, network: Network) -> None:
        dropped = 0
        with hub.subscribe() as events:
            async for event in events:
                if events.dropped > dropped:
                    dropped = events.dropped
                    self._feed.on_missed()
                self._tell(event)
                if isinstance(event, PeerHandshaken):
                    self._unsettled.add(event.peer)
                    self._note(network, event.peer, event.name)
                elif isinstance(event, PlaylistInSync) and event.peer in self._unsettled:
                    self._unsettled.discard(event.peer)  # once: each change ends in such an event
                    self._note(network, event.peer)

    async def _note_new(self, network: Network) -> None:
        """A peer that vanishes without a word is still found again where it said it is."""
        while True:
            await self._any_new.wait()
            await trio.sleep(IDENTIFIED_S)
            self._any_new = trio.Event()
            new, self._new = self._new, set()
            for peer in new.intersection(connection.peer for connection in network.connections()):
                self._note(network, peer)

    async def _tell_synced(self) -> None:
        while True:
            await self._any_synced.wait()
            await trio.sleep(SYNCED_APART_S)
            self._any_synced = trio.Event()
            for link in self._synced.held_back():
                self._tell_in_sync(link)

    def _tell_in_sync(self, link: tuple[str, bytes]) -> None:
        peer, playlist = link
        self._feed.on_peer(PeerEvent(peer=peer, state="in sync", playlist=to_text(playlist)))

    def _tell(self, event: SyncEvent) -> None:
        match event:
            case PeerHandshaken(peer=peer, agent=agent):
                _log.info("greeted, %s", agent, extra={"peer": peer})
                self._feed.on_peer(PeerEvent(peer=peer, state="handshaken"))
            case PlaylistInSync(peer=peer, playlist=playlist):
                if self._synced.is_due((peer, playlist)):
                    self._tell_in_sync((peer, playlist))
                else:
                    self._any_synced.set()
            case JoinAccepted(peer=peer, playlist=playlist):
                self._feed.on_join(JoinEvent(playlist=to_text(playlist), state="accepted", peer=peer))
            case JoinRefused(peer=peer, playlist=playlist, code=code, sentence=why, retryable=retryable):
                _log.warning("joining %s: %s", to_text(playlist), why, extra={"peer": peer})
                state = "waiting" if retryable else "refused"
                self._feed.on_join(
                    JoinEvent(playlist=to_text(playlist), state=state, peer=peer, code=code, reason=why)
                )
            case PlaylistRefused(peer=peer, playlist=playlist, sentence=why):
                _log.warning("it refuses %s: %s", to_text(playlist), why, extra={"peer": peer})
                self._feed.on_peer(
                    PeerEvent(peer=peer, state="refused", playlist=to_text(playlist), reason=why)
                )
            case StoreFailed(peer=peer, reason=why):
                _log.error("what it sent could not be kept: %s", why, extra={"peer": peer})
            case Offence(peer=peer, kind=kind, detail=detail):
                _log.warning("%s: %s", kind, detail, extra={"peer": peer})
            case LinkEnded(peer=peer, reason=why):
                self._feed.on_peer(PeerEvent(peer=peer, state="unlinked", reason=why))

    def _note(self, network: Network, peer: str, name: str | None = None) -> None:
        """Remember where the peer is; of a connection it opened to us only what it announces can be dialled."""
        worked = [
            connection.address
            for connection in network.connections()
            if connection.peer == peer and connection.direction == "out"
        ]
        try:
            self._book.met(
                peer,
                worked=worked,
                announced=network.addresses_of(peer),
                name=name or None,
                now_ms=self._library.clock.now_ms(),
            )
        except StoreUnwritable as error:
            _log.warning("its address is not kept: %s", error, extra={"peer": peer})
