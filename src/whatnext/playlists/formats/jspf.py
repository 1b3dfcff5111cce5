"""JSPF, XSPF as JSON, with ListenBrainz's conventions (https://musicbrainz.org/doc/jspf).

A track's `identifier` is its MusicBrainz recording address; `extension` is keyed by URI: ListenBrainz's for who added
a track, when, and its artists one by one; ours for the playlist's tags. Old files hold one identifier, not a list.
"""

import json
from typing import Any

from whatnext.playlists.formats.draft import Draft, Source
from whatnext.playlists.formats.fields import (
    RECORDING_URL,
    read_date,
    read_number,
    write_date,
)
from whatnext.playlists.formats.model import Imported, Playlist, Track
from whatnext.playlists.formats.text import decode, show
from whatnext.playlists.formats.tidy import RawTrack

_OF_TRACK = "https://musicbrainz.org/doc/jspf#track"
_OURS = "urn:whatnext:playlist"


def parse(source: Source) -> Imported:
    """Read a JSPF file. Raises BadFile with the line where the JSON breaks, or the track that is no track."""
    text, _ = decode(source.content)
    draft = Draft(source, "jspf", "track")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"Line {error.lineno}: the JSON is broken ({error.msg}) at column {error.colno}"
        raise draft.bad(None, reason, "Fetch or export the file again") from error
    except (ValueError, RecursionError) as error:
        reason = "The JSON is nested too deeply or holds a number too long to read"
        raise draft.bad(None, reason, "Choose a JSPF playlist") from error
    playlist = document.get("playlist") if isinstance(document, dict) else None
    if not isinstance(playlist, dict) or not isinstance(playlist.get("track", []), list):
        reason = "Line 1: the JSON is no JSPF playlist: an object 'playlist' with a list 'track' is missing"
        raise draft.bad(None, reason, "Choose a JSPF playlist")
    reader = _Reader(draft)
    tracks = playlist.get("track", [])
    for number, track in enumerate(tracks, 1):
        draft.step(number, len(tracks))
        reader.track(number, track)
    return reader.finish(playlist)


def render(playlist: Playlist) -> tuple[bytes, list[str]]:
    """Write indented UTF-8; nothing is lost."""
    head: dict[str, Any] = {"title": playlist.name}
    if playlist.description:
        head["annotation"] = playlist.description
    if playlist.tags:
        head["extension"] = {_OURS: {"tags": list(playlist.tags)}}
    head["track"] = [_track(track) for track in playlist.tracks]
    return (json.dumps({"playlist": head}, ensure_ascii=False, indent=2) + "\n").encode(), []


class _Reader:
    """Turns JSON values into tracks; `_at` is the track being read, None in the playlist's head."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._at: int | None = None

    def track(self, number: int, track: object) -> None:
        self._at = number
        if not isinstance(track, dict):
            raise self._wrong("the track", track, "an object")
        raw = RawTrack(
            title=self._text(track, "title"),
            album=self._text(track, "album"),
            note=self._text(track, "annotation"),
        )
        creator = self._text(track, "creator")
        extension = self._extension(track, _OF_TRACK)
        raw.artists = self._credits(extension) or ((creator,) if creator else ())
        raw.duration_ms = self._duration(track.get("duration"))
        raw.added_by = self._text(extension, "added_by")
        raw.added_at = self._date(self._text(extension, "added_at"))
        raw.refer(self._texts(track, "location"), self._texts(track, "identifier"))
        self._draft.add(number, raw)

    def finish(self, playlist: dict[str, Any]) -> Imported:
        self._at = None
        tags = self._texts(self._extension(playlist, _OURS), "tags")
        return self._draft.finish(self._text(playlist, "title"), self._text(playlist, "annotation"), tags)

    def _extension(self, of: dict[str, Any], uri: str) -> dict[str, Any]:
        """One extension's object; JSPF proper puts it in a list, ListenBrainz does not."""
        extensions = of.get("extension") or {}
        if not isinstance(extensions, dict):
            raise self._wrong("'extension'", extensions, "an object keyed by URI")
        found = extensions.get(uri) or {}
        if isinstance(found, list):
            found = found[0] if found else {}
        if not isinstance(found, dict):
            raise self._wrong(f"the extension {uri}", found, "an object")
        return found

    def _credits(self, extension: dict[str, Any]) -> list[str]:
        metadata = extension.get("additional_metadata")
        artists = metadata.get("artists") if isinstance(metadata, dict) else None
        if not isinstance(artists, list):
            return []
        return [self._text(artist, "artist_credit_name") for artist in artists if isinstance(artist, dict)]

    def _text(self, of: dict[str, Any], key: str) -> str:
        value = of.get(key)
        if value is None:
            return ""
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
        raise self._wrong(f"'{key}'", value, "text")

    def _texts(self, of: dict[str, Any], key: str) -> list[str]:
        value = of.get(key)
        values = value if isinstance(value, list) else [value]
        return [self._text({key: item}, key) for item in values if item is not None]

    def _duration(self, value: object) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        duration = read_number(value) if isinstance(value, str) else None
        if duration is None and value not in (None, ""):
            self._draft.warn(self._at, f"{show(value)} is no duration in milliseconds; left out")
        return duration

    def _date(self, text: str) -> int | None:
        date = read_date(text)
        if date is None and text.strip():
            self._draft.warn(self._at, f"{show(text)} is no ISO 8601 date; left out")
        return date

    def _wrong(self, what: str, value: object, wanted: str) -> Exception:
        return self._draft.bad(
            self._at, f"{what} is {show(value)} instead of {wanted}", "Correct it in the file"
        )


def _track(track: Track) -> dict[str, Any]:
    identifiers = [RECORDING_URL + track.mbid] if track.mbid else []
    identifiers += [f"urn:isrc:{track.isrc}"] if track.isrc else []
    extension: dict[str, Any] = {}
    if track.added_by is not None:
        extension["added_by"] = track.added_by
    if track.added_at is not None:
        extension["added_at"] = write_date(track.added_at)
    if len(track.artists) > 1:
        extension["additional_metadata"] = {"artists": _joined(track.artists)}
    values = {
        "identifier": identifiers,
        "title": track.title,
        "creator": ", ".join(track.artists),
        "album": track.album,
        "duration": track.duration_ms,
        "annotation": track.note,
        "location": list(track.links),
        "extension": {_OF_TRACK: extension} if extension else None,
    }
    return {key: value for key, value in values.items() if value not in (None, "", [])}


def _joined(artists: tuple[str, ...]) -> list[dict[str, str]]:
    """Each artist with the words before the next one, as ListenBrainz spells a credit of several."""
    last = len(artists) - 1
    return [
        {"artist_credit_name": artist, "join_phrase": "" if number == last else ", "}
        for number, artist in enumerate(artists)
    ]
