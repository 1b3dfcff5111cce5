"""iTunes and Apple Music: the library or playlist they export as an XML (or binary) property list. Import only."""

import plistlib
import struct
from datetime import UTC, datetime
from typing import Any
from xml.parsers.expat import ExpatError

from whatnext.errors import Ambiguous, NotFound
from whatnext.playlists.formats.draft import Draft, Source
from whatnext.playlists.formats.fields import file_title
from whatnext.playlists.formats.model import Imported
from whatnext.playlists.formats.text import show
from whatnext.playlists.formats.tidy import RawTrack

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN_NAMES = 20
# What plistlib lets through for property lists that are damaged rather than cut off.
_DAMAGE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, struct.error)


def parse(source: Source) -> Imported:
    """Read one playlist of the file: the one named, else the only or largest one that is not the whole library.

    Raises BadFile; Ambiguous where two are largest or share the name given; NotFound where none has it.
    """
    draft = Draft(source, "itunes", "track")
    library = _load(source.content, draft)
    tracks, playlists = library.get("Tracks"), library.get("Playlists")
    if not isinstance(tracks, dict) or not isinstance(playlists, list) or not playlists:
        reason = "The property list holds no 'Tracks' and 'Playlists'"
        raise draft.bad(
            None, reason, "In iTunes or Music choose File, Library, Export Playlist, and import that"
        )
    chosen = _choose([item for item in playlists if isinstance(item, dict)], source.playlist_name, draft)
    items = _items(chosen)
    for number, item in enumerate(items, 1):
        draft.step(number, len(items))
        track = tracks.get(str(item.get("Track ID"))) if isinstance(item, dict) else None
        if isinstance(track, dict):
            draft.add(number, _raw(track))
        else:
            draft.warn(number, "the file's list of tracks does not have it; left out")
    return draft.finish(_text(chosen, "Name"), _text(chosen, "Description"))


def _load(content: bytes, draft: Draft) -> dict[str, Any]:
    try:
        library = plistlib.loads(content)
    except ExpatError as error:
        reason = f"Line {error.lineno}: the XML is broken ({error})"
        raise draft.bad(None, reason, "Export the playlist again and import the new file") from error
    except _DAMAGE as error:
        reason = f"The property list is damaged ({type(error).__name__}: {show(error)})"
        raise draft.bad(None, reason, "Export the playlist again and import the new file") from error
    if not isinstance(library, dict):
        raise draft.bad(None, "The property list is no iTunes library", "Choose a playlist exported as XML")
    return library


def _choose(playlists: list[dict[str, Any]], name: str | None, draft: Draft) -> dict[str, Any]:
    own = [item for item in playlists if not _is_builtin(item)]
    own = own or [item for item in playlists if item.get("Master")] or playlists
    if name is not None:
        found = [item for item in own if name in {_text(item, "Name"), _text(item, "Playlist Persistent ID")}]
        if not found:
            raise NotFound(f"The file has no playlist {show(name)}. It has: {_names(own)}.")
    else:
        largest = max((len(_items(item)) for item in own), default=0)
        found = [item for item in own if len(_items(item)) == largest]
    if not found:
        raise draft.bad(None, "The file holds no playlist", "Export the playlist again")
    if len(found) > 1:
        raise Ambiguous(
            f"Several playlists fit: {_names(found)}. Choose one by its name or by the id in brackets."
        )
    if name is None and len(own) > 1:
        rest = [item for item in own if item is not found[0]]
        draft.warn(None, f"The largest playlist was read. The file has {len(rest)} more: {_names(rest)}")
    return found[0]


def _is_builtin(playlist: dict[str, Any]) -> bool:
    """The library itself, its parts (Music, Films, Podcasts) and folders, none of which anyone put in order."""
    return bool(playlist.get("Master") or playlist.get("Folder") or "Distinguished Kind" in playlist)


def _names(playlists: list[dict[str, Any]]) -> str:
    names = []
    for item in playlists[:_SHOWN_NAMES]:
        identity = _text(item, "Playlist Persistent ID")
        names.append(show(_text(item, "Name")) + (f" ({show(identity)[1:-1]})" if identity else ""))
    return ", ".join(names) + (", …" if len(playlists) > _SHOWN_NAMES else "")


def _items(playlist: dict[str, Any]) -> list[Any]:
    items = playlist.get("Playlist Items")
    return items if isinstance(items, list) else []


def _raw(track: dict[str, Any]) -> RawTrack:
    artist, location = _text(track, "Artist"), _text(track, "Location")
    duration = track.get("Total Time")
    return RawTrack(
        title=_text(track, "Name"),
        artists=(artist,) if artist else (),
        album=_text(track, "Album"),
        duration_ms=duration if isinstance(duration, int) and abs(duration) < 2**63 else None,
        links=(location,) if location else (),
        note=_text(track, "Comments"),
        added_at=_moment(track.get("Date Added")),
        stand_in=file_title(location),
    )


def _text(of: dict[str, Any], key: str) -> str:
    value = of.get(key)
    return value if isinstance(value, str) else ""


def _moment(value: object) -> int | None:
    """Property lists keep dates in UTC without saying so."""
    if not isinstance(value, datetime):
        return None
    return int((value.replace(tzinfo=UTC) - _EPOCH).total_seconds() * 1000)
