"""A relay here or in a process of its own, and the smallest clients that use or abuse it: bare messages on streams."""

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import base58
import msgspec
import pytest
import trio
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb
from multiaddr import Multiaddr

from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, Stream, open_network
from whatnext.net.addresses import without_peer
from whatnext.net.circuits.messages import HOP, STOP
from whatnext.net.framing import framed, read_message
from whatnext.relay.config import AccessConfig, RelayConfig
from whatnext.relay.limits import Limits
from whatnext.relay.relay import Relay, open_relay

LOCAL = ("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws")


class Where(msgspec.Struct):
    """A relay by its PeerID and addresses: one in another process is known by nothing else."""

    peer: str
    addresses: list[str]


class Client:
    """A peer of the relay; `called` gives the calls it takes as (who calls, stream)."""

    def __init__(self, network: Network, relay: str) -> None:
        self.network = network
        self.peer = network.peer
        self.relay = relay
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


class Running(msgspec.Struct):
    """A relay in a process of its own."""

    process: Any
    where: Where
    url: str


@pytest.fixture
def relay_process(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """`relay_process("--config", file)`: start `whatnext relay`; it is killed when the test ends."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str, profile: Path = tmp_path / "relay", listen: Sequence[str] = LOCAL) -> Running:
        words = ["--json", "--profile", str(profile), "--ops-port", "0", *arguments]
        listening = [word for address in listen for word in ("--listen", address)]
        process = subprocess.Popen(
            [sys.executable, "-m", "whatnext", "relay", *words, *listening],
            stdout=subprocess.PIPE,
            stderr=(tmp_path / "log").open("a"),
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        return Running(process, Where(told["peer"], told["addresses"]), told["url"])

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def client() -> Callable[..., AbstractAsyncContextManager[Client]]:
    """`async with client(relay, waits=True) as anna:` — connected to the relay, and waiting there."""

    @asynccontextmanager
    async def make(
        relay: Relay | Where, *, waits: bool = False, source: str | None = None
    ) -> AsyncIterator[Client]:
        """With `source`, it connects from that address of this machine."""
        config = NetConfig(listen=("/ip4/127.0.0.1/tcp/0",))
        where = relay if isinstance(relay, Where) else Where(relay.network.peer, relay.network.addresses())
        async with open_network(Identity.generate(), config) as network:
            made = Client(network, where.peer)
            if source is None:
                await network.dial(where.peer, where.addresses[:1])
            else:
                at, peer = Multiaddr(without_peer(where.addresses[0])), ID.from_string(where.peer)
                await network._swarm.dial_addr(at, peer, (source, 0))
            if waits:
                assert (await made.reserve()).status == pb.OK
            yield made

    return make


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A TCP port that is taken and refuses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def root() -> Path:
    """Where the project's files are."""
    return Path(__file__).parents[2]


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait for a condition, looking again each millisecond; fails after `within` seconds."""

    async def wait(condition: Callable[[], Any], within: float = 5.0) -> Any:
        with trio.fail_after(within):
            while not (result := condition()):  # noqa: ASYNC110 - any condition, most have no event
                await trio.sleep(0.001)
            return result

    return wait
