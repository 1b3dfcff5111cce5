"""Markdown with YAML front matter (`name`, `description`, `tags`) and a numbered list people can read.

    1. **Title** — First artist, Second artist · *Album* · 3:45
       - isrc: USUM71703861
       - link: <https://example.org/track>

Items that are not in this form ("1. Artist - Title (3:45)", "- Title") are read as well as they can be.
"""

import re

from whatnext.playlists.formats import inline
from whatnext.playlists.formats.draft import Draft, Source
from whatnext.playlists.formats.fields import file_title, read_clock, read_date, write_clock, write_date
from whatnext.playlists.formats.frontmatter import read_front, write_front
from whatnext.playlists.formats.model import Imported, Playlist, Track
from whatnext.playlists.formats.text import decode, show
from whatnext.playlists.formats.tidy import RawTrack

_ITEM = re.compile(r"(?:[0-9]{1,9}[.)]|[-*+])[ \t]+(.*)")
_DETAIL = re.compile(r"([ \t]+)[-*+][ \t]+(.*)")
_KEY = re.compile(r"([A-Za-z][A-Za-z -]{0,19}):(?:[ \t]+(.*)|$)")
_CLOCK_AT_END = re.compile(r"(.*)[(\[]([0-9:.]{4,20})[)\]]")
# One space each side: with `\s+` a line of spaces takes minutes.
_DASH = re.compile(r"\s[—–-]\s")
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)>")
_LINKED = re.compile(r"\[[^\]]*\]\(<?([^\s<>]*)>?\)")


def parse(source: Source) -> Imported:
    """Read a Markdown list. Raises BadFile with the line."""
    text, _ = decode(source.content)
    draft = Draft(source, "markdown")
    lines = re.split("\r\n|\n|\r", text)
    name, description, tags, start = read_front(lines, draft)
    reader = _Reader(draft)
    for number, line in enumerate(lines[start:], start + 1):
        draft.step(number, len(lines))
        reader.line(number, line)
    return reader.finish(name, description, tags, has_front=start > 0)


def render(playlist: Playlist) -> tuple[bytes, list[str]]:
    """Write UTF-8 with Unix line ends; nothing is lost."""
    lines = write_front(playlist)
    if playlist.name:
        lines += [f"# {inline.escape(playlist.name)}", ""]
    for number, track in enumerate(playlist.tracks, 1):
        lines += _item(number, track)
    return ("\n".join(lines) + "\n").encode(), []


class _Reader:
    """Reads line by line; `_raw` is the item being read, `_detail` its key, indent and lines so far."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._heading = ""
        self._raw: RawTrack | None = None
        self._since = 0
        self._links: list[str] = []
        self._detail: tuple[int, str, int, list[str]] | None = None
        self._any = False
        self._other = 0
        self._first_other = 0

    def line(self, number: int, line: str) -> None:
        if self._detail and _continues(self._detail[3][-1]):
            self._detail[3].append(_dedent(line, self._detail[2]))
            return
        self._end_detail()
        if not line.strip():
            return
        if found := _ITEM.fullmatch(line):
            self._end_item()
            self._any, self._since = True, number
            self._raw = self._item(number, found[1].strip())
        elif self._raw and (found := _DETAIL.fullmatch(line)):
            self._begin_detail(number, len(found[1]) + 2, found[2])
        elif line.startswith("# ") and not self._heading and not self._any:
            self._heading = inline.unescape(line[2:].strip())
        else:
            self._other += 1
            self._first_other = self._first_other or number

    def finish(self, name: str, description: str, tags: list[str], *, has_front: bool) -> Imported:
        self._end_detail()
        self._end_item()
        if not self._any and not has_front:
            raise self._draft.bad(1, "no list of tracks and no front matter", "Choose a playlist in Markdown")
        if self._other:
            lines = "1 line is" if self._other == 1 else f"{self._other} lines are"
            self._draft.warn(self._first_other, f"{lines} no list item; not kept")
        return self._draft.finish(name or self._heading, description, tags)

    def _item(self, number: int, text: str) -> RawTrack:
        if not text.startswith("**"):
            return _loose(text)
        end = inline.find(text, "**", 2)
        if end < 0:
            reason = f"the title that begins {show(text)} is not closed by **"
            raise self._draft.bad(number, reason, "Close it, or fetch the file again if it was cut off")
        raw = RawTrack(title=inline.unescape(text[2:end]))
        credit, *rest = text[end + 2 :].split(" · ")
        artists = credit.strip().removeprefix("—").strip()
        raw.artists = [inline.unescape(artist) for artist in inline.split(artists, ",")]
        for part in map(str.strip, rest):
            if (clock := read_clock(part)) is not None:
                raw.duration_ms = clock
            elif part.startswith("*") and part.endswith("*") and len(part) > 1:
                raw.album = inline.unescape(part[1:-1])
            else:
                self._draft.warn(number, f"{show(part)} is neither an *album* nor a duration; left out")
        return raw

    def _begin_detail(self, number: int, indent: int, text: str) -> None:
        found = _KEY.fullmatch(text)
        if not found:
            self._draft.warn(number, f"{show(text)} is not known about a track; left out")
            return
        self._detail = (number, found[1].lower(), indent, [found[2] or ""])

    def _end_detail(self) -> None:
        if self._detail is None or self._raw is None:
            return
        number, key, _, lines = self._detail
        self._detail = None
        text = "\n".join(inline.unescape(line[:-1] if _continues(line) else line) for line in lines)
        match key:
            case "isrc":
                self._raw.isrc = text
            case "mbid" | "musicbrainz":
                self._raw.mbid = _address(lines[0])
            case "link" | "url":
                self._links.append(_address(lines[0]))
            case "note" | "added by" | "album":
                setattr(self._raw, key.replace(" ", "_"), text)
            case "added at" | "added":
                self._raw.added_at = read_date(text)
                if self._raw.added_at is None:
                    self._draft.warn(number, f"{show(text)} is no ISO 8601 date; left out")
            case _:
                self._draft.warn(number, f"{show(key)} is not known about a track; left out")

    def _end_item(self) -> None:
        if self._raw is None:
            return
        raw, self._raw = self._raw, None
        raw.links, self._links = self._links, []
        raw.stand_in = file_title(raw.links[0]) if raw.links else ""
        self._draft.add(self._since, raw)


def _loose(text: str) -> RawTrack:
    """An item somebody typed: `Artist - Title (3:45)`, a link around it allowed."""
    raw = RawTrack()
    if (found := _CLOCK_AT_END.fullmatch(text)) and found[1].strip():
        raw.duration_ms = read_clock(found[2])
        text = found[1] if raw.duration_ms is not None else text
    artist, *title = _DASH.split(text, maxsplit=1)
    raw.title = inline.unescape(title[0] if title else artist)
    raw.artists = [inline.unescape(artist)] if title else []
    return raw


def _continues(line: str) -> bool:
    """Whether a line ends in Markdown's hard line break: a backslash that is not itself escaped."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _dedent(line: str, indent: int) -> str:
    return line[min(indent, len(line) - len(line.lstrip(" "))) :]


def _address(text: str) -> str:
    text = text.strip()
    found = _AUTOLINK.fullmatch(text) or _LINKED.fullmatch(text)
    return found[1] if found else inline.unescape(text)


def _item(number: int, track: Track) -> list[str]:
    mark = f"{number}. "
    line = f"{mark}**{inline.escape(track.title)}**"
    if track.artists:
        line += " — " + ", ".join(inline.escape(artist, also=",") for artist in track.artists)
    if track.album:
        line += f" · *{inline.escape(track.album)}*"
    if track.duration_ms is not None:
        line += f" · {write_clock(track.duration_ms)}"
    details = [("isrc", track.isrc or ""), ("mbid", track.mbid or "")]
    details += [("link", _link(link)) for link in track.links]
    details += [("added by", inline.escape(track.added_by or ""))]
    details += [("added at", "" if track.added_at is None else write_date(track.added_at))]
    indent = " " * len(mark)
    lines = [line, *(f"{indent}- {key}: {text}" for key, text in details if text)]
    return lines + _note(track.note, indent) if track.note else lines


def _link(link: str) -> str:
    return f"<{link}>" if _AUTOLINK.fullmatch(f"<{link}>") else inline.escape(link)


def _note(note: str, indent: str) -> list[str]:
    first, *rest = map(inline.escape_block, note.split("\n"))
    lines = [f"{indent}- note: {first}", *(f"{indent}  {line}" for line in rest)]
    return [line + "\\" for line in lines[:-1]] + lines[-1:]
