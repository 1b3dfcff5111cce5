"""Playlist files: import and export as bytes, nothing read or written here.

`parse` turns a file's bytes into a whole playlist or raises; `render` turns a playlist into a file's bytes and says
what that format cannot carry. `docs/formats.md` lists what each format keeps.
"""

from importlib import import_module

from whatnext.errors import UserError
from whatnext.playlists.formats.draft import Progress, Source
from whatnext.playlists.formats.model import Exported, Imported, Playlist, Track
from whatnext.playlists.formats.table import FORMATS, Format, detect, find_format
from whatnext.playlists.formats.text import check_bytes
from whatnext.playlists.formats.tidy import tidy_playlist

__all__ = [
    "FORMATS",
    "Exported",
    "Format",
    "Imported",
    "Playlist",
    "Progress",
    "Track",
    "detect",
    "find_format",
    "parse",
    "render",
]


def parse(
    content: bytes,
    *,
    filename: str = "",
    format: str | None = None,  # noqa: A002
    progress: Progress | None = None,
    playlist_name: str | None = None,
) -> Imported:
    """Read a playlist file; `format` is told by `detect` if None.

    `filename` names a playlist that has no name of its own. `progress(done, total)` is called about once per percent
    with growing `done`. `playlist_name` chooses where a file holds several playlists (iTunes).

    Raises BadFile with the line and the reason, Ambiguous or NotFound for a choice of playlist, UserError for an
    unknown format.
    """
    check_bytes(content)
    found = find_format(format) if format else FORMATS[detect(filename, content)]
    source = Source(content=content, filename=filename, progress=progress, playlist_name=playlist_name)
    imported: Imported = import_module(f"{__name__}.{found.module}").parse(source)
    return imported


def render(playlist: Playlist, format: str) -> Exported:  # noqa: A002
    """Write a playlist file. Raises UserError for an unknown format or one that is only read."""
    found = find_format(format)
    if not found.can_export:
        writable = ", ".join(entry.name for entry in FORMATS.values() if entry.can_export)
        raise UserError(f"{found.label} is only read, not written. Choose one of: {writable}.")
    tidied, losses = tidy_playlist(playlist)
    content, lost = import_module(f"{__name__}.{found.module}").render(tidied)
    return Exported(content=content, format=found.name, losses=(*losses, *lost))
