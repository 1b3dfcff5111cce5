"""What operations ask for: plain structs, the same over the API, from the CLI and in Python.

A playlist is named by its id, an unambiguous prefix of it, or its name; an entry by id, prefix, or its number in the
list (from 1); a peer by PeerID, an unambiguous beginning or end of it, or its unique name.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

Role = Literal["editor", "viewer"]
WEEK_S = 7 * 24 * 3600


class Request(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of all requests."""


class TrackInput(Request, frozen=True, kw_only=True):
    """A track to add; durations are milliseconds."""

    title: str
    artists: list[str] = []
    album: str = ""
    duration_ms: int | None = None
    isrc: str | None = None
    mbid: str | None = None
    links: list[str] = []
    note: str = ""


class Nothing(Request, frozen=True, kw_only=True):
    """An operation that needs no details."""


class OfPlaylist(Request, frozen=True, kw_only=True):
    """An operation on a playlist as a whole."""

    playlist: str


class MarkSeen(OfPlaylist, frozen=True, kw_only=True):
    """Say that its changes were seen, up to a number that `playlist.news` told."""

    upto: int


class CreatePlaylist(Request, frozen=True, kw_only=True):
    """Begin a playlist that this device owns."""

    name: str
    description: str = ""
    tags: list[str] = []


class RenamePlaylist(OfPlaylist, frozen=True, kw_only=True):
    """Give it another name."""

    name: str


class DescribePlaylist(OfPlaylist, frozen=True, kw_only=True):
    """Give it another description; an empty one removes it."""

    description: str


class TagPlaylist(OfPlaylist, frozen=True, kw_only=True):
    """Add and remove tags."""

    add: list[str] = []
    remove: list[str] = []


class SetPlaylist(OfPlaylist, frozen=True, kw_only=True):
    """Change mode or cover; None leaves as is, an empty cover removes it."""

    mode: Literal["free", "turns", "votes"] | None = None
    cover: str | None = None


class AddTracks(OfPlaylist, frozen=True, kw_only=True):
    """Add tracks at the end, at the beginning (`first`) or behind an entry (`after`)."""

    tracks: list[TrackInput]
    after: str | None = None
    first: bool = False


class EditEntry(OfPlaylist, frozen=True, kw_only=True):
    """Change fields of an entry; those left out stay as they are."""

    entry: str
    title: str | UnsetType = UNSET
    artists: list[str] | UnsetType = UNSET
    album: str | UnsetType = UNSET
    duration_ms: int | UnsetType | None = UNSET
    isrc: str | UnsetType | None = UNSET
    mbid: str | UnsetType | None = UNSET
    links: list[str] | UnsetType = UNSET
    note: str | UnsetType = UNSET


class MoveEntries(OfPlaylist, frozen=True, kw_only=True):
    """Move entries behind one, before one, or so that the first of them gets a number; several keep their order."""

    entries: list[str]
    after: str | None = None
    before: str | None = None
    to: int | None = None


class RemoveEntries(OfPlaylist, frozen=True, kw_only=True):
    """Remove entries; undo brings them back."""

    entries: list[str]


class Vote(OfPlaylist, frozen=True, kw_only=True):
    """Vote for an entry (1), against it (-1), or take the vote back (0)."""

    entry: str
    value: Literal[-1, 0, 1]


class Comment(OfPlaylist, frozen=True, kw_only=True):
    """Say something about an entry, or about the playlist."""

    text: str
    entry: str | None = None


class Uncomment(OfPlaylist, frozen=True, kw_only=True):
    """Remove a comment."""

    comment: str


class ShowHistory(OfPlaylist, frozen=True, kw_only=True):
    """Newest changes first, of one entry or of all."""

    limit: int = 50
    entry: str | None = None


class Undo(OfPlaylist, frozen=True, kw_only=True):
    """Take back a change; without `record` the newest own one that is neither undone nor an undo."""

    record: str | None = None


class LookBack(OfPlaylist, frozen=True, kw_only=True):
    """See the list as it stood right after a change (`record`, as the history names it)."""

    record: str


class Search(Request, frozen=True, kw_only=True):
    """Find entries and playlists that hold every word of the text."""

    text: str
    limit: int = 50


class ImportPlaylist(Request, frozen=True, kw_only=True):
    """Read a playlist file into a new playlist, or to the end of an existing one (`into`)."""

    content: bytes
    filename: str
    format: str | None = None
    name: str | None = None
    into: str | None = None


class ExportPlaylist(OfPlaylist, frozen=True, kw_only=True):
    """Write a playlist as a file."""

    format: str


class CreateInvite(OfPlaylist, frozen=True, kw_only=True):
    """Make an invite link; `peers` are further members that it may be shown to. None never expires."""

    role: Role = "editor"
    expires_in_s: int | None = WEEK_S
    peers: list[str] = []


class RevokeInvite(OfPlaylist, frozen=True, kw_only=True):
    """Let nobody else in by an invite; those who came by it stay."""

    invite: str


class Join(Request, frozen=True, kw_only=True):
    """Join the playlist of an invite link, under a name."""

    link: str
    name: str | None = None


class RememberPeer(Request, frozen=True, kw_only=True):
    """Keep the addresses of a `whtnxt://connect/…` link; nothing is dialled."""

    link: str


class ChangeRole(OfPlaylist, frozen=True, kw_only=True):
    """Give a member another role."""

    peer: str
    role: Role


class RemoveMember(OfPlaylist, frozen=True, kw_only=True):
    """Remove a member: it keeps its copy and gets and gives no further changes."""

    peer: str


class SetProfile(Request, frozen=True, kw_only=True):
    """Choose the name (and colour, `#rrggbb`; an empty one removes it) that members see."""

    name: str
    colour: str | None = None


class CreateBackup(Request, frozen=True, kw_only=True):
    """Copy the database and the device key to a new file (an absolute path)."""

    target: str
