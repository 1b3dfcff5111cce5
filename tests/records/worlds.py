"""Sets of records of several devices, honest and hostile, made by a script of small steps.

`World` signs by hand what no honest library would: forks, backdated changes, writes without right, gaps.
"""

import random
from collections.abc import Iterable

from whatnext import clock
from whatnext.identity import Identity
from whatnext.records import codec, ids
from whatnext.records.codec import Body, Record, Write
from whatnext.records.governance import Mark, encode_marks
from whatnext.records.invites import InviteKey

NOW_MS = 1_800_000_000_000
EARLY = clock.from_millis(NOW_MS + 2 * clock.AHEAD_MS)


def is_early(hlc: int) -> bool:
    return clock.millis(hlc) > NOW_MS + clock.AHEAD_MS


class Pen:
    """One device's hand on one log."""

    def __init__(self, identity: Identity, epoch: bytes, playlist: bytes = b"") -> None:
        self.identity, self.epoch, self.playlist = identity, epoch, playlist
        self.written: list[Record] = []

    def sign(self, writes: Iterable[Write], hlc: int, *, seq: int | None = None) -> Record:
        """The next record, or (with `seq`) another one of that number."""
        number = len(self.written) + 1 if seq is None else seq
        prev = b"" if number == 1 else self.written[number - 2].hash
        body = Body(1, self.playlist, self.identity.public_key, self.epoch, number, prev, hlc, list(writes))
        record = codec.sign(body, self.identity)
        if seq is None:
            self.written.append(record)
        return record


class World:
    """Some devices, one playlist, and every record any of them ever signed."""

    def __init__(self, seed: int, devices: int = 4) -> None:
        self.rng = random.Random(seed)
        self.devices = [Identity(self.rng.randbytes(32)) for _ in range(devices)]
        self.records: list[Record] = []
        self.invites = [InviteKey(self.rng.randbytes(32)) for _ in range(2)]
        self.entries = [ids.to_text(self.rng.randbytes(10)) for _ in range(3)]
        owner = Pen(self.devices[0], self.rng.randbytes(8))
        self.hlc = clock.from_millis(NOW_MS - 1_000_000)
        genesis = owner.sign([Write("playlists", "", {"name": "Kitchen"})], self.tick())
        self.playlist = owner.playlist = genesis.playlist
        self.records.append(genesis)
        self.pens = [[owner]] + [[Pen(d, self.rng.randbytes(8), self.playlist)] for d in self.devices[1:]]

    def tick(self) -> int:
        self.hlc += 1 << 20
        return self.hlc

    def write(self, device: int, *writes: Write, hlc: int | None = None, seq: int | None = None) -> Record:
        record = self.pens[device][-1].sign(writes, self.tick() if hlc is None else hlc, seq=seq)
        self.records.append(record)
        return record

    def peer(self, device: int) -> str:
        return self.devices[device].peer_id

    def upto(self, device: int, behind: int) -> str:
        """The owner's marks on a device's logs, `behind` records short of the newest."""
        logs = [(pen.epoch, pen.written[: len(pen.written) - behind]) for pen in self.pens[device]]
        return encode_marks(
            [Mark(epoch, len(written), written[-1].hash) for epoch, written in logs if written]
        )

    def word(self, device: int, role: str, behind: int) -> Record:
        return self.write(
            0, Write("members", self.peer(device), {"role": role, "upto": self.upto(device, behind)})
        )

    def invite(self, number: int, role: str) -> Record:
        return self.write(0, Write("invites", self.invites[number].id, {"role": role, "expiresAt": None}))

    def revoke(self, number: int, standing: list[int]) -> Record:
        fields = {"revoked": True, "standing": [self.peer(d) for d in standing]}
        return self.write(0, Write("invites", self.invites[number].id, fields))

    def admit(self, device: int, number: int) -> Record:
        key = self.invites[number]
        proof = key.prove(self.playlist, self.devices[device].public_key)
        return self.write(device, Write("members", self.peer(device), {"invite": key.id, "proof": proof}))

    def edit(self, device: int, entry: int, *, hlc: int | None = None) -> Record:
        title = f"{device}.{len(self.records)}"
        return self.write(device, Write("entries", self.entries[entry], {"title": title}), hlc=hlc)

    def step(self, kind: int, device: int, number: int) -> None:
        """One of many things that devices do, rightly or not."""
        other = device or 1
        match kind % 14:
            case 0 | 1 | 2:
                self.edit(device, number % 3)
            case 3:
                self.word(other, ("editor", "viewer")[number % 2], number % 3)
            case 4:
                self.word(other, "removed", number % 3)
            case 5:
                self.invite(number % 2, ("editor", "viewer")[number // 2 % 2])
            case 6 | 7:
                self.admit(other, number % 2)
            case 8:
                self.revoke(number % 2, [d for d in range(1, len(self.devices)) if number >> d & 1])
            case 9:
                self._fork(device, number)
            case 10:
                self.pens[device].append(Pen(self.devices[device], self.rng.randbytes(8), self.playlist))
            case 11:
                self._trespass(device, number)
            case 12:
                self.edit(device, number % 3, hlc=(1, EARLY)[number % 2])
            case 13:
                self.write(device, Write("votes", f"{self.entries[0]}:{self.peer(device)}", {"value": 1}))

    def _fork(self, device: int, number: int) -> None:
        written = self.pens[device][-1].written
        if written:
            seq = 1 + number % len(written)
            self.write(device, Write("entries", self.entries[0], {"title": f"fork {number}"}), seq=seq)

    def _trespass(self, device: int, number: int) -> None:
        victim = (device + 1) % len(self.devices)
        writes = [
            Write("votes", f"{self.entries[0]}:{self.peer(victim)}", {"value": -1}),
            Write("members", self.peer(victim), {"role": "editor"}),
            Write("playlists", "", {"removed": True}),
            Write("profiles", self.peer(victim), {"name": "not me"}),
        ]
        self.write(device, writes[number % len(writes)])
