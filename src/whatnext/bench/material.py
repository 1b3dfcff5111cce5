"""Tracks to measure with: invented, as long as real ones (title 16, artist 13, album 18 characters on average)."""

from collections.abc import Iterator

from whatnext.playlists.requests import TrackInput

_TITLES = (
    "Long Way Round",
    "Paper Lantern Song",
    "Sunday",
    "The Kitchen Is Open",
    "Half a Moon",
    "Rain on Tin Roofs",
)
_ARTISTS = ("Harbour Lights", "Ida Sol", "The Night Trams", "Marlow & Finch", "Quarter Past")
_ALBUMS = ("Songs for the Landing", "North Window", "A Year in Blue Ink", "Live at the Canteen")


def tracks(start: int = 0) -> Iterator[TrackInput]:
    """Tracks without end, each with title, artist, album, duration and ISRC."""
    number = start
    while True:
        yield TrackInput(
            title=f"{_TITLES[number % len(_TITLES)]} {number}",
            artists=[_ARTISTS[number % len(_ARTISTS)]],
            album=_ALBUMS[number % len(_ALBUMS)],
            duration_ms=180_000 + number % 97 * 1000,
            isrc=f"XXBEN{number % 10_000_000:07d}",
        )
        number += 1
