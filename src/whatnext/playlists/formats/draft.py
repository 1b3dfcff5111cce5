"""A playlist while its file is read: rows are tidied, limits checked, warnings collected, nothing half given."""

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath, PureWindowsPath

import msgspec

from whatnext.errors import BadFile
from whatnext.playlists.formats import limits
from whatnext.playlists.formats.model import Imported, Track
from whatnext.playlists.formats.text import show
from whatnext.playlists.formats.tidy import RawTrack, tidy_head, tidy_track

_LOCAL = re.compile(r"file:|/|~/|\\\\|[A-Za-z]:[\\/]", re.IGNORECASE)
# A UTF-8 character has at most four bytes, so shorter values than this need no exact measure.
_SURELY_SMALL = limits.MAX_VALUE_BYTES // 4 - 64

Progress = Callable[[int, int], None]


class Source(msgspec.Struct, frozen=True):
    """What a format's `parse` is given; `playlist_name` chooses where a file holds several."""

    content: bytes
    filename: str = ""
    progress: Progress | None = None
    playlist_name: str | None = None

    @property
    def stem(self) -> str:
        """The file's name without directories (of any system) and extension."""
        return PurePosixPath(PureWindowsPath(self.filename).as_posix()).stem


class Draft:
    """Collects the rows of one file; `unit` is what places are counted in: "line" or "track"."""

    def __init__(self, source: Source, format: str, unit: str = "line") -> None:  # noqa: A002
        self._source = source
        self._format = format
        self._unit = unit
        self._tracks: list[Track] = []
        self._warnings: list[str] = []
        self._unlisted = 0
        self._percent = -1

    def bad(self, at: int | None, reason: str, next_step: str) -> BadFile:
        """The refusal to raise: where, why, and what to do next; both texts are sentences without full stop."""
        place = "" if at is None else f"{self._unit.capitalize()} {at}: "
        return BadFile(f"{place}{reason}. {next_step}.")

    def warn(self, at: int | None, text: str) -> None:
        """Note something odd that was kept or left out; past 1,000 they are only counted."""
        if len(self._warnings) >= limits.MAX_WARNINGS:
            self._unlisted += 1
            return
        place = "" if at is None else f"{self._unit.capitalize()} {at}: "
        self._warnings.append(f"{place}{text}.")

    def add(self, at: int, raw: RawTrack) -> None:
        """Take the next row. Raises BadFile past the limits on tracks and values."""
        if len(self._tracks) >= limits.MAX_TRACKS:
            raise self.bad(
                at,
                f"more than {limits.MAX_TRACKS:,} tracks",
                "Split the file and import the parts as playlists",
            )
        track, faults = tidy_track(raw)
        for fault in faults:
            self.warn(at, fault)
        self._measure(at, track)
        self._tracks.append(track)

    def step(self, done: int, total: int) -> None:
        """Tell the caller how far the reading is, at most once per percent."""
        if self._source.progress is None or total <= 0:
            return
        if (percent := min(done, total) * 100 // total) > self._percent:
            self._percent = percent
            self._source.progress(min(done, total), total)

    def finish(self, name: str, description: str = "", tags: Iterable[str] = ()) -> Imported:
        """The whole playlist; without a name the file's is used. Raises BadFile if the head is over a limit."""
        playlist = tidy_head(name, description, tags, self._tracks)
        if not playlist.name:
            playlist = tidy_head(self._source.stem or "Imported playlist", description, tags, self._tracks)
        if len(playlist.name) > limits.MAX_NAME_CHARS:
            size = f"{len(playlist.name)} characters, at most {limits.MAX_NAME_CHARS} are allowed"
            raise self.bad(None, f"The playlist's name has {size}", "Shorten it in the file and import again")
        self._fits(None, "description", playlist.description)
        self._fits(None, "list of tags", playlist.tags)
        self._warn_of_paths()
        if self._unlisted:
            self._warnings.append(f"{self._unlisted} more warnings are not listed.")
        return Imported(playlist=playlist, format=self._format, warnings=tuple(self._warnings))

    def _measure(self, at: int, track: Track) -> None:
        chars = len(track.title) + len(track.album) + len(track.note) + len(track.added_by or "")
        chars += sum(map(len, track.artists)) + sum(map(len, track.links))
        if chars + 8 * (len(track.artists) + len(track.links)) < _SURELY_SMALL:
            return
        for field in ("title", "album", "artists", "links", "note", "added_by"):
            self._fits(at, field.replace("_", " "), getattr(track, field))
        if (size := len(msgspec.msgpack.encode(track))) > limits.MAX_TRACK_BYTES:
            reason = (
                f"the track {show(track.title)} has {size:,} bytes, at most {limits.MAX_TRACK_BYTES:,} fit"
            )
            raise self.bad(at, reason, "Shorten its note or links and import again")

    def _fits(self, at: int | None, field: str, value: object) -> None:
        size = len(msgspec.msgpack.encode(value))
        if size > limits.MAX_VALUE_BYTES:
            reason = f"the {field} has {size:,} bytes, at most {limits.MAX_VALUE_BYTES:,} are allowed"
            raise self.bad(at, reason, "Shorten it in the file and import again")

    def _warn_of_paths(self) -> None:
        paths = sum(1 for track in self._tracks if any(map(_LOCAL.match, track.links)))
        if paths:
            tracks = "track names a file" if paths == 1 else "tracks name files"
            self.warn(None, f"{paths} {tracks} on this device; members of the playlist will see the path")
