"""`bench size`: bytes on the sync stream for one change, in a playlist of 1,000 entries that two devices share."""

from itertools import islice
from statistics import median

import msgspec

from whatnext.bench.chance import seeded
from whatnext.bench.device import Device, Line, share
from whatnext.bench.material import tracks
from whatnext.playlists.requests import TrackInput


class SizeReport(msgspec.Struct, frozen=True, kw_only=True):
    """Medians in bytes of both directions together: record frame and its confirmation, framing included."""

    bench: str = "size"
    add: int
    move: int
    rename: int
    album10: int
    add_max: int
    entries: int
    repeats: int


def measure(entries: int, repeats: int, seed: int) -> SizeReport:
    """Make each kind of change `repeats` times and count what the stream carried for it."""
    rng = seeded(seed)
    owner, friend = Device("kitchen", seeded(rng.random())), Device("studio", seeded(rng.random()))
    fresh = tracks()
    playlist = owner.create("Kitchen party")
    owner.add(playlist, list(islice(fresh, entries)))
    share(owner, [friend], playlist)
    line = Line(owner, friend)
    line.run()
    first = owner.order(playlist)[0]
    owner.add(playlist, [next(fresh)])  # warm-up: carries the device's name with it
    line.run()

    adds, moves, names, albums = [], [], [], []
    for number in range(repeats):
        owner.add(playlist, [next(fresh)])
        adds.append(line.run())
        order = owner.order(playlist)
        owner.move(playlist, rng.choice(order[2:-1]), after=first if number % 2 else order[-1])
        moves.append(line.run())
        owner.rename(playlist, f"Kitchen party {number}")
        names.append(line.run())
        owner.add(playlist, _album(number))
        albums.append(line.run())
    return SizeReport(
        add=round(median(adds)),
        move=round(median(moves)),
        rename=round(median(names)),
        album10=round(median(albums)),
        add_max=max(adds),
        entries=entries,
        repeats=repeats,
    )


def _album(number: int) -> list[TrackInput]:
    made = islice(tracks(number * 10), 10)
    return [msgspec.structs.replace(track, album="North Window", artists=["Ida Sol"]) for track in made]
