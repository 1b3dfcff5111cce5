"""One sync stream to every connected peer, opened anew whenever it ends and the peer is still there."""

import logging
import random
from collections.abc import Callable
from functools import partial

import trio

from whatnext.errors import NetworkError, PeerError, VersionMismatch
from whatnext.net import Network, PathChanged, Stream
from whatnext.node.backoff import Backoff
from whatnext.sync import PROTOCOLS, Hub, opens_stream

_log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
SETTLED_S = 10.0
"""A link that lasted so long was no failure: the next one is opened at once."""
GREETING_S = (2.0, 10.0, 30.0)
"""Pauses after which a peer whose turn it is to open the stream, and who has not, is looked at."""


class SyncLinks:
    """Follows the network's connections; the side with the smaller PeerID opens, the other one serves."""

    def __init__(self, own_peer: str, hub: Hub, rng: random.Random) -> None:
        self.paused: set[str] = set()
        """Peers the user disconnected: no link with them until they are asked for."""
        self.problems: dict[str, str] = {}
        """Why there is no link to a connected peer, in a sentence."""
        self._own_peer = own_peer
        self._hub = hub
        self._rng = rng
        self._kept: dict[str, trio.CancelScope] = {}
        self._streams: dict[str, trio.CancelScope] = {}
        self._excused: set[str] = set()
        self._look: Callable[[], None] = lambda: None

    async def serve(self, stream: Stream) -> None:
        """Run the link of a stream that a peer opened; one against the rule, or from a paused peer, is reset."""
        if opens_stream(self._own_peer, stream.peer) or stream.peer in self.paused:
            await stream.reset()
            return
        self.problems.pop(stream.peer, None)
        if stream.peer in self._kept:
            self._kept[stream.peer].cancel()  # what we waited for has come
        await self._attach(stream)

    def resume(self, peer: str) -> None:
        """The user wants this peer again; it may be connected already, as it kept dialling us."""
        self.paused.discard(peer)
        self._look()

    def excuse(self, peer: str) -> None:
        """A connected peer replicates with RxDB: that it does not speak sync is no problem then."""
        self._excused.add(peer)
        self.problems.pop(peer, None)

    async def run(self, network: Network) -> None:
        """Keep links until cancelled; then every stream is reset, which loses nothing."""
        async with trio.open_nursery() as nursery:
            with network.events() as events:
                self._look = partial(self._follow, network, nursery)
                self._look()
                async for event in events:
                    if isinstance(event, PathChanged) and event.peer in self._streams:
                        self._streams[event.peer].cancel()  # its loop opens the next one on the better path
                    self._look()

    async def _attach(self, stream: Stream) -> None:
        ended = await self._hub.attach(stream)
        _log.info("sync ended: %s", ended.reason, extra={"peer": stream.peer})

    def _follow(self, network: Network, nursery: trio.Nursery) -> None:
        connected = {connection.peer for connection in network.connections()}
        for peer in self._kept.keys() - connected:
            self._kept.pop(peer).cancel()
            self.problems.pop(peer, None)
        self._excused &= connected
        for peer in connected - self._kept.keys() - self.paused:
            self._kept[peer] = trio.CancelScope()
            care = self._keep if opens_stream(network.peer, peer) else self._expect
            nursery.start_soon(care, network, peer, self._kept[peer])

    async def _expect(self, network: Network, peer: str, scope: trio.CancelScope) -> None:
        """Say why a peer that should open the stream does not: its app is of another version, or of another kind."""
        with scope:
            for pause in GREETING_S:
                await trio.sleep(pause)
                sentence = network.mismatch(peer, PROTOCOLS)
                if sentence is not None and not _is_mere_relay(network, peer):
                    self._complain(network, peer, sentence)
                    return

    async def _keep(self, network: Network, peer: str, scope: trio.CancelScope) -> None:
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, self._rng)
        with scope:
            while True:
                began = trio.current_time()
                if not await self._link_once(network, peer):
                    return
                if trio.current_time() - began > SETTLED_S:
                    backoff.reset()
                await trio.sleep(backoff.next())

    async def _link_once(self, network: Network, peer: str) -> bool:
        """Open a stream and serve it to its end; return whether to try again."""
        with trio.CancelScope() as scope:
            self._streams[peer] = scope
            try:
                stream = await network.open_stream(peer, PROTOCOLS)
                self.problems.pop(peer, None)
                await self._attach(stream)
            except VersionMismatch as error:
                if _is_mere_relay(network, peer):
                    return False
                self._complain(network, peer, str(error))
            except (NetworkError, PeerError) as error:
                _log.info("no sync yet: %s", error, extra={"peer": peer})
            finally:
                self._streams.pop(peer, None)
        return True

    def _complain(self, network: Network, peer: str, sentence: str) -> None:
        if peer in self._excused:
            return
        if self.problems.get(peer) != sentence:
            # Whoever speaks no version at all is another kind of program, which nobody can mend by an update.
            level = logging.WARNING if _speaks_sync(network, peer) else logging.INFO
            _log.log(level, "%s", sentence, extra={"peer": peer})
        self.problems[peer] = sentence


def _is_mere_relay(network: Network, peer: str) -> bool:
    """Whether a peer serves as a relay and has no sync of any version: that is how relays are, and no fault."""
    return network.is_relay(peer) and not _speaks_sync(network, peer)


def _speaks_sync(network: Network, peer: str) -> bool:
    """Whether a peer announced sync of any version."""
    family = PROTOCOLS[0].rpartition("/")[0] + "/"
    return any(each.startswith(family) for each in network.protocols_of(peer))
