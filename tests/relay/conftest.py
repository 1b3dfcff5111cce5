"""A relay in this process, and the smallest clients that can use or abuse it: bare messages on bare streams."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import base58
import msgspec
import pytest
import trio
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb

from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, Stream, open_network
from whatnext.net.circuits.messages import HOP, STOP
from whatnext.net.framing import framed, read_message
from whatnext.relay.config import AccessConfig, RelayConfig
from whatnext.relay.limits import Limits
from whatnext.relay.relay import Relay, open_relay

LOCAL = ("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws")


class Client:
    """A peer of the relay; calls it takes come out of `calls` as (who calls, stream)."""

    def __init__(self, network: Network, relay: Relay) -> None:
        self.network = network
        self.peer = network.peer
        self.relay = relay.network.peer
        self._give, self._take = trio.open_memory_channel[tuple[str, Stream]](100)
        self.answer = pb.OK
        self.limit = None
        network.handle(STOP, self._called)

    async def _called(self, stream: Stream) -> None:
        call = pb.StopMessage.FromString(await read_message(stream, 4096))
        self.limit = call.limit
        await stream.send_all(
            framed(pb.StopMessage(type=pb.StopMessage.STATUS, status=self.answer).SerializeToString())
        )
        if self.answer != pb.OK:
            return
        await self._give.send((base58.b58encode(call.peer.id).decode(), stream))
        await trio.sleep_forever()  # when a handler returns, its stream is closed

    async def called(self) -> tuple[str, Stream]:
        """The next call that was taken."""
        return await self._take.receive()

    async def hop(self) -> Stream:
        return await self.network.open_stream(self.relay, [HOP])

    async def ask(self, stream: Stream, message: Any) -> Any:
        """Send one message, read the relay's answer."""
        await stream.send_all(framed(message.SerializeToString()))
        return pb.HopMessage.FromString(await read_message(stream, 4096))

    async def reserve(self, name: bytes = b"") -> Any:
        """Ask for a reservation, for whoever `name` is said to be; the relay's answer."""
        stream = await self.hop()
        peer = pb.PeerId(id=name) if name else None
        answer = await self.ask(stream, pb.HopMessage(type=pb.HopMessage.RESERVE, peer=peer))
        await stream.close()
        return answer

    async def call(self, target: str) -> tuple[Any, Stream]:
        """Ask for a circuit; the relay's answer, and the stream that is the circuit if it is OK."""
        stream = await self.hop()
        peer = pb.PeerId(id=base58.b58decode(target))
        return await self.ask(stream, pb.HopMessage(type=pb.HopMessage.CONNECT, peer=peer)), stream

    async def circuit(self, other: "Client") -> tuple[Stream, Stream]:
        """A circuit to another client that waits: this end and that end."""
        answer, here = await self.call(other.peer)
        assert answer.status == pb.OK
        caller, there = await other.called()
        assert caller == self.peer
        return here, there


@pytest.fixture
def relay() -> Callable[..., AbstractAsyncContextManager[Relay]]:
    """`async with relay(circuits=3, access=AccessConfig(…)) as running:` — a relay on loopback."""

    def make(access: AccessConfig | None = None, listen: tuple[str, ...] = LOCAL, **limits: Any) -> Any:
        config = RelayConfig(listen=listen, access=access or AccessConfig(), limits=Limits(**limits))
        return open_relay(Identity.generate(), config)

    return make


@pytest.fixture
def client() -> Callable[..., AbstractAsyncContextManager[Client]]:
    """`async with client(relay, waits=True) as anna:` — connected to the relay, and waiting there."""

    @asynccontextmanager
    async def make(
        relay: Relay, *, waits: bool = False, identity: Identity | None = None, at: int = 0, **settings: Any
    ) -> AsyncIterator[Client]:
        config = msgspec.structs.replace(NetConfig(listen=("/ip4/127.0.0.1/tcp/0",)), **settings)
        async with open_network(identity or Identity.generate(), config) as network:
            made = Client(network, relay)
            await network.dial(relay.network.peer, relay.network.addresses()[at : at + 1])
            if waits:
                assert (await made.reserve()).status == pb.OK
            yield made

    return make


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait for a condition, looking again each millisecond; fails after `within` seconds."""

    async def wait(condition: Callable[[], Any], within: float = 5.0) -> Any:
        with trio.fail_after(within):
            while not (result := condition()):  # noqa: ASYNC110 - any condition, most have no event
                await trio.sleep(0.001)
            return result

    return wait
