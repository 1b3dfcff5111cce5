"""Makes direct connections out of relayed ones, quietly: where it cannot be done, the circuit goes on."""

import logging

import trio

from whatnext.errors import ConnectionLost, NetworkError, PeerError, ProtocolViolation
from whatnext.net.addresses import Kind, kind_of
from whatnext.net.framing import framed, read_message
from whatnext.net.network import Network
from whatnext.net.punching.knocking import knock, listening_port
from whatnext.net.punching.messages import MAX_MESSAGE, PROTOCOL, Message, Step, decode, encode, targets
from whatnext.net.punching.rounds import AGAIN_S, ROUND_S, Part, parts, wait_before_dialling
from whatnext.net.streams import Stream
from whatnext.net.swarm import SafeSwarm

_log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""How long the other side may take for a message."""
KNOWN_S = 1.0
"""How long to wait until identify has said where we are seen and where the peer is."""
HEAD_START_S = 0.4
"""How long public addresses are dialled alone before holes are punched as well."""
MAX_AT_ONCE = 4
MAX_REMEMBERED = 256


class Puncher:
    """Started by the side that was called through the relay, for each relayed connection.

    Tried again after each of `AGAIN_S`, when this node's addresses change, and whenever the peer calls anew.
    """

    def __init__(self, network: Network, swarm: SafeSwarm, *, local: bool = False) -> None:
        self._network = network
        self._swarm = swarm
        self._local = local
        self._tried: dict[str, float] = {}
        self._changes = 0
        self._waiting = 0
        self._wake = trio.Event()
        self._at_once = trio.CapacityLimiter(MAX_AT_ONCE)
        self._answers = trio.CapacityLimiter(MAX_AT_ONCE)
        network.handle(PROTOCOL, self._answer)

    def try_again(self) -> None:
        """The network changed: what could not be punched before may be possible now."""
        self._changes += 1
        self._tried.clear()
        self._wake.set()

    async def run(self) -> None:
        """Follow relayed connections until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._wake_on_events)
            while True:
                self._wake = trio.Event()
                for peer in self._callers():
                    nursery.start_soon(self._persist, peer)
                await self._wake.wait()

    async def _wake_on_events(self) -> None:
        with self._network.events() as events:
            async for _ in events:
                self._wake.set()

    def _callers(self) -> list[str]:
        """Peers that called us through a relay, have no other path, and were not tried on this connection yet."""
        relayed, direct = {}, set()
        for connection in self._network.connections():
            if connection.path != "relay":
                direct.add(connection.peer)
            elif connection.direction == "in":
                relayed[connection.peer] = connection.opened_at
        due = [p for p, opened in relayed.items() if p not in direct and self._tried.get(p) != opened]
        for peer in due:
            self._tried.pop(peer, None)
            self._tried[peer] = relayed[peer]
        while len(self._tried) > MAX_REMEMBERED:
            del self._tried[next(iter(self._tried))]
        return due

    def is_direct(self, peer: str) -> bool:
        """Whether there is a connection to the peer that leads through no relay."""
        return any(c.peer == peer and c.path != "relay" for c in self._network.connections())

    async def _persist(self, peer: str) -> None:
        """Try now, and again after each pause as long as this circuit is all there is."""
        opened, changes = self._tried.get(peer), self._changes
        await self._upgrade(peer)
        for pause in AGAIN_S:
            if self.is_direct(peer) or self._waiting >= MAX_REMEMBERED:
                return
            self._waiting += 1
            try:
                await trio.sleep(pause)
            finally:
                self._waiting -= 1
            is_another = self._tried.get(peer) != opened or self._changes != changes
            if is_another or self.is_direct(peer) or not self._network.is_connected(peer):
                return
            await self._upgrade(peer)

    async def _upgrade(self, peer: str) -> None:
        async with self._at_once:
            if not self._network.is_connected(peer):
                return  # it left while it waited: who calls and hangs up in a loop costs nothing more
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._dial_public, peer)
                nursery.start_soon(self._punch, peer)
        if self.is_direct(peer):
            _log.info("connected directly now", extra={"peer": peer})
        else:
            _log.info("no direct way was found: the relay goes on", extra={"peer": peer})

    async def _until_known(self, peer: str) -> None:
        with trio.move_on_after(KNOWN_S):
            while not self._network.addresses_of(peer):  # noqa: ASYNC110 - identify has no event
                await trio.sleep(0.01)

    async def _dial_public(self, peer: str) -> None:
        """The peer may be where anybody can reach it, which is simpler."""
        await self._until_known(peer)
        await self._knock(peer, self._public(peer), Part.CLIENT)

    def _public(self, peer: str) -> list[str]:
        return targets(self._network.addresses_of(peer), local=self._local)

    async def _knock(self, peer: str, addresses: list[str], part: Part) -> None:
        await knock(self._swarm, peer, addresses, part, ROUND_S, lambda: self.is_direct(peer))

    async def _punch(self, peer: str) -> None:
        port = listening_port(self._swarm)
        await self._until_known(peer)
        if port is None:
            return
        if self._public(peer):
            await trio.sleep(HEAD_START_S)
        for part in parts(self._network.sightings.keeps_ports(port)):
            if self.is_direct(peer):
                return
            try:
                theirs, round_trip_s = await self._agree(peer)
            except (NetworkError, PeerError) as error:
                _log.info("no hole punching: %s", error, extra={"peer": peer})
                return
            await trio.sleep(wait_before_dialling(round_trip_s))
            await self._knock(peer, theirs, part)

    async def _agree(self, peer: str) -> tuple[list[str], float]:
        """Exchange addresses, say when to begin; the peer's addresses and the seconds of a round trip."""
        ours = await self._own_targets()
        try:
            with trio.fail_after(PATIENCE_S):
                async with await self._network.open_stream(peer, [PROTOCOL], PATIENCE_S) as stream:
                    began = trio.current_time()
                    await stream.send_all(framed(encode(Message(Step.CONNECT, ours))))
                    answer = decode(await read_message(stream, MAX_MESSAGE))
                    round_trip_s = trio.current_time() - began
                    await stream.send_all(framed(encode(Message(Step.SYNC))))
        except trio.TooSlowError:
            raise ConnectionLost(f"{peer} did not answer within {PATIENCE_S:g} s") from None
        theirs = targets(answer.addresses, local=self._local)
        if answer.step is not Step.CONNECT or not theirs:
            raise ProtocolViolation(f"{peer} named no address at which its router may let us in")
        return theirs, round_trip_s

    async def _own_targets(self) -> tuple[str, ...]:
        """Where our router may let the peer in; nobody may have told us yet when the relay was just reached."""
        port = listening_port(self._swarm)
        if port is None:
            return ()
        found: list[str] = []
        self._network.sightings.keep_only({c.peer for c in self._network.connections()})
        with trio.move_on_after(KNOWN_S):
            while not (found := self._network.sightings.punchable(port)):  # noqa: ASYNC110 - identify has no event
                await trio.sleep(0.01)
        public = [address for address in self._network.addresses() if kind_of(address) is not Kind.RELAY]
        return tuple(targets([*found, *public], local=self._local))

    async def _answer(self, stream: Stream) -> None:
        """Serve the side that called through the relay: give addresses, wait for the word, and dial."""
        if kind_of(stream.address) is not Kind.RELAY:
            await stream.reset()  # on a direct connection there is nothing to punch
            return
        async with self._answers:
            try:
                with trio.fail_after(PATIENCE_S):
                    theirs = await self._agreed(stream)
            except trio.TooSlowError:
                raise ConnectionLost(f"no word within {PATIENCE_S:g} s") from None
            await self._knock(stream.peer, theirs, Part.CLIENT)

    async def _agreed(self, stream: Stream) -> list[str]:
        first = decode(await read_message(stream, MAX_MESSAGE))
        if first.step is not Step.CONNECT:
            raise ProtocolViolation(f"{stream.peer} began hole punching without its addresses")
        await stream.send_all(framed(encode(Message(Step.CONNECT, await self._own_targets()))))
        if decode(await read_message(stream, MAX_MESSAGE)).step is not Step.SYNC:
            raise ProtocolViolation(f"{stream.peer} did not say when to begin")
        return targets(first.addresses, local=self._local)
