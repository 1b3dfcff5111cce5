"""The values that go into and come out of a playlist file."""

import msgspec


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `duration_ms` and `added_at` (Unix time) in milliseconds, `mbid` of a MusicBrainz recording."""

    title: str
    artists: tuple[str, ...] = ()
    album: str = ""
    duration_ms: int | None = None
    isrc: str | None = None
    mbid: str | None = None
    links: tuple[str, ...] = ()
    note: str = ""
    added_by: str | None = None
    added_at: int | None = None


class Playlist(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist as files see it: names and rows in order, no ids, no votes, no members."""

    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    tracks: tuple[Track, ...] = ()


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A whole playlist read from a file, and one sentence for each thing that was odd or not kept."""

    playlist: Playlist
    format: str
    warnings: tuple[str, ...] = ()


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of a file, and one sentence for each thing the format could not carry."""

    content: bytes
    format: str
    losses: tuple[str, ...] = ()
