"""Tracks as lines of text: `Artist - Title`, one a line."""

import re
from collections.abc import Iterable

from whatnext.playlists.requests import TrackInput

_DASH = re.compile(r"\s+[-–—]\s+")


def tracks_of(lines: Iterable[str]) -> list[TrackInput]:
    """Each line that is not empty: before the first dash between spaces the artist, a line without one is a title."""
    return [_track(line.strip()) for line in lines if line.strip()]


def _track(line: str) -> TrackInput:
    parts = _DASH.split(line, maxsplit=1)
    if len(parts) == 1:
        return TrackInput(title=line)
    return TrackInput(title=parts[1], artists=[parts[0]])
