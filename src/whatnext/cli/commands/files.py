"""Playlist files: import and export."""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whatnext.cli.arguments import Given, InputFile, PlaylistRef
from whatnext.cli.progress import reading, working
from whatnext.cli.words import short
from whatnext.errors import BadFile, StoreUnwritable, UserError
from whatnext.playlists import requests
from whatnext.playlists.views import Export, ImportReport

STDIO = Path("-")
DEFAULT_FORMAT = "m3u8"


def import_(
    file: InputFile,
    *,
    format: Annotated[str | None, Parameter(help="Its format, where name and content do not tell.")] = None,  # noqa: A002
    name: Annotated[str | None, Parameter(help="The new playlist's name; else the file's own.")] = None,
    into: Annotated[str | None, Parameter(help="Add to the end of this playlist instead.")] = None,
    context: Given,
) -> None:
    """Read a playlist file: M3U8, XSPF, JSPF, CSV, iTunes XML, Markdown.

    All of it is added or, with the reason, nothing.
    """
    content = _content(file)
    filename = "" if file == STDIO else file.name
    reading(content, filename, format)
    request = requests.ImportPlaylist(content=content, filename=filename, format=format, name=name, into=into)
    with working("writing"):
        report = context.ask("playlist.import", request, ImportReport)
    if context.show(report):
        return
    context.print(report.playlist)
    for warning in report.warnings:
        context.say(f"note: {warning}")
    tracks = "1 track" if report.entries == 1 else f"{report.entries} tracks"
    context.say(f"Imported {tracks} into “{report.name}” ({report.format}).")
    context.say(f"Share it: whatnext invite {short(report.playlist)}")


def export(
    playlist: PlaylistRef,
    file: Annotated[
        Path, Parameter(help="Where to; - or nothing is standard output.", allow_leading_hyphen=True)
    ] = STDIO,
    *,
    format: Annotated[str | None, Parameter(help="Its format; else by the file's ending, or m3u8.")] = None,  # noqa: A002
    force: Annotated[bool, Parameter(negative=(), help="Replace the file if it is there.")] = False,
    context: Given,
) -> None:
    """Write a playlist as a file: M3U8, XSPF, JSPF, CSV, Markdown.

    What the format has no place for is said.
    """
    wanted = format or file.suffix.lstrip(".") or DEFAULT_FORMAT
    if file != STDIO:
        check_free(file, force=force)
    exported = context.ask(
        "playlist.export", requests.ExportPlaylist(playlist=playlist, format=wanted), Export
    )
    if context.show(exported):
        return
    if file == STDIO:
        context.write(exported.content)
    else:
        _replace(file, exported.content)
        context.say(f"Wrote {file}.")
    for loss in exported.losses:
        context.say(f"note: {loss}")


def check_free(file: Path, *, force: bool) -> None:
    """Refuse a file that is there, unless it may be replaced; raises `UserError`."""
    if file.exists() and not force:
        raise UserError(f"{file} is there already: choose another name, or --force to replace it")


def _content(file: Path) -> bytes:
    if file == STDIO:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadFile(f"{file} cannot be read: {error.strerror or error}") from error


def _replace(file: Path, content: bytes) -> None:
    """Whole or not at all: a file beside it, then the name moves."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreUnwritable(f"{file} cannot be written: {error.strerror or error}") from error
