"""A device inside the bench's own process: library, playlists and sync sessions, without network or API."""

import functools
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random

from whatnext.clock import HybridClock
from whatnext.errors import WhatNextError
from whatnext.identity import Identity
from whatnext.playlists import creating, editing, inviting, viewing
from whatnext.playlists.requests import (
    AddTracks,
    CreateInvite,
    CreatePlaylist,
    Join,
    MoveEntries,
    OfPlaylist,
    RemoveEntries,
    RenamePlaylist,
    TrackInput,
)
from whatnext.playlists.service import Playlists
from whatnext.playlists.views import PlaylistView
from whatnext.records import ids
from whatnext.records.ids import LogKey
from whatnext.records.judge import Head
from whatnext.store import Library
from whatnext.store.database import MEMORY
from whatnext.sync import Greeting, Session
from whatnext.sync.discipline import Discipline
from whatnext.sync.frames import NONCE_BYTES


class Named:
    """Settings in memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.colour: str | None = None
        self.directory: Path | None = None

    def rename(self, name: str, colour: str | None) -> None:
        """Keep another name and colour."""
        self.name, self.colour = name, colour


class Device:
    """One device; everything random about it comes from `rng`."""

    def __init__(
        self, name: str, rng: Random, path: Path | str = MEMORY, identity: Identity | None = None
    ) -> None:
        clock = HybridClock(lambda: time.time_ns() // 1_000_000)
        self.name = name
        self.rng = rng
        self.library = Library(identity or Identity(rng.randbytes(32)), clock, path)
        self.playlists = Playlists(self.library, rng=rng, settings=Named(name))

    @property
    def peer(self) -> str:
        """PeerID."""
        return self.library.identity.peer_id

    def create(self, name: str) -> str:
        """Begin a playlist; return its id."""
        return creating.create(self.playlists, CreatePlaylist(name=name)).id

    def invite(self, playlist: str) -> str:
        """A link that lets editors in."""
        link = inviting.create(self.playlists, CreateInvite(playlist=playlist)).link
        assert link is not None
        return link

    def join(self, link: str) -> None:
        """Note the admission; it counts after the next meeting with a member."""
        inviting.join(self.playlists, Join(link=link))

    def add(
        self, playlist: str, tracks: list[TrackInput], after: str | None = None, *, first: bool = False
    ) -> list[str]:
        """Add tracks; return their entry ids."""
        return editing.add(
            self.playlists, AddTracks(playlist=playlist, tracks=tracks, after=after, first=first)
        ).ids

    def move(self, playlist: str, entry: str, after: str | None) -> None:
        """Move an entry behind another, or to the beginning."""
        to = 1 if after is None else None
        editing.move(self.playlists, MoveEntries(playlist=playlist, entries=[entry], after=after, to=to))

    def remove(self, playlist: str, entry: str) -> None:
        """Remove an entry."""
        editing.remove(self.playlists, RemoveEntries(playlist=playlist, entries=[entry]))

    def rename(self, playlist: str, name: str) -> None:
        """Give the playlist another name."""
        creating.rename(self.playlists, RenamePlaylist(playlist=playlist, name=name))

    def order(self, playlist: str) -> list[str]:
        """Entry ids in their order."""
        return [entry for entry, _ in self.library.documents.order(raw_id(playlist))]

    def sees(self, playlist: str, entry: str) -> bool:
        """Whether an entry is in the list here."""
        document = self.library.documents.get(raw_id(playlist), ("entries", entry))
        return document is not None and not document.removed

    def show(self, playlist: str) -> PlaylistView:
        """The whole playlist, canonical."""
        return viewing.show(self.playlists, OfPlaylist(playlist=playlist))

    def heads(self, playlist: str) -> dict[LogKey, Head]:
        """How far each log counts here."""
        return dict(self.library.heads(raw_id(playlist)))

    def close(self) -> None:
        """Close the database cleanly."""
        self.library.close()


@functools.lru_cache(maxsize=64)
def raw_id(playlist: str) -> bytes:
    """Bytes of a playlist's id."""
    found = ids.playlist_from_text(playlist)
    assert found is not None, f"{playlist} is no playlist id"
    return found


class Line:
    """Two real sync sessions, end to end in memory; counts every byte of the stream, both ways."""

    def __init__(self, one: Device, other: Device) -> None:
        self._devices = (one, other)
        self._sessions = (_session(one, other), _session(other, one))
        self._stops = [
            device.library.subscribe(session.notify)
            for device, session in zip(self._devices, self._sessions, strict=True)
        ]

    def run(self) -> int:
        """Exchange until neither side has anything to say; return the bytes that took."""
        total = 0
        while moved := self._pass():
            total += moved
        return total

    def end(self) -> None:
        """Forget the sessions; nothing is said."""
        for stop in self._stops:
            stop()

    def _pass(self) -> int:
        moved = 0
        for sender, receiver in (self._sessions, self._sessions[::-1]):
            now = time.monotonic()
            data = sender.data_to_send(now)
            if data:
                sender.sent(now)
                receiver.receive_data(data, now)
                moved += len(data)
            for session in (sender, receiver):
                session.events()
                if session.ended is not None:
                    raise WhatNextError(f"a link between honest devices ended: {session.ended.reason}")
        return moved


def _session(own: Device, peer: Device) -> Session:
    greeting = Greeting(own.name, "bench", own.rng.randbytes(NONCE_BYTES))
    return Session(own.library, peer.peer, greeting, time.monotonic(), Discipline())


def meet(one: Device, other: Device) -> int:
    """A fresh link from hello until both are equal; return the bytes on the wire."""
    line = Line(one, other)
    try:
        return line.run()
    finally:
        line.end()


def share(owner: Device, others: Iterable[Device], playlist: str) -> None:
    """Let the others in as editors and bring them up to date."""
    link = owner.invite(playlist)
    for device in others:
        device.join(link)
        meet(owner, device)
