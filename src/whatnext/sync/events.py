"""What a link tells the rest of the node: facts for the user interface and for the hub."""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from whatnext.sync.discipline import OffenceKind


class PlaylistState(StrEnum):
    """Where one playlist stands on one link, from our side."""

    UNKNOWN = "unknown"
    """The peer shares it but has not said what it has: nothing can be told yet."""
    INTRODUCING = "introducing"
    """One of the two has not heard that the other is a member."""
    JOINING = "joining"
    CATCHING_UP = "catching up"
    IN_SYNC = "in sync"
    """Both sides' heads are known and equal."""
    REFUSED = "refused"


class PeerHandshaken(msgspec.Struct, frozen=True):
    """Both sides have said hello; `skew_ms` is how far the peer's clock is ahead of ours."""

    peer: str
    name: str
    agent: str
    features: tuple[str, ...]
    skew_ms: int


class PlaylistInSync(msgspec.Struct, frozen=True):
    """A playlist that was not in sync with this peer now is."""

    peer: str
    playlist: bytes


class JoinAccepted(msgspec.Struct, frozen=True):
    """The peer let us in; the playlist is coming."""

    peer: str
    playlist: bytes


class JoinRefused(msgspec.Struct, frozen=True):
    """The peer did not let us in; `retryable`: it is asked again by itself once it knows more."""

    peer: str
    playlist: bytes
    code: str
    sentence: str
    retryable: bool


class PlaylistRefused(msgspec.Struct, frozen=True):
    """The peer will not share a playlist with us, which we had."""

    peer: str
    playlist: bytes
    code: str
    sentence: str


class RecordsRefused(msgspec.Struct, frozen=True):
    """Some records do not count: ours at the peer (`by_peer`), or the peer's here."""

    peer: str
    playlist: bytes
    by_peer: bool
    codes: dict[str, int]


class StoreFailed(msgspec.Struct, frozen=True):
    """What the peer sent could not be kept here (disk full, database damaged); it is asked for again later."""

    peer: str
    playlist: bytes
    reason: str


class Offence(msgspec.Struct, frozen=True):
    """The peer did something no honest peer does."""

    peer: str
    kind: OffenceKind
    detail: str


class PeerPresence(msgspec.Struct, frozen=True):
    """A member listens to an entry of a playlist, or (None) no longer does."""

    peer: str
    playlist: bytes
    entry: str | None


class LinkEnded(msgspec.Struct, frozen=True):
    """The link is gone: `code` for programs, `reason` for people."""

    peer: str
    code: str
    reason: str


Event: TypeAlias = (
    PeerHandshaken
    | PlaylistInSync
    | JoinAccepted
    | JoinRefused
    | PlaylistRefused
    | RecordsRefused
    | StoreFailed
    | Offence
    | PeerPresence
    | LinkEnded
)
