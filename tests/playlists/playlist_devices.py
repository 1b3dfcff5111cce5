"""Devices in memory that exchange records by hand, with one clock that only moves when a test says so."""

import random

import msgspec

from whatnext.clock import HybridClock
from whatnext.identity import Identity
from whatnext.playlists.operations import OPERATIONS
from whatnext.playlists.requests import TrackInput
from whatnext.playlists.service import Playlists
from whatnext.records import ids
from whatnext.store import Library

NOW_MS = 1_800_000_000_000
EVERYTHING = {"max_records": 10**9, "max_bytes": 10**12}


class Wall:
    def __init__(self):
        self.ms = NOW_MS

    def __call__(self):
        self.ms += 1
        return self.ms


class Named:
    def __init__(self, name, directory=None):
        self.name, self.colour, self.directory = name, None, directory

    def rename(self, name, colour):
        self.name, self.colour = name, colour


class Device:
    def __init__(self, name, seed, wall, addresses=(), directory=None):
        rng = random.Random(seed)
        self.library = Library(Identity(rng.randbytes(32)), HybridClock(wall))
        self.here = Playlists(
            self.library, rng=rng, settings=Named(name, directory), addresses=lambda: list(addresses)
        )
        self.peer = self.library.identity.peer_id

    def do(self, operation, **request):
        """Run an operation as the API does: the request through JSON, the answer through JSON and back."""
        asked = OPERATIONS[operation]
        raw = msgspec.json.encode(asked.request(**request))
        answer = asked.run(self.here, msgspec.json.decode(raw, type=asked.request))
        return msgspec.json.decode(msgspec.json.encode(answer), type=asked.response)

    def add(self, playlist, *titles, **where):
        return self.do(
            "playlist.add", playlist=playlist, tracks=[TrackInput(title=t) for t in titles], **where
        ).ids

    def show(self, playlist):
        return self.do("playlist.show", playlist=playlist)

    def bytes(self, playlist):
        asked = OPERATIONS["playlist.show"]
        return msgspec.json.encode(asked.run(self.here, asked.request(playlist=playlist)))

    def titles(self, playlist):
        return [entry.title for entry in self.show(playlist).entries]

    def told(self, playlist, **request):
        return [item.what for item in self.do("playlist.history", playlist=playlist, **request)]


class Circle:
    """Friends with one playlist, which Ann owns."""

    def __init__(self):
        self.wall = Wall()
        self.count = 0
        self.ann = self.device("Ann")
        self.id = self.ann.do("playlist.create", name="Road trip").id

    @property
    def playlist(self):
        return ids.playlist_from_text(self.id)

    def device(self, name, **more):
        self.count += 1
        return Device(name, self.count, self.wall, **more)

    def friend(self, name, role="editor"):
        """A device that has joined."""
        device = self.device(name)
        self.let_in(device, self.ann.do("invite.create", playlist=self.id, role=role).link)
        return device

    def let_in(self, device, link):
        device.do("join", link=link)
        for playlist, admission in device.library.joining():
            assert self.ann.library.check_join(playlist, admission, self.wall()) is None
            self.ann.library.receive(playlist, [admission])
        self.meet(self.ann, device)
        device.here.introduce()
        self.meet(self.ann, device)

    def meet(self, *devices):
        """Bring devices together until nobody lacks anything."""
        while sum(self.give(a, b) for a in devices for b in devices if a is not b):
            pass

    def give(self, giver, taker):
        signed = giver.library.missing(self.playlist, taker.library.heads(self.playlist), **EVERYTHING)
        if not signed:
            return 0
        receipt = taker.library.receive(self.playlist, signed)
        return receipt.counted


def bare_track(title):
    return TrackInput(title=title)
