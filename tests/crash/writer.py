"""A process that edits a playlist on disk and says each record's hash once it is safe, until it is killed.

Arguments: profile directory, playlist id, seed. Lines on stdout: the epoch first, then one hash per change.
"""

import random
import sys
from itertools import count
from pathlib import Path
from random import Random

from whatnext.bench.device import Device
from whatnext.bench.material import tracks
from whatnext.identity import load_or_create
from whatnext.playlists import editing, opinions
from whatnext.playlists.requests import AddTracks, EditEntry, RemoveEntries, Vote
from whatnext.store.database import FILE


def changes(playlist, rng, device, start):
    source = tracks(start)
    for number in count():
        order = device.order(playlist)
        kind = rng.random()
        if kind < 0.4 or len(order) < 3:
            batch = [next(source) for _ in range(rng.choice((1, 1, 1, 12)))]
            yield editing.add(device.playlists, AddTracks(playlist=playlist, tracks=batch))
        elif kind < 0.7:
            yield editing.edit(
                device.playlists,
                EditEntry(playlist=playlist, entry=rng.choice(order), note=f"{start} {number}"),
            )
        elif kind < 0.9:
            yield opinions.vote(
                device.playlists, Vote(playlist=playlist, entry=rng.choice(order), value=rng.choice((-1, 1)))
            )
        else:
            yield editing.remove(
                device.playlists, RemoveEntries(playlist=playlist, entries=[rng.choice(order)])
            )


def main(directory, playlist, seed):
    identity = load_or_create(directory)
    device = Device("writer", Random(random.SystemRandom().random()), directory / FILE, identity)
    print(device.library.database.epoch.hex(), flush=True)
    for changed in changes(playlist, Random(seed), device, seed * 10_000):
        if changed.record is not None:
            print(changed.record, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
