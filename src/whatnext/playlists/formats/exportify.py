"""CSV as Exportify and its forks write it; `columns.py` says which header means what.

Several artists in a cell are separated by `;` if any cell of the column has one, else by `,`; a backslash before
either makes it part of the name. A row that lists one artist URI has one artist ("Tyler, The Creator").
"""

import csv
import io
import re
from collections.abc import Iterator

import msgspec

from whatnext.playlists.formats.columns import Layout, read_header
from whatnext.playlists.formats.draft import Draft, Source
from whatnext.playlists.formats.fields import file_title, read_clock, read_date, read_number, write_date
from whatnext.playlists.formats.limits import MAX_TRACKS
from whatnext.playlists.formats.model import Imported, Playlist, Track
from whatnext.playlists.formats.text import decode, show
from whatnext.playlists.formats.tidy import RawTrack

_MAX_COLUMNS = 1_000
_SPOTIFY_ID = re.compile("[0-9A-Za-z]{22}")
_PIECE = re.compile(r"\\[\\,;]|.", re.DOTALL)
# A bare number under "Duration": three hours are not reached in seconds, ten seconds are passed in milliseconds.
_SECONDS_BELOW = 10_000
_HEADER = (
    *("Track URI", "Track Name", "Artist Name(s)", "Album Name", "Duration (ms)", "ISRC", "MusicBrainz ID"),
    *("Added By", "Added At", "Note", "Links"),
)


class _Row(msgspec.Struct):
    """One track's line: for each known field its cells that are not blank, the surest first."""

    line: int
    cells: dict[str, list[str]]

    def cell(self, field: str) -> str:
        """The surest cell of a field, or an empty text."""
        return self.cells.get(field, _NO_CELLS)[0]


_NO_CELLS = [""]


def parse(source: Source) -> Imported:
    """Read a CSV or TSV file. Raises BadFile with the line on which the broken row begins."""
    text, warnings = decode(source.content, legacy=True)
    draft = Draft(source, "csv")
    for warning in warnings:
        draft.warn(None, warning.rstrip("."))
    # Excel's hint on the separator: emptied, not cut, so that line numbers stay.
    text = re.sub(r"\Asep=[^\r\n]*", "", text, count=1, flags=re.IGNORECASE)
    layout = _layout(text, draft)
    rows = list(_rows(text, layout, draft))
    separator = ";" if any(_has_semicolon(row.cell("artists")) for row in rows) else ","
    for row in rows:
        draft.add(row.line, _raw(row, separator, draft))
    return draft.finish(_playlist_name(rows, draft))


def render(playlist: Playlist) -> tuple[bytes, list[str]]:
    """Write UTF-8 with Exportify's columns and ours after them; the playlist's own texts have no place."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_HEADER)
    writer.writerows(map(_cells, playlist.tracks))
    losses = []
    if playlist.name:
        losses.append(
            f"CSV has no place for the playlist's name: give the file the name {show(playlist.name)}."
        )
    if playlist.description:
        losses.append("CSV has no place for the playlist's description: it was left out.")
    if playlist.tags:
        losses.append(f"CSV has no place for tags: {len(playlist.tags)} left out.")
    return out.getvalue().encode(), losses


def _layout(text: str, draft: Draft) -> Layout:
    line = 1 + text[: len(text) - len(text.lstrip())].count("\n")
    try:
        layout = read_header(text.lstrip())
    except csv.Error as error:
        raise draft.bad(
            line, f"the header is broken ({error})", "Correct its quotes and import again"
        ) from error
    if "title" not in layout.columns:
        reason = "no column holds the title (known names are 'Track Name', 'Title', 'Name' and 'Song')"
        raise draft.bad(line, reason, "Give the file a header line that names its columns")
    if layout.width > _MAX_COLUMNS:
        raise draft.bad(line, f"more than {_MAX_COLUMNS:,} columns", "Choose a playlist in CSV")
    if layout.unknown:
        draft.warn(line, f"these columns are not kept: {', '.join(layout.unknown)}")
    return layout


def _rows(text: str, layout: Layout, draft: Draft) -> Iterator[_Row]:
    """The rows below the header without the blank ones."""
    reader = csv.reader(_lines(text, draft), delimiter=layout.delimiter, strict=True, skipinitialspace=True)
    following, line, count = 1, 1, -1
    fields: list[str] = []
    try:
        for fields in reader:
            line, following = following, reader.line_num + 1
            if not any(map(str.strip, fields)):
                continue
            count += 1
            if count > MAX_TRACKS:
                raise draft.bad(
                    line, f"more than {MAX_TRACKS:,} tracks", "Split the file and import the parts"
                )
            if count:
                yield _row(line, fields, layout, draft)
    except csv.Error as error:
        reason = (
            "a quoted value is not closed" if "end of data" in str(error) else f"the row is broken ({error})"
        )
        raise draft.bad(
            following, reason, "Double the quotes inside quoted values, or export it again"
        ) from error
    if count > 0 and fields and len(fields) < layout.width and not text.endswith(("\n", "\r")):
        raise draft.bad(line, "the last row ends early: the file was cut off", "Fetch or export it again")


def _lines(text: str, draft: Draft) -> Iterator[str]:
    done = 0
    for line in io.StringIO(text, newline=""):
        done += len(line)
        draft.step(done, len(text))
        yield line


def _row(line: int, fields: list[str], layout: Layout, draft: Draft) -> _Row:
    if len(fields) != layout.width:
        count = f"{len(fields)} values where the header has {layout.width} columns"
        if any(map(str.strip, fields[layout.width :])):
            raise draft.bad(
                line, count, "Put values that hold the separator in double quotes and import again"
            )
        if len(fields) < layout.width:
            draft.warn(line, f"{count}; the missing ones are taken as empty")
    cells: dict[str, list[str]] = {}
    for field, indexes in layout.columns.items():
        found = [fields[index] for index in indexes if index < len(fields) and fields[index].strip()]
        if field == "links":
            found = [_link(fields[index], index in layout.ids) for index in indexes if index < len(fields)]
        if found:
            cells[field] = found
    return _Row(line, cells)


def _link(cell: str, is_id: bool) -> str:
    return f"spotify:track:{cell}" if is_id and _SPOTIFY_ID.fullmatch(cell) else cell


def _raw(row: _Row, separator: str, draft: Draft) -> RawTrack:
    links = [link for cell in row.cells.get("links", ()) for link in cell.split("\n") if link.strip()]
    return RawTrack(
        title=row.cell("title"),
        artists=_artists(row, separator),
        album=row.cell("album"),
        duration_ms=_duration(row, draft),
        isrc=row.cell("isrc"),
        mbid=row.cell("mbid"),
        links=links,
        note=row.cell("note"),
        added_by=row.cell("added_by"),
        added_at=_date(row, draft),
        stand_in=file_title(links[0]) if links else "",
    )


def _artists(row: _Row, separator: str) -> list[str]:
    cell = row.cell("artists")
    if "\\" not in cell:
        artists = cell.split(separator)
    else:
        artists = [""]
        for piece in _PIECE.findall(cell):
            if piece == separator:
                artists.append("")
            else:
                artists[-1] += piece[1:] if len(piece) > 1 else piece
    uris = row.cell("artist_uris")
    return [cell] if len(artists) > 1 and uris and not re.search("[,;]", uris) else artists


def _has_semicolon(cell: str) -> bool:
    return ";" in cell and ";" in _PIECE.findall(cell)


def _duration(row: _Row, draft: Draft) -> float | None:
    """Milliseconds from the first duration column that has a value: exact, in seconds, or `m:ss`."""
    for field, factor in (("duration_ms", 1), ("seconds", 1000), ("clock", None)):
        if not (cell := row.cell(field)):
            continue
        if (clock := read_clock(cell)) is not None:
            return clock
        if (number := read_number(cell)) is not None:
            return number * (factor or (1000 if number < _SECONDS_BELOW else 1))
        draft.warn(row.line, f"{show(cell)} is no duration; left out")
    return None


def _date(row: _Row, draft: Draft) -> int | None:
    cell = row.cell("added_at")
    date = read_date(cell) if cell else None
    if cell and date is None:
        draft.warn(row.line, f"{show(cell)} is no ISO 8601 date; left out")
    return date


def _playlist_name(rows: list[_Row], draft: Draft) -> str:
    names = {name for row in rows if (name := row.cell("playlist").strip())}
    if len(names) > 1:
        draft.warn(None, f"The rows name {len(names)} playlists; they became one, in the file's order")
        return ""
    return names.pop() if names else ""


def _cells(track: Track) -> tuple[str, ...]:
    return (
        track.links[0] if track.links else "",
        track.title,
        ", ".join(re.sub(r"([\\,;])", r"\\\1", artist) for artist in track.artists),
        track.album,
        "" if track.duration_ms is None else str(track.duration_ms),
        track.isrc or "",
        track.mbid or "",
        track.added_by or "",
        "" if track.added_at is None else write_date(track.added_at),
        track.note,
        "\n".join(track.links[1:]),
    )
