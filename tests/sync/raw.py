"""A peer driven by hand, frame by frame: what no honest program would send."""

import random
from collections.abc import Iterable
from contextlib import suppress

import trio
from device import Device
from network import Network
from wires import Cable, Wire

from whatnext.clock import from_millis
from whatnext.errors import ConnectionLost
from whatnext.identity import Identity
from whatnext.records import codec
from whatnext.records.codec import Body, Record, Write
from whatnext.sync import frames
from whatnext.sync.frames import Bye, FrameReader, Heads, Hello, Interest, Message, Records
from whatnext.sync.interest import InterestKey


class Raw:
    """Holds a key and a cable; the victim at the other end is an honest device."""

    def __init__(self, net: Network, victim: Device, identity: Identity | None = None) -> None:
        self.net, self.victim = net, victim
        self.rng = random.Random(f"raw{net.seed}{len(net.cables)}")
        self.identity = identity or Identity(self.rng.randbytes(32))
        self.nonce = self.rng.randbytes(16)
        self.reader = FrameReader()
        self.read_ahead: list[Message] = []
        self.messages: list[Message] = []
        self.written: list[Record] = []
        self.cable = Cable(self.peer, victim.peer, Wire(window=1 << 20), Wire())
        net.cables.append(self.cable)
        net.plug(victim, self.cable, self.cable.b_end)

    @property
    def peer(self) -> str:
        return self.identity.peer_id

    @property
    def end(self):
        return self.cable.a_end

    async def send(self, *messages: Message) -> None:
        await self.end.send_all(b"".join(map(frames.encode, messages)))

    async def next(self) -> Message:
        """The next message; fails after a minute of silence, or when the link ends."""
        with trio.fail_after(60):
            while not self.read_ahead:
                data = await self.end.receive_some(65536)
                if not data:
                    raise ConnectionLost("closed")
                self.read_ahead += map(frames.decode, self.reader.feed(data))
        self.messages.append(self.read_ahead.pop(0))
        return self.messages[-1]

    async def expect(self, kind):
        """The next message of a kind, others skipped."""
        while True:
            message = await self.next()
            if isinstance(message, kind):
                return message

    async def read_to_end(self) -> Bye | None:
        """Read until the link ends; the goodbye if there was one."""
        try:
            while True:
                await self.next()
        except ConnectionLost:
            pass
        return next((m for m in self.messages if isinstance(m, Bye)), None)

    async def greet(self, *playlists: bytes) -> Interest:
        """Shake hands and show these playlists; returns the victim's interest."""
        await self.send(Hello("raw/1", "Raw", [], self.nonce, self.victim.wall()))
        self.hello = await self.expect(Hello)
        self.key = InterestKey(self.nonce, self.hello.nonce, self.peer)
        await self.send(Interest(self.key.tags(playlists)))
        return await self.expect(Interest)

    async def share(self, playlist: bytes) -> Heads:
        """Greet, show the playlist with no heads of ours, and wait for the victim's heads."""
        await self.greet(playlist)
        return await self.expect(Heads)

    def sign(
        self, playlist: bytes, writes: Iterable[Write], seq: int | None = None, epoch: bytes = b"e" * 8
    ) -> Record:
        """Our next record, or (with `seq`) another one of that number."""
        number = len(self.written) + 1 if seq is None else seq
        prev = b"" if number == 1 else self.written[number - 2].hash
        hlc = from_millis(self.victim.wall()) + self.rng.randrange(1000)
        body = Body(1, playlist, self.identity.public_key, epoch, number, prev, hlc, list(writes))
        record = codec.sign(body, self.identity)
        if seq is None:
            self.written.append(record)
        return record

    async def repeat(self, data: bytes) -> None:
        """Send the same bytes until the link ends."""
        with suppress(ConnectionLost):
            while True:
                await self.end.send_all(data)

    async def give(self, *records: Record, serial: int = 0) -> None:
        await self.send(Records(serial, [record.signed for record in records]))
