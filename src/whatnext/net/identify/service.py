"""Identify on a running network: answers who asks, and tells everybody connected when our addresses change."""

import logging
import time
from collections.abc import Callable

import trio

from whatnext import __version__
from whatnext.errors import NetworkError, PeerError
from whatnext.net.addresses import Kind, kind_of
from whatnext.net.framing import framed, read_message
from whatnext.net.identify.host import IdentifyingHost
from whatnext.net.identify.messages import ASK, MAX_MESSAGE, PUSH, About, decode, encode, worth_telling
from whatnext.net.network import Network
from whatnext.net.peer_records import seal
from whatnext.net.streams import Stream

_log = logging.getLogger(__name__)

AGENT = f"whatnext/{__version__}"
LOOK_S = 2.0
"""How often the addresses of this device are looked at; circuits tell by themselves."""
PUSH_S = 5.0
MAX_PUSHES = 8
PATIENCE_S = 10.0


class Identify:
    """Both protocols of one network."""

    def __init__(self, network: Network, host: IdentifyingHost) -> None:
        self._network = network
        self._host = host
        self._told: tuple[str, ...] | None = None
        self._record, self._seq = b"", 0
        self._changed = trio.Event()
        self._to_push = trio.Event()
        self._pushes = trio.CapacityLimiter(MAX_PUSHES)
        self._on_change: list[Callable[[], None]] = []
        network.handle(ASK, self._answer)
        network.handle(PUSH, self._take)

    def look(self) -> None:
        """Our addresses may have changed: look now."""
        self._changed.set()

    def on_change(self, act: Callable[[], None]) -> None:
        """Call `act` in the trio thread whenever this device's own addresses change; relays' come and go unheard."""
        self._on_change.append(act)

    async def run(self) -> None:
        """Follow our addresses until cancelled, and push each change."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_pushing)
            while True:
                self._changed = trio.Event()
                before, now = self._told, self._refreshed()
                if before is not None and before != now:
                    self._to_push.set()
                    if _direct(before) != _direct(now):
                        for act in self._on_change:
                            act()
                with trio.move_on_after(LOOK_S):
                    await self._changed.wait()

    def _refreshed(self) -> tuple[str, ...]:
        """The addresses to tell; the record is signed anew only when they changed, as its number has to grow."""
        addresses = worth_telling(self._network.addresses())
        if addresses != self._told:
            self._seq = max(self._seq + 1, time.time_ns() // 1_000_000)
            sealed = seal(self._network.peer, self._host.get_private_key().sign, addresses, self._seq)
            self._told, self._record = addresses, sealed.sealed
        return addresses

    def _about(self, observed: str) -> About:
        return About(
            agent=AGENT,
            public_key=self._host.get_public_key().serialize(),
            protocols=tuple(str(p) for p in self._host.get_mux().get_protocols() if p is not None),
            addresses=self._refreshed(),
            observed=observed,
            record=self._record,
        )

    async def _answer(self, stream: Stream) -> None:
        seen = stream.remote_address()
        # Of a circuit we see the relay, which is not where the peer is; js-libp2p chokes on what py-libp2p says then.
        observed = "" if kind_of(seen) is Kind.RELAY else seen
        await stream.send_all(framed(encode(self._about(observed))))

    async def _take(self, stream: Stream) -> None:
        try:
            with trio.fail_after(PATIENCE_S):
                about = decode(await read_message(stream, MAX_MESSAGE))
        except trio.TooSlowError:
            await stream.reset()
            return
        except PeerError as error:
            _log.info("what it pushed is no identify message: %s", error, extra={"peer": stream.peer})
            await stream.reset()
            return
        await self._host.learn(stream.peer, about)

    async def _keep_pushing(self) -> None:
        """One round after the other: what changes during one is told by the next, however often it does."""
        while True:
            await self._to_push.wait()
            self._to_push = trio.Event()
            await self._push_to_all()

    async def _push_to_all(self) -> None:
        message = framed(encode(self._about("")))
        peers = {connection.peer for connection in self._network.connections()}
        async with trio.open_nursery() as nursery:
            for peer in peers:
                nursery.start_soon(self._push, peer, message)

    async def _push(self, peer: str, message: bytes) -> None:
        async with self._pushes:
            try:
                with trio.fail_after(PUSH_S):
                    async with await self._network.open_stream(peer, [PUSH], PUSH_S) as stream:
                        await stream.send_all(message)
            except (NetworkError, PeerError, trio.TooSlowError) as error:
                _log.debug("it was not told our new addresses: %r", error, extra={"peer": peer})


def _direct(addresses: tuple[str, ...]) -> list[str]:
    return [address for address in addresses if kind_of(address) is not Kind.RELAY]
