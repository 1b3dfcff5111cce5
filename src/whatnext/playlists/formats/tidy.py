"""What one track looks like in every format: clean text, valid ids, numbers in range. Used both ways."""

from collections.abc import Iterable

import msgspec

from whatnext.playlists.formats import fields
from whatnext.playlists.formats.model import Playlist, Track
from whatnext.playlists.formats.text import many_lines, one_line, show

UNTITLED = "Untitled"
_SHOWN_LOSSES = 20


class RawTrack(msgspec.Struct):
    """A track as a file has it, nothing checked; `stand_in` is a title to use where there is none."""

    title: str = ""
    artists: Iterable[str] = ()
    album: str = ""
    duration_ms: float | None = None
    isrc: str = ""
    mbid: str = ""
    links: Iterable[str] = ()
    note: str = ""
    added_by: str = ""
    added_at: int | None = None
    stand_in: str = ""

    def refer(self, locations: Iterable[str], identifiers: Iterable[str]) -> None:
        """Where XSPF and JSPF say it is to be found, and what they call it: ids are told from other addresses."""
        links = list(locations)
        for identifier in identifiers:
            if not self.mbid and fields.as_mbid(identifier):
                self.mbid = identifier
            elif not self.isrc and (fields.as_isrc(identifier) or "isrc:" in identifier.lower()):
                self.isrc = identifier
            else:
                links.append(identifier)
        self.links = links
        self.stand_in = fields.file_title(links[0]) if links else ""


def tidy_track(raw: RawTrack) -> tuple[Track, list[str]]:
    """The track with clean values, and a clause for each thing left out or replaced."""
    faults: list[str] = []
    title = one_line(raw.title)
    if not title:
        title = one_line(raw.stand_in) or UNTITLED
        faults.append(f"no title; {show(title)} stands in for it")
    elif not raw.title.isprintable() and title != raw.title.strip():
        faults.append(f"line breaks or control characters in the title {show(title)} became spaces")
    track = Track(
        title=title,
        artists=_items(raw.artists),
        album=one_line(raw.album),
        duration_ms=_number(raw.duration_ms, faults),
        isrc=_isrc(raw.isrc, faults),
        mbid=_mbid(raw.mbid, faults),
        links=_once(raw.links),
        note=many_lines(raw.note) if raw.note else "",
        added_by=(one_line(raw.added_by) or None) if raw.added_by else None,
        added_at=_moment(raw.added_at, faults),
    )
    return track, faults


def tidy_playlist(playlist: Playlist) -> tuple[Playlist, list[str]]:
    """The playlist as every format can write it, and a sentence for each track that is not as it was."""
    tracks: list[Track] = []
    losses: list[str] = []
    for number, track in enumerate(playlist.tracks, 1):
        tidied, faults = tidy_track(_raw(track))
        tracks.append(tidied)
        losses += [f"Track {number}: {fault}." for fault in faults]
    if len(losses) > _SHOWN_LOSSES:
        losses[_SHOWN_LOSSES:] = [f"{len(losses) - _SHOWN_LOSSES} more of this kind."]
    return tidy_head(playlist.name, playlist.description, playlist.tags, tracks), losses


def tidy_head(name: str, description: str, tags: Iterable[str], tracks: Iterable[Track]) -> Playlist:
    """A playlist with clean name, description and tags."""
    return Playlist(
        name=one_line(name), description=many_lines(description), tags=_once(tags), tracks=tuple(tracks)
    )


def _raw(track: Track) -> RawTrack:
    return RawTrack(
        title=track.title,
        artists=track.artists,
        album=track.album,
        duration_ms=track.duration_ms,
        isrc=track.isrc or "",
        mbid=track.mbid or "",
        links=track.links,
        note=track.note,
        added_by=track.added_by or "",
        added_at=track.added_at,
    )


def _items(values: Iterable[str]) -> tuple[str, ...]:
    """Clean and none empty, order kept."""
    return tuple(item for value in values if (item := one_line(value)))


def _once(values: Iterable[str]) -> tuple[str, ...]:
    """The same, none twice: a second equal link or tag says nothing."""
    return tuple(dict.fromkeys(_items(values)))


def _number(value: float | None, faults: list[str]) -> int | None:
    if value is None or (duration := fields.as_duration(value)) is not None:
        return None if value is None else duration
    faults.append(f"{show(value)} is no duration in milliseconds; left out")
    return None


def _moment(value: int | None, faults: list[str]) -> int | None:
    if value is None or (moment := fields.as_moment(value)) is not None:
        return None if value is None else moment
    faults.append(f"{show(value)} is no date between 1970 and 9999; left out")
    return None


def _isrc(text: str, faults: list[str]) -> str | None:
    if not text or (isrc := fields.as_isrc(text)):
        return isrc if text else None
    if one_line(text):
        faults.append(
            f"{show(text)} is no ISRC (two letters, three letters or digits, seven digits); left out"
        )
    return None


def _mbid(text: str, faults: list[str]) -> str | None:
    if not text or (mbid := fields.as_mbid(text)):
        return mbid if text else None
    if one_line(text):
        faults.append(f"{show(text)} is no MusicBrainz recording id; left out")
    return None
