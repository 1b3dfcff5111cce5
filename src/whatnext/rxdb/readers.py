"""Who is at the other end, what it may see, and what it may write."""

from typing import Protocol

from whatnext.records.codec import Write
from whatnext.records.permissions import MEMBERS, Standing, may
from whatnext.store import Library


class Reader(Protocol):
    """A client of the master."""

    by: str | None
    """The PeerID that its writes are marked with, None for this device's own."""

    @property
    def name(self) -> str:
        """What tells its pushes from others' (`by`, or this profile)."""
        ...

    def playlists(self) -> list[bytes] | None:
        """Ids of the playlists it sees; None for all that are on this device, and word of those that left it."""
        ...

    def sees(self, playlist: bytes) -> bool:
        """Whether it may read the playlist."""
        ...

    def refusal(self, playlist: bytes, write: Write) -> str | None:
        """Why it may not make this write, or None."""
        ...


class Profile:
    """The device's own user interface: sees all, writes as the device."""

    by: str | None = None
    name = "own"

    def __init__(self, library: Library) -> None:
        self._library = library

    def playlists(self) -> list[bytes] | None:
        """All."""
        return None

    def sees(self, playlist: bytes) -> bool:
        """Whether it is one of this device's."""
        return playlist in self._library.playlists()

    def refusal(self, playlist: bytes, write: Write) -> str | None:
        """The authority table's answer for this device."""
        own = self._library.identity.peer_id
        return _refusal(write, own, self._library.standing(playlist, own))


class Member:
    """A remote RxDB peer: the member that its PeerID is, in this node's records.

    It cannot sign records, so this node signs for it. The write therefore has to be within the right of both: of the
    peer, and of this device as the author that everybody else sees.
    """

    def __init__(self, library: Library, peer: str) -> None:
        self._library = library
        self._own = Profile(library)
        self.by: str | None = peer
        self._peer = peer

    @property
    def name(self) -> str:
        """Its PeerID."""
        return self._peer

    def playlists(self) -> list[bytes] | None:
        """Those it is a member of."""
        return [playlist for playlist in self._library.playlists() if self.sees(playlist)]

    def sees(self, playlist: bytes) -> bool:
        """Whether it is a member."""
        return self._library.standing(playlist, self._peer) in MEMBERS

    def refusal(self, playlist: bytes, write: Write) -> str | None:
        """What the authority table says of the peer, and of this device."""
        refused = _refusal(write, self._peer, self._library.standing(playlist, self._peer))
        if refused is not None:
            return refused
        if self._own.refusal(playlist, write) is None:
            return None
        if write.collection in ("votes", "comments", "profiles"):
            return f"{write.collection} are signed by whom they belong to, and an RxDB peer cannot sign"
        return "the node you are connected to may not change this playlist itself: connect to another member"


def _refusal(write: Write, peer: str, standing: Standing | None) -> str | None:
    if may(write, peer, standing):
        return None
    if standing not in MEMBERS:
        return "no member of this playlist" if standing is None else "removed from this playlist by its owner"
    if write.collection in ("votes", "profiles", "comments"):
        return f"{write.collection} of another peer"
    return f"as {standing} of this playlist you cannot change its {write.collection}"
