"""Extended M3U: `#EXTM3U`, `#PLAYLIST`, `#EXTINF`, `#EXTALB`, `#EXTART`, one location a track.

What those lines cannot say exactly stands in a comment other players skip: `#WHATNEXT:` and a JSON object, before
the first track for the playlist (`description`, `tags`), after a track's `#EXTINF` for that track. It names only
the fields that reading the plain lines would not give back, so a file edited by hand keeps its meaning.
"""

import json
import re
from typing import Any

from whatnext.playlists.formats.draft import Draft, Source
from whatnext.playlists.formats.fields import RECORDING_URL, as_duration, file_title, read_number
from whatnext.playlists.formats.model import Imported, Playlist, Track
from whatnext.playlists.formats.text import decode, show
from whatnext.playlists.formats.tidy import RawTrack

_OURS = "#WHATNEXT:"
_QUOTED_OR_COMMA = re.compile(r'"[^"]*"|,')
_UNSAFE_IN_NAME = re.compile(r'[\\/:*?"<>|#%]')
_OF_TRACK = (
    "title",
    "artists",
    "album",
    "duration_ms",
    "isrc",
    "mbid",
    "links",
    "note",
    "added_by",
    "added_at",
)
_TEXTS = ("title", "album", "isrc", "mbid", "note", "added_by", "description")
_LISTS = ("artists", "links", "tags")
_NUMBERS = ("duration_ms", "added_at")


def parse(source: Source) -> Imported:
    """Read an M3U or M3U8 file. Raises BadFile with the line."""
    text, warnings = decode(source.content, legacy=source.filename.lower().endswith(".m3u"))
    draft = Draft(source, "m3u8")
    for warning in warnings:
        draft.warn(None, warning.rstrip("."))
    return _Reader(draft).read(re.split("\r\n|\n|\r", text))


def render(playlist: Playlist) -> tuple[bytes, list[str]]:
    """Write UTF-8 with Unix line ends; nothing is lost."""
    lines = ["#EXTM3U"]
    if playlist.name:
        lines.append(f"#PLAYLIST:{playlist.name}")
    head = {"description": playlist.description, "tags": playlist.tags}
    if any(head.values()):
        lines.append(_ours({field: value for field, value in head.items() if value}))
    for track in playlist.tracks:
        lines += _track_lines(track)
    return ("\n".join(lines) + "\n").encode(), []


class _Reader:
    """Reads line by line; `_pending` is the track whose location has not come yet, `_since` its first line."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._head: dict[str, Any] = {}
        self._name = ""
        self._extended = False
        self._pending: RawTrack | None = None
        self._since = 0
        self._extinf = 0
        self._ours: dict[str, Any] = {}
        self._seen = False

    def read(self, lines: list[str]) -> Imported:
        for number, line in enumerate(lines, 1):
            self._draft.step(number, len(lines))
            if stripped := line.strip():
                self._line(number, stripped)
        if self._extinf:
            raise self._no_location()
        if not self._extended and not self._seen:
            raise self._draft.bad(1, "no track and no #EXTM3U header", "Choose an M3U playlist file")
        return self._draft.finish(self._name, self._head.get("description", ""), self._head.get("tags", ()))

    def _line(self, number: int, line: str) -> None:
        if not line.startswith("#"):
            self._refuse_other_files(number, line)
            self._location(number, line)
            return
        tag, _, value = line.partition(":")
        match tag.split(maxsplit=1)[0].upper():  # `#EXTM3U url-tvg="…"` is a header too
            case "#EXTM3U":
                self._extended = True
            case "#PLAYLIST":
                self._name = self._name or value
            case "#EXTINF":
                if self._extinf:
                    raise self._no_location()
                self._extinf = number
                _extinf(self._track(number), value, number, self._draft)
            case "#EXTALB":
                self._track(number).album = value
            case "#EXTART":
                self._track(number).artists = (value,)
            case "#WHATNEXT":
                self._our_line(number, value)
            case "#EXT-X-TARGETDURATION" | "#EXT-X-STREAM-INF" | "#EXT-X-MEDIA-SEQUENCE":
                raise self._draft.bad(
                    number, "this is an HLS stream, not a list of tracks", "Choose an M3U playlist"
                )
            case _:
                pass  # comments and other players' tags

    def _track(self, number: int) -> RawTrack:
        if self._pending is None:
            self._pending, self._since = RawTrack(), number
        return self._pending

    def _our_line(self, number: int, value: str) -> None:
        try:
            said = _checked(json.loads(value))
        except (ValueError, TypeError, RecursionError) as error:
            reason = "the #WHATNEXT line is damaged: it should hold a JSON object"
            raise self._draft.bad(number, reason, "Repair or delete this line and import again") from error
        if self._extinf:
            self._ours = said
        elif not self._seen:
            self._head = said

    def _location(self, number: int, location: str) -> None:
        raw = self._track(number)
        if raw.artists and (artist := next(iter(raw.artists))) and raw.title.startswith(f"{artist} - "):
            raw.title = raw.title[len(artist) + 3 :]
        elif not raw.artists:
            raw.artists, raw.title = _split(raw.title)
        raw.links = (location,)
        stand_in = file_title(location)
        if not self._extinf:
            raw.title = stand_in
        for field, value in self._ours.items():
            if field in _OF_TRACK:
                setattr(raw, field, value)
        raw.stand_in = stand_in
        self._draft.add(self._since, raw)
        self._pending, self._extinf, self._ours, self._seen = None, 0, {}, True

    def _no_location(self) -> Exception:
        reason = "no file or address follows this #EXTINF: the list is incomplete or was cut off"
        return self._draft.bad(self._extinf, reason, "Add the location below it or fetch the file again")

    def _refuse_other_files(self, number: int, line: str) -> None:
        if not self._seen and not self._extended and line.startswith(("<", "{")):
            raise self._draft.bad(
                number, f"{show(line)} is no part of an M3U playlist", "Choose the playlist file"
            )


def _extinf(raw: RawTrack, value: str, number: int, draft: Draft) -> None:
    """`seconds[ key="value"…],[artist - ]title`; 0 and less mean an unknown duration."""
    comma = next((found.start() for found in _QUOTED_OR_COMMA.finditer(value) if found[0] == ","), -1)
    if comma < 0:
        comma = value.find(",")
    head, raw.title = (value[:comma], value[comma + 1 :].strip()) if comma >= 0 else (value, "")
    seconds = read_number((head.split() or ["-1"])[0])
    if seconds is None:
        draft.warn(number, f"{show(head)} is no number of seconds; the duration is left out")
    elif seconds > 0:
        raw.duration_ms = seconds * 1000


def _split(text: str) -> tuple[tuple[str, ...], str]:
    artist, dash, title = text.partition(" - ")
    return ((artist.strip(),), title.strip()) if dash and title.strip() else ((), text)


def _checked(said: object) -> dict[str, Any]:
    """The known fields of one of our comments. Raises TypeError for a value of the wrong type."""
    if not isinstance(said, dict):
        raise TypeError
    known: dict[str, Any] = {}
    for field, value in said.items():
        if field in _LISTS:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise TypeError
        elif field not in _TEXTS and field not in _NUMBERS:
            continue
        elif type(value) is not (str if field in _TEXTS else int):
            raise TypeError
        known[field] = value
    return known


def _ours(said: dict[str, Any]) -> str:
    return _OURS + json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _track_lines(track: Track) -> list[str]:
    credit = f"{', '.join(track.artists)} - {track.title}" if track.artists else track.title
    seconds = -1 if track.duration_ms is None else (track.duration_ms + 500) // 1000
    link = track.links[0] if track.links and not track.links[0].startswith("#") else ""
    location = link or (RECORDING_URL + track.mbid if track.mbid else _UNSAFE_IN_NAME.sub("_", credit))
    artists, title = _split(credit)
    plain = Track(
        title=title,
        artists=artists,
        album=track.album,
        duration_ms=as_duration(seconds * 1000) if seconds > 0 else None,
        links=(location,),
    )
    lines = [f"#EXTINF:{seconds},{credit}"]
    if track.album:
        lines.append(f"#EXTALB:{track.album}")
    said = {name: value for name in _OF_TRACK if (value := getattr(track, name)) != getattr(plain, name)}
    return [*lines, _ours(said), location] if said else [*lines, location]
