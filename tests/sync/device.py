"""A device of the tests: its own key, clock, library in memory and hub; and the few changes the tests make."""

import random

import trio

from whatnext.clock import HybridClock
from whatnext.identity import Identity
from whatnext.records import ids
from whatnext.records.codec import Record, Write
from whatnext.records.governance import Mark, encode_marks
from whatnext.records.invites import InviteKey
from whatnext.store import Library
from whatnext.sync import Hub
from whatnext.sync.events import Event
from whatnext.sync.share import PlaylistStatus

BASE_MS = 1_790_000_000_000


class Device:
    """Everything from one seed: key, ids, nonces."""

    def __init__(self, name: str, seed: int, skew_ms: int = 0) -> None:
        self.rng = random.Random(f"{name}{seed}")
        self.name = name
        self.identity = Identity(self.rng.randbytes(32))
        self.skew_ms = skew_ms
        self.library = Library(self.identity, HybridClock(self.wall))
        self.hub = Hub(self.library, name=lambda: name, agent="tests/1", nonce=self.rng.randbytes)
        self.feed = self.hub.subscribe(100_000)
        self._position = 0

    def wall(self) -> int:
        return BASE_MS + self.skew_ms + int(trio.current_time() * 1000)

    @property
    def peer(self) -> str:
        return self.identity.peer_id

    def happened(self, kind: type[Event], peer: "Device | None" = None) -> list[Event]:
        """Events of one kind so far, oldest first."""
        return [e for e in self.feed._events if isinstance(e, kind) and (peer is None or e.peer == peer.peer)]

    def link(self, other: "Device"):
        """Status of the link to another device, or None."""
        return next((s for s in self.hub.status() if s.peer == other.peer), None)

    def share(self, other: "Device", playlist: bytes) -> PlaylistStatus | None:
        status = self.link(other)
        return next((p for p in status.playlists if p.playlist == playlist), None) if status else None

    # Changes

    def create(self, entries: int = 0, name: str = "Kitchen") -> bytes:
        playlist = self.library.create([Write("playlists", "", {"name": name})])
        for _ in range(entries):
            self.add(playlist)
        return playlist

    def entry(self, title: str = "Song") -> Write:
        self._position += 1
        position = f"a{self._position % 61:02d}".replace("0", "1") + "V"
        fields = {"position": position, "title": title, "artists": ["Somebody"], "durationMs": 200_000}
        return Write("entries", ids.to_text(self.rng.randbytes(10)), fields)

    def add(self, playlist: bytes, title: str = "Song") -> Record:
        return self.library.write(playlist, [self.entry(title)])

    def vote(self, playlist: bytes, entry: str, value: int = 1) -> Record:
        return self.library.write(playlist, [Write("votes", ids.vote_id(entry, self.peer), {"value": value})])

    def invite(self, playlist: bytes, role: str = "editor", expires_ms: int | None = None) -> InviteKey:
        key = InviteKey(self.rng.randbytes(32))
        self.library.write(playlist, [Write("invites", key.id, {"role": role, "expiresAt": expires_ms})])
        return key

    def revoke(self, playlist: bytes, key: InviteKey, standing: list["Device"] | None = None) -> Record:
        fields = {"revoked": True, "standing": [d.peer for d in standing or []]}
        return self.library.write(playlist, [Write("invites", key.id, fields)])

    def join(self, playlist: bytes, key: InviteKey) -> None:
        proof = key.prove(playlist, self.identity.public_key)
        self.library.admit_self(
            playlist, Write("members", self.peer, {"invite": key.id, "proof": proof}), "link"
        )

    def set_role(self, playlist: bytes, member: "Device", role: str) -> Record:
        """The owner's word, which accepts what it has of the member's logs."""
        author = member.identity.public_key
        marks = [
            Mark(log.epoch, head.seq, head.hash)
            for log, head in self.library.heads(playlist).items()
            if log.author == author
        ]
        fields = {"role": role, "upto": encode_marks(marks)}
        return self.library.write(playlist, [Write("members", member.peer, fields)])

    # What is here

    def documents(self, playlist: bytes) -> dict:
        table = self.library.documents
        collections = ("playlists", "entries", "votes", "comments", "members", "invites", "profiles")
        return {
            (each, stored.id): stored.document.fields
            for each in collections
            for stored in table.in_playlist(playlist, each, gone=True)
        }

    def titles(self, playlist: bytes) -> list[str]:
        return sorted(
            s.document.fields["title"] for s in self.library.documents.in_playlist(playlist, "entries")
        )
