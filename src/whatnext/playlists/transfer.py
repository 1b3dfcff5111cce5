"""Playlists from and to files: all of a file or nothing, and a sentence for what could not be kept."""

import re
import unicodedata

from whatnext.playlists import creating, editing, formats, nearby, references, values, viewing
from whatnext.playlists.batches import in_batches
from whatnext.playlists.formats import Playlist, Track
from whatnext.playlists.formats.text import show
from whatnext.playlists.requests import CreatePlaylist, ExportPlaylist, ImportPlaylist, TrackInput
from whatnext.playlists.service import Playlists
from whatnext.playlists.views import EntryView, Export, ImportReport
from whatnext.records import ids, schema
from whatnext.records.codec import Write

_MAX_FILENAME = 80


def import_(here: Playlists, asked: ImportPlaylist) -> ImportReport:
    """Read a file into a new playlist, or to the end of an existing one: one transaction."""
    into = None if asked.into is None else references.playlist(here, asked.into)
    imported = formats.parse(asked.content, filename=asked.filename, format=asked.format)
    warnings = list(imported.warnings)
    tracks = [_fitting(track, number, warnings) for number, track in enumerate(imported.playlist.tracks, 1)]
    if any(track.added_by or track.added_at is not None for track in imported.playlist.tracks):
        warnings.append("Who added a track and when is not taken over: all count as added by you now.")
    fields = [editing.entry_fields(track) for track in tracks]
    listed = [] if into is None else nearby.end(here, into, first=False)
    writes, _ = editing.adding(here, listed, len(listed), fields) if fields else ([], [])
    if into is None:
        into = _begin(here, asked.name, imported.playlist, writes, warnings)
    elif writes:
        here.write(into, writes, [])
    return ImportReport(
        playlist=ids.to_text(into),
        name=values.text_of(viewing.head(here, into), "name"),
        entries=len(tracks),
        format=imported.format,
        warnings=warnings,
    )


def export(here: Playlists, asked: ExportPlaylist) -> Export:
    """Write a playlist as a file."""
    view = viewing.show(here, asked)
    names = {member.peer: member.name for member in view.members}
    playlist = Playlist(
        name=view.name,
        description=view.description,
        tags=tuple(view.tags),
        tracks=tuple(_track(entry, names) for entry in view.entries),
    )
    written = formats.render(playlist, asked.format)
    losses = list(written.losses)
    votes = sum(len(entry.voters) for entry in view.entries)
    if votes or view.comments:
        losses.append(f"Votes ({votes}) and comments ({len(view.comments)}) stay in WhatNext.")
    extension = formats.find_format(written.format).extensions[0]
    return Export(filename=_filename(view.name) + extension, content=written.content, losses=losses)


def _begin(
    here: Playlists, name: str | None, playlist: Playlist, writes: list[Write], warnings: list[str]
) -> bytes:
    if len(playlist.tags) > schema.MAX_LIST:
        warnings.append(
            f"{len(playlist.tags) - schema.MAX_LIST} tags were left out: {schema.MAX_LIST} are kept."
        )
    head = CreatePlaylist(
        name=name if name is not None else playlist.name,
        description=playlist.description,
        tags=list(playlist.tags[: schema.MAX_LIST]),
    )
    return here.library.create(creating.first_writes(here, head), *in_batches(writes))


def _fitting(track: Track, number: int, warnings: list[str]) -> TrackInput:
    """The track within what a record can hold; what had to be cut is told."""

    def cut(text: str, what: str) -> str:
        if len(text) <= schema.MAX_NAME:
            return text
        warnings.append(f"Track {number}: {what} {show(text)} was cut to {schema.MAX_NAME} characters.")
        return text[: schema.MAX_NAME].strip()

    def few(items: tuple[str, ...], what: str) -> tuple[str, ...]:
        if len(items) > schema.MAX_LIST:
            warnings.append(f"Track {number}: of {len(items)} {what} the first {schema.MAX_LIST} are kept.")
        return items[: schema.MAX_LIST]

    links = tuple(link for link in track.links if len(link) <= values.MAX_LINK)
    if len(links) < len(track.links):
        warnings.append(f"Track {number}: a link of more than {values.MAX_LINK} characters was left out.")
    duration = track.duration_ms
    if duration is not None and duration > values.MAX_DURATION_MS:
        warnings.append(f"Track {number}: a duration of {duration:,} milliseconds was left out.")
        duration = None
    return TrackInput(
        title=cut(track.title, "the title"),
        artists=[cut(artist, "the artist") for artist in few(track.artists, "artists")],
        album=cut(track.album, "the album"),
        duration_ms=duration,
        isrc=track.isrc,
        mbid=track.mbid,
        links=list(few(links, "links")),
        note=track.note,
    )


def _track(entry: EntryView, names: dict[str, str | None]) -> Track:
    return Track(
        title=entry.title,
        artists=tuple(entry.artists),
        album=entry.album,
        duration_ms=entry.duration_ms,
        isrc=entry.isrc,
        mbid=entry.mbid,
        links=tuple(entry.links),
        note=entry.note,
        added_by=names.get(entry.added_by) or entry.added_by,
        added_at=entry.added_at,
    )


def _filename(name: str) -> str:
    """A name that every file system takes: letters and digits of any script, joined by hyphens."""
    plain = unicodedata.normalize("NFC", name)
    return re.sub(r"[\W_]+", "-", plain)[:_MAX_FILENAME].strip("-") or "playlist"
