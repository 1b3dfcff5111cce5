"""XSPF, the XML playlist of xspf.org (version 1), read as a stream and written in the order its schema asks for.

MusicBrainz ids and ISRCs are `identifier`s, links are `location`s. What the schema has no element for stands in
`meta` elements whose `rel` is one of ours, which is what the specification has `meta` for.
A document type declaration is refused: playlists need none, entity bombs do.
"""

from xml.parsers import expat
from xml.sax.saxutils import escape

from whatnext.playlists.formats.draft import Draft, Source
from whatnext.playlists.formats.fields import (
    RECORDING_URL,
    read_date,
    read_number,
    write_date,
)
from whatnext.playlists.formats.limits import MAX_VALUE_BYTES
from whatnext.playlists.formats.model import Imported, Playlist, Track
from whatnext.playlists.formats.text import show
from whatnext.playlists.formats.tidy import RawTrack

_NAMESPACE = "http://xspf.org/ns/0/"
_META = "urn:whatnext:"
_CHUNK = 64 * 1024
_MAX_DEPTH = 64
_TRACK = ("playlist", "trackList", "track")


def parse(source: Source) -> Imported:
    """Read an XSPF file. Raises BadFile with the line."""
    return _Reader(Draft(source, "xspf")).read(source.content)


def render(playlist: Playlist) -> tuple[bytes, list[str]]:
    """Write UTF-8; nothing is lost."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<playlist version="1" xmlns="{_NAMESPACE}">']
    lines += _element("title", playlist.name, "  ")
    lines += _element("annotation", playlist.description, "  ")
    lines += [_meta("tag", tag, "  ") for tag in playlist.tags]
    lines.append("  <trackList>")
    for track in playlist.tracks:
        lines += _track_lines(track)
    lines += ["  </trackList>", "</playlist>", ""]
    return "\n".join(lines).encode(), []


class _Reader:
    """One pass over the document; `_stack` holds the open elements' names, `_texts` their text so far."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._stack: list[str] = []
        self._texts: list[str] = []
        self._rel = ""
        self._track: dict[str, list[str]] = {}
        self._since = 0
        self._head: dict[str, str] = {}
        self._tags: list[str] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def read(self, content: bytes) -> Imported:
        view = memoryview(content)
        try:
            for start in range(0, len(content), _CHUNK):
                self._parser.Parse(bytes(view[start : start + _CHUNK]), False)
                self._draft.step(start + _CHUNK, len(content))
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = f"the XML is broken ({expat.ErrorString(error.code)}) at column {error.offset + 1}"
            raise self._draft.bad(error.lineno, reason, "Fetch or export the file again") from error
        except (
            LookupError,
            ValueError,
        ) as error:  # pyexpat, for an encoding Python does not know or cannot stream
            raise self._draft.bad(
                1, "the XML's encoding is not supported", "Save the file as UTF-8"
            ) from error
        return self._draft.finish(self._head.get("title", ""), self._head.get("annotation", ""), self._tags)

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _doctype(self, *_: object) -> None:
        reason = "the file has a document type declaration, which a playlist does not need and an attack does"
        raise self._draft.bad(self._line, reason, "Remove the <!DOCTYPE …> part if you trust the file")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        if not self._stack and name != "playlist":
            reason = f"the first element is {show(name)}, an XSPF file begins with 'playlist'"
            raise self._draft.bad(self._line, reason, "Choose an XSPF playlist")
        if len(self._stack) >= _MAX_DEPTH:
            raise self._draft.bad(self._line, "elements are nested too deeply", "Choose an XSPF playlist")
        self._stack.append(name if space in {"", _NAMESPACE} else tag)
        self._texts.append("")
        self._rel = attributes.get("rel", "")
        if tuple(self._stack) == _TRACK:
            self._track, self._since = {}, self._line

    def _text(self, text: str) -> None:
        if len(self._stack) not in {2, 4} or self._stack[-1] == "trackList":
            return  # the white space between elements, and what extensions hold
        if len(self._texts[-1]) + len(text) > MAX_VALUE_BYTES:
            reason = f"the text of {show(self._stack[-1])} has more than {MAX_VALUE_BYTES:,} bytes"
            raise self._draft.bad(self._line, reason, "Shorten it in the file and import again")
        self._texts[-1] += text

    def _end(self, _: str) -> None:
        path, text = tuple(self._stack), self._texts.pop()
        name = self._stack.pop()
        if name == "meta" and self._rel.startswith(_META):
            name = self._rel
        if path == _TRACK:
            self._draft.add(self._since, self._raw())
        elif len(path) == 4 and path[:3] == _TRACK:
            self._keep(name, text)
        elif len(path) == 2 and name == _META + "tag":
            self._tags.append(text)
        elif len(path) == 2 and name in {"title", "annotation"}:
            self._head.setdefault(name, text)

    def _keep(self, name: str, text: str) -> None:
        values = self._track.setdefault(name, [])
        values.append(text)
        if len(values) > MAX_VALUE_BYTES:
            raise self._draft.bad(self._line, f"too many elements {show(name)} in one track", "Remove some")

    def _raw(self) -> RawTrack:
        first = {name: values[0] for name, values in self._track.items()}
        raw = RawTrack(
            title=first.get("title", ""), album=first.get("album", ""), note=first.get("annotation", "")
        )
        raw.artists = self._track.get(_META + "artist") or (
            (first["creator"],) if first.get("creator") else ()
        )
        raw.duration_ms = self._duration(first.get("duration", ""))
        raw.added_by = first.get(_META + "addedBy", "")
        raw.added_at = self._date(first.get(_META + "addedAt", ""))
        raw.refer(self._track.get("location", ()), self._track.get("identifier", ()))
        return raw

    def _duration(self, text: str) -> float | None:
        duration = read_number(text)
        if duration is None and text.strip():
            self._draft.warn(self._since, f"{show(text)} is no duration in milliseconds; left out")
        return duration

    def _date(self, text: str) -> int | None:
        date = read_date(text)
        if date is None and text.strip():
            self._draft.warn(self._since, f"{show(text)} is no ISO 8601 date; left out")
        return date


def _track_lines(track: Track) -> list[str]:
    lines = ["    <track>"]
    for link in track.links:
        lines += _element("location", link)
    lines += _element("identifier", RECORDING_URL + track.mbid if track.mbid else "")
    lines += _element("identifier", f"urn:isrc:{track.isrc}" if track.isrc else "")
    lines += _element("title", track.title)
    lines += _element("creator", ", ".join(track.artists))
    lines += _element("annotation", track.note)
    lines += _element("album", track.album)
    lines += _element("duration", "" if track.duration_ms is None else str(track.duration_ms))
    if len(track.artists) > 1:
        lines += [_meta("artist", artist) for artist in track.artists]
    if track.added_by is not None:
        lines.append(_meta("addedBy", track.added_by))
    if track.added_at is not None:
        lines.append(_meta("addedAt", write_date(track.added_at)))
    return [*lines, "    </track>"]


def _element(name: str, text: str, indent: str = "      ") -> list[str]:
    return [f"{indent}<{name}>{escape(text)}</{name}>"] if text else []


def _meta(rel: str, text: str, indent: str = "      ") -> str:
    return f'{indent}<meta rel="{_META}{rel}">{escape(text)}</meta>'
