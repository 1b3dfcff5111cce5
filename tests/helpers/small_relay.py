"""A small relay for tests of the client, which can be told to misbehave. The real one is `whatnext.relay`."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, Limit, PeerId, Reservation, Status, StopMessage
from multiaddr import Multiaddr

from whatnext.errors import NetworkError
from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, Stream, open_network
from whatnext.net.circuits.carrier import CircuitCarrier, relayed
from whatnext.net.circuits.messages import HOP, STOP
from whatnext.net.framing import framed, read_message

LOCAL = NetConfig(listen=("/ip4/127.0.0.1/tcp/0",), close_timeout_s=0.5)


class SmallRelay:
    """Set its attributes while it runs."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.places: set[str] = set()
        self.asked = 0
        self.refusing: Status.ValueType | None = None
        self.lasts_s = 3600.0
        self.limit = Limit()
        self.caller: str | None = None
        """Who it says calls, whoever does."""
        self.tamper: Callable[[bytes], bytes] = bytes
        self.silent = False
        self.intruding = False
        """Whether it answers calls itself instead of passing them on."""
        self.passed: list[bytes] = []
        self.circuits: dict[object, trio.CancelScope] = {}
        network.handle(HOP, self._serve)

    @property
    def address(self) -> str:
        return self.network.addresses()[0]

    def circuit(self, peer: str) -> str:
        return f"{self.address}/p2p-circuit/p2p/{peer}"

    async def _serve(self, stream: Stream) -> None:
        message = HopMessage()
        message.ParseFromString(await read_message(stream, 4096))
        if message.type == HopMessage.RESERVE:
            await self._reserve(stream)
        else:
            await self._connect(stream, str(ID(message.peer.id)))

    async def _reserve(self, stream: Stream) -> None:
        self.asked += 1
        if self.silent:
            await trio.sleep_forever()
        if self.refusing is not None:
            await self._say(stream, self.refusing)
            return
        self.places.add(stream.peer)
        told = [Multiaddr(address).to_bytes() for address in self.network.addresses()]
        place = Reservation(expire=int(time.time() + self.lasts_s), addrs=told)
        await self._say(stream, Status.OK, reservation=place, limit=self.limit)

    async def _connect(self, stream: Stream, target: str) -> None:
        if target not in self.places:
            await self._say(stream, Status.NO_RESERVATION)
            return
        try:
            other = await self.network.open_stream(target, [STOP])
            caller = PeerId(id=ID.from_string(self.caller or stream.peer).to_bytes())
            call = StopMessage(type=StopMessage.CONNECT, peer=caller, limit=self.limit)
            await other.send_all(framed(call.SerializeToString()))
            answer = StopMessage()
            answer.ParseFromString(await read_message(other, 4096))
        except NetworkError:
            self.places.discard(target)
            await self._say(stream, Status.CONNECTION_FAILED)
            return
        if answer.status != Status.OK:
            await other.close()
            await self._say(stream, Status.CONNECTION_FAILED)
            return
        await self._say(stream, Status.OK, limit=self.limit)
        if self.intruding:
            carrier = CircuitCarrier(stream)
            await self.network._swarm.upgrade_inbound_raw_conn(
                relayed(carrier, f"{self.address}/p2p-circuit", initiator=False),
                Multiaddr(f"{self.address}/p2p-circuit"),
            )
            await carrier.until_over()
        await self._join(stream, other)

    async def play_back(self, target: str, caller: str, recorded: list[bytes]) -> None:
        """Call a peer in another's name and say what was said before, until it hangs up."""
        async with await self.network.open_stream(target, [STOP]) as stream:
            call = StopMessage(type=StopMessage.CONNECT, peer=PeerId(id=ID.from_string(caller).to_bytes()))
            await stream.send_all(framed(call.SerializeToString()))
            await read_message(stream, 4096)
            for data in recorded:
                await stream.send_all(data)
            while await stream.receive_some():
                pass

    async def _say(self, stream: Stream, status: Status.ValueType, **more: object) -> None:
        message = HopMessage(type=HopMessage.STATUS, status=status, **more)
        await stream.send_all(framed(message.SerializeToString()))

    async def _join(self, one: Stream, other: Stream) -> None:
        key = object()
        try:
            with trio.move_on_after(self.limit.duration or float("inf")) as scope:
                self.circuits[key] = scope
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._pump, one, other, nursery.cancel_scope)
                    nursery.start_soon(self._pump, other, one, nursery.cancel_scope)
        finally:
            del self.circuits[key]
            await one.reset()
            await other.reset()

    async def _pump(self, source: Stream, sink: Stream, scope: trio.CancelScope) -> None:
        try:
            while data := await source.receive_some():
                self.passed.append(data)
                await sink.send_all(self.tamper(data))
        except NetworkError:
            pass
        scope.cancel()


@asynccontextmanager
async def small_relay(
    identity: Identity | None = None, config: NetConfig = LOCAL
) -> AsyncIterator[SmallRelay]:
    """Run one while the block lasts."""
    async with open_network(identity or Identity.generate(), config) as network:
        yield SmallRelay(network)
