"""What operations answer with: plain structs, the same through the API, `--json` and Python.

Nothing in `PlaylistView` depends on this device: two devices with equal heads print the same bytes.
"""

import msgspec


class MemberView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody with a place in a playlist; `name` is what that peer calls itself."""

    peer: str
    name: str | None
    role: str
    joined_via: str | None
    left: bool


class CommentView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One comment, on an entry or (without `entry_id`) on the playlist."""

    id: str
    entry_id: str | None
    author: str
    text: str
    created_at: int


class EntryView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One track in a playlist. Durations are milliseconds, times milliseconds since 1970 UTC."""

    id: str
    position: str
    title: str
    artists: list[str]
    album: str
    duration_ms: int | None
    isrc: str | None
    mbid: str | None
    links: list[str]
    note: str
    added_by: str
    added_at: int
    votes: int
    voters: dict[str, int]


class PlaylistSummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A playlist in a list; `role` and `state` ("here", "joining") are this device's own."""

    id: str
    name: str
    role: str | None
    state: str
    owner: str | None
    entries: int
    duration_ms: int
    members: int
    updated_at: int | None


class PlaylistView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A whole playlist, canonical: entries in order, members and comments sorted."""

    id: str
    name: str
    description: str
    tags: list[str]
    cover: str | None
    mode: str
    owner: str
    created_at: int
    updated_at: int
    entries: list[EntryView]
    members: list[MemberView]
    comments: list[CommentView]


class Changed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change was made and is durable: which record it is (None when nothing needed changing), and what it touched."""

    playlist: str
    record: str | None
    ids: list[str]
    notes: list[str] = []


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One change: who did what when. `record` names it for `undo`, which refuses it always unless `can_undo`."""

    record: str
    at: int
    peer: str
    name: str | None
    what: str
    undoes: str | None
    undone: bool
    can_undo: bool = True


class News(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What others did to a playlist since somebody looked at it here, for this device alone.

    `changes` is how many, up to 500; `entries` and `comments` are the ids they touched (none while nobody has looked
    at all), `peers` who made them, latest first. `upto` is for `playlist.seen`.
    """

    playlist: str
    upto: int
    changes: int
    peers: list[str]
    entries: list[str]
    comments: list[str]


class Seen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Up to which number the changes of a playlist were seen here."""

    playlist: str
    upto: int


class PastEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A track as it was then."""

    id: str
    position: str
    title: str
    artists: list[str]
    album: str
    duration_ms: int | None
    note: str
    added_by: str
    added_at: int


class PastView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The list as it stood at `at`, right after the change `record`."""

    playlist: str
    record: str
    at: int
    entries: list[PastEntry]


class SearchHit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry or a playlist that holds every word of the search."""

    playlist: str
    playlist_name: str
    entry: EntryView | None
    number: int | None


class ImportReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an import made, and what it had to leave out or mend."""

    playlist: str
    name: str
    entries: int
    format: str
    warnings: list[str]


class Export(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A playlist as a file; `losses` are sentences on what the format has no place for."""

    filename: str
    content: bytes
    losses: list[str]


class InviteView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An invite; the link, which carries the secret, is known only where and when it was made."""

    id: str
    playlist: str
    role: str
    expires_at: int | None
    revoked: bool
    used_by: list[str]
    link: str | None = None


class Joined(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A join was begun (`joining`: a member must be reached first) or is done (`here`)."""

    playlist: str
    state: str
    peers: list[str]
    addresses: list[str]


class ProfileView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The own device as members see it, and where its profile lies (None: in memory)."""

    peer: str
    name: str
    colour: str | None
    directory: str | None


class DeviceLink(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The own device's `whtnxt://connect/` link, and the addresses in it: none while no node runs."""

    peer: str
    link: str
    addresses: list[str]


class Remembered(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The addresses of a link are in the address book now; without any, nothing is."""

    peer: str
    addresses: list[str]


class BackupMade(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A backup was written; `key` is the copy of the device key beside it."""

    path: str
    bytes: int
    key: str | None
