"""Where entries go: pure arithmetic on the order of a list."""

from collections.abc import Sequence

from whatnext.playlists.service import Rng
from whatnext.records import positions
from whatnext.records.codec import Write

Order = Sequence[tuple[str, str]]
"""(id, position) of entries as they stand."""


def insert(listed: Order, index: int, count: int, rng: Rng) -> tuple[list[str], list[Write]]:
    """Positions for `count` entries before `listed[index]`, and writes that make long neighbours short again."""
    made, respaced = positions.place([position for _, position in listed], index, count, rng)
    return made, [Write("entries", listed[at][0], {"position": key}) for at, key in respaced.items()]


def move(listed: Order, places: Sequence[int], index: int, rng: Rng) -> list[Write]:
    """Writes that put the entries at `places` (ascending) before the `index`-th of the others; the moved come first.

    None when the order would be the same.
    """
    chosen = set(places)
    others = [each for at, each in enumerate(listed) if at not in chosen]
    moved = [listed[at] for at in places]
    if [*others[:index], *moved, *others[index:]] == list(listed):
        return []
    made, respaced = insert(others, index, len(moved), rng)
    writes = [Write("entries", entry, {"position": key}) for (entry, _), key in zip(moved, made, strict=True)]
    return writes + respaced
