"""Tracks in a playlist: add, edit, move, remove, vote, comment."""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter
from msgspec import UNSET

from whatnext.cli.arguments import (
    Album,
    Artists,
    Duration,
    EntryRef,
    EntryRefs,
    Given,
    Isrc,
    Links,
    Mbid,
    Note,
    PlaylistRef,
)
from whatnext.cli.commands.playlists import change
from whatnext.cli.lines import tracks_of
from whatnext.cli.words import duration_ms
from whatnext.errors import UserError
from whatnext.playlists import requests
from whatnext.playlists.views import Changed


def add(
    playlist: PlaylistRef,
    title: Annotated[
        str, Parameter(help="The title; - reads lines “Artist - Title”.", allow_leading_hyphen=True)
    ],
    *,
    artist: Artists = None,
    album: Album = None,
    duration: Duration = None,
    isrc: Isrc = None,
    mbid: Mbid = None,
    link: Links = None,
    note: Note = None,
    after: Annotated[str | None, Parameter(help="Put it behind this track.")] = None,
    first: Annotated[bool, Parameter(negative=(), help="Put it first.")] = False,
    context: Given,
) -> None:
    """Add a track, or one a line from standard input with -."""
    if title == "-":
        if artist or album or duration or isrc or mbid or link or note:
            raise UserError("with - the tracks come from standard input: give no details beside it")
        tracks = tracks_of(sys.stdin)
        if not tracks:
            raise UserError("standard input held no tracks: write one a line, as in “Artist - Title”")
    else:
        track = requests.TrackInput(
            title=title,
            artists=artist or [],
            album=album or "",
            duration_ms=None if duration is None else duration_ms(duration),
            isrc=isrc,
            mbid=mbid,
            links=link or [],
            note=note or "",
        )
        tracks = [track]
    request = requests.AddTracks(playlist=playlist, tracks=tracks, after=after, first=first)
    added = context.ask("playlist.add", request, Changed)
    if not context.show(added):
        for entry in added.ids:
            context.print(entry)
        context.say("Added 1 track." if len(added.ids) == 1 else f"Added {len(added.ids)} tracks.")


def edit(
    playlist: PlaylistRef,
    entry: EntryRef,
    *,
    title: Annotated[str | None, Parameter(help="The title.")] = None,
    artist: Artists = None,
    album: Album = None,
    duration: Duration = None,
    isrc: Isrc = None,
    mbid: Mbid = None,
    link: Links = None,
    note: Note = None,
    context: Given,
) -> None:
    """Change what is said of a track; what is not named stays."""
    request = requests.EditEntry(
        playlist=playlist,
        entry=entry,
        title=UNSET if title is None else title,
        artists=UNSET if artist is None else artist,
        album=UNSET if album is None else album,
        duration_ms=UNSET if duration is None else duration_ms(duration) if duration else None,
        isrc=UNSET if isrc is None else isrc or None,
        mbid=UNSET if mbid is None else mbid or None,
        links=UNSET if link is None else link,
        note=UNSET if note is None else note,
    )
    change(context, "playlist.edit", request, "Edited")


def move(
    playlist: PlaylistRef,
    entries: EntryRefs,
    /,
    *,
    to: Annotated[int | None, Parameter(help="The number that the first of them gets.")] = None,
    after: Annotated[str | None, Parameter(help="Put them behind this track.")] = None,
    before: Annotated[str | None, Parameter(help="Put them before this track.")] = None,
    context: Given,
) -> None:
    """Move tracks; several keep their order."""
    request = requests.MoveEntries(playlist=playlist, entries=entries, to=to, after=after, before=before)
    change(context, "playlist.move", request, "Moved")


def remove(playlist: PlaylistRef, entries: EntryRefs, /, *, context: Given) -> None:
    """Remove tracks; undo brings them back."""
    change(context, "playlist.remove", requests.RemoveEntries(playlist=playlist, entries=entries), "Removed")


_VALUES: dict[str, Literal[-1, 0, 1]] = {"up": 1, "down": -1, "none": 0}


def vote(
    playlist: PlaylistRef,
    entry: EntryRef,
    vote: Annotated[
        Literal["up", "down", "none"], Parameter(help="up, down, or none to take it back.")
    ] = "up",
    *,
    context: Given,
) -> None:
    """Vote for a track or against it."""
    change(
        context, "playlist.vote", requests.Vote(playlist=playlist, entry=entry, value=_VALUES[vote]), "Voted"
    )


def comment(
    playlist: PlaylistRef,
    text: Annotated[str, Parameter(help="What to say.")],
    *,
    entry: EntryRef | None = None,
    context: Given,
) -> None:
    """Say something about a playlist, or with --entry a track."""
    request = requests.Comment(playlist=playlist, text=text, entry=entry)
    changed = change(context, "playlist.comment", request, "Said")
    if not context.as_json:
        for identifier in changed.ids:
            context.print(identifier)


def uncomment(
    playlist: PlaylistRef,
    comment: Annotated[str, Parameter(help="The comment's id, or its beginning.")],
    *,
    context: Given,
) -> None:
    """Remove a comment: your own, or any as owner or editor."""
    change(context, "playlist.uncomment", requests.Uncomment(playlist=playlist, comment=comment), "Removed")
