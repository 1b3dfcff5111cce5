"""Playlists as a whole: make, list, show, name, tag, find, look back, take back, give up."""

from typing import Annotated, Literal

from cyclopts import Parameter

from whatnext.cli.arguments import EntryRef, Given, Limit, PlaylistRef
from whatnext.cli.context import Context
from whatnext.cli.tables import print_table
from whatnext.cli.words import clock, moment, short
from whatnext.playlists import requests
from whatnext.playlists.views import Changed, HistoryItem, PlaylistSummary, PlaylistView, SearchHit

Description = Annotated[str, Parameter(help="What it is about.")]
Tags = Annotated[list[str], Parameter(help="Tags to add.", consume_multiple=True)]


def create(
    name: Annotated[str, Parameter(help="Its name.")],
    *,
    description: Description = "",
    tag: Annotated[list[str] | None, Parameter(help="A tag; repeat it for several.")] = None,
    context: Given,
) -> None:
    """Begin a playlist that this device owns."""
    request = requests.CreatePlaylist(name=name, description=description, tags=tag or [])
    made = context.ask("playlist.create", request, PlaylistSummary)
    if not context.show(made):
        context.print(made.id)
        context.say(
            f'Made “{made.name}”. Add tracks: whatnext playlist add {short(made.id)} "Title" --artist …'
        )


def list_(*, context: Given) -> None:
    """List the playlists on this device."""
    found = context.ask("playlist.list", requests.Nothing(), list[PlaylistSummary])
    if context.show(found):
        return
    if not found:
        context.say("No playlists yet. Begin one: whatnext playlist create NAME; or: whatnext join LINK")
    rows = [
        (short(p.id), p.name, p.role or p.state, str(p.entries), clock(p.duration_ms), str(p.members))
        for p in found
    ]
    columns = ("ID", "NAME", "ROLE", "TRACKS", "LENGTH", "MEMBERS")
    print_table(columns, rows, frozenset({"TRACKS", "LENGTH", "MEMBERS"}))


def show(playlist: PlaylistRef, *, context: Given) -> None:
    """Show a playlist.

    With --json the same bytes on every device that has the same changes.
    """
    view = context.ask("playlist.show", requests.OfPlaylist(playlist=playlist), PlaylistView)
    if context.show(view):
        return
    length = clock(sum(entry.duration_ms or 0 for entry in view.entries))
    context.print(f"{view.name} · {len(view.entries)} tracks · {length} · {short(view.id)}")
    if view.description:
        context.print(view.description)
    if view.tags:
        context.print("tags: " + ", ".join(view.tags))
    said: dict[str | None, int] = {}
    for comment in view.comments:
        said[comment.entry_id] = said.get(comment.entry_id, 0) + 1
    rows = [
        (
            str(number),
            entry.title,
            ", ".join(entry.artists),
            entry.album,
            clock(entry.duration_ms),
            f"{entry.votes:+d}" if entry.voters else "",
            str(said.get(entry.id, "")),
        )
        for number, entry in enumerate(view.entries, 1)
    ]
    columns = ("#", "TITLE", "ARTISTS", "ALBUM", "LENGTH", "VOTES", "COMMENTS")
    print_table(columns, rows, frozenset({"#", "LENGTH", "VOTES", "COMMENTS"}))
    names = {member.peer: member.name or member.peer[-6:] for member in view.members}
    for comment in view.comments:
        if comment.entry_id is None:
            context.print(f"{names.get(comment.author, comment.author[-6:])}: {comment.text}")


def rename(
    playlist: PlaylistRef, name: Annotated[str, Parameter(help="The new name.")], *, context: Given
) -> None:
    """Give a playlist another name."""
    change(context, "playlist.rename", requests.RenamePlaylist(playlist=playlist, name=name), "Renamed")


def describe(playlist: PlaylistRef, description: Description, *, context: Given) -> None:
    """Say what a playlist is about; an empty text takes it away."""
    request = requests.DescribePlaylist(playlist=playlist, description=description)
    change(context, "playlist.describe", request, "Described")


def tag(
    playlist: PlaylistRef,
    tags: Tags | None = None,
    /,
    *,
    remove: Annotated[list[str] | None, Parameter(help="A tag to take away; repeat it for several.")] = None,
    context: Given,
) -> None:
    """Add tags to a playlist, and take some away."""
    request = requests.TagPlaylist(playlist=playlist, add=tags or [], remove=remove or [])
    change(context, "playlist.tag", request, "Tagged")


def set_(
    playlist: PlaylistRef,
    *,
    mode: Annotated[
        Literal["free", "turns", "votes"] | None, Parameter(help="How the queue is ordered.")
    ] = None,
    cover: Annotated[
        str | None, Parameter(help="The cover's colour, as #rrggbb; empty takes it away.")
    ] = None,
    context: Given,
) -> None:
    """Choose the mode and the cover of a playlist."""
    change(context, "playlist.set", requests.SetPlaylist(playlist=playlist, mode=mode, cover=cover), "Set")


def history(
    playlist: PlaylistRef,
    *,
    limit: Limit = 50,
    entry: EntryRef | None = None,
    context: Given,
) -> None:
    """Show who did what when, newest first."""
    request = requests.ShowHistory(playlist=playlist, limit=limit, entry=entry)
    items = context.ask("playlist.history", request, list[HistoryItem])
    if context.show(items):
        return
    rows = [
        (
            short(item.record),
            moment(item.at),
            item.name or item.peer[-6:],
            item.what,
            "undone" if item.undone else "",
        )
        for item in items
    ]
    print_table(("CHANGE", "WHEN", "WHO", "WHAT", ""), rows)
    if items:
        context.say(f"Take one back: whatnext playlist undo {playlist} CHANGE")


def undo(
    playlist: PlaylistRef,
    record: Annotated[str | None, Parameter(help="The change, from the history; else your newest.")] = None,
    *,
    context: Given,
) -> None:
    """Take back a change: your newest one, or any of the history."""
    change(context, "playlist.undo", requests.Undo(playlist=playlist, record=record), "Taken back")


def search(
    text: Annotated[list[str], Parameter(help="Words that all must be there.", consume_multiple=True)],
    /,
    *,
    limit: Limit = 50,
    context: Given,
) -> None:
    """Find tracks and playlists on this device."""
    hits = context.ask("playlist.search", requests.Search(text=" ".join(text), limit=limit), list[SearchHit])
    if context.show(hits):
        return
    rows = [
        (short(h.playlist), h.playlist_name, "", "", "")
        if h.entry is None
        else (
            short(h.playlist),
            h.playlist_name,
            str(h.number or ""),
            h.entry.title,
            ", ".join(h.entry.artists),
        )
        for h in hits
    ]
    print_table(("ID", "PLAYLIST", "#", "TITLE", "ARTISTS"), rows, frozenset({"#"}))
    if not hits:
        context.say("Nothing here holds all of these words.")


def delete(playlist: PlaylistRef, *, context: Given) -> None:
    """Delete a playlist for everybody; only its owner can."""
    change(context, "playlist.delete", requests.OfPlaylist(playlist=playlist), "Deleted")


def leave(playlist: PlaylistRef, *, context: Given) -> None:
    """Leave a playlist; it stays with the others."""
    change(context, "playlist.leave", requests.OfPlaylist(playlist=playlist), "Left")


def change(context: Context, operation: str, request: requests.Request, done: str) -> Changed:
    """Make a change and say in a word that it is durable."""
    changed = context.ask(operation, request, Changed)
    if not context.show(changed):
        context.say(f"{done}." if changed.record else "Nothing to change: it is so already.")
        for note in changed.notes:
            context.say(note)
    return changed
