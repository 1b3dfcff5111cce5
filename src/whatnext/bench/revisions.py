"""From two orders of a list to the fewest edits between them, pure: what a person must have done."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Occurrence(NamedTuple):
    """A track in one revision; `number` counts from 0 where the track stands there more than once."""

    track: str
    number: int


class Edit(NamedTuple):
    """One act: `key` is removed, or added or moved to stand right behind `after` (None: at the beginning)."""

    kind: Literal["remove", "add", "move"]
    key: Occurrence
    after: Occurrence | None = None


def occurrences(tracks: Iterable[str]) -> list[Occurrence]:
    """Tell the copies of a track apart, so that each is an entry of its own."""
    seen: Counter[str] = Counter()
    listed = []
    for track in tracks:
        listed.append(Occurrence(track, seen[track]))
        seen[track] += 1
    return listed


def edits_between(before: Sequence[Occurrence], after: Sequence[Occurrence]) -> list[Edit]:
    """The fewest edits from one order to another, to be done in this order; keys are unique in each."""
    target = set(after)
    place = {key: at for at, key in enumerate(before)}
    edits = [Edit("remove", key) for key in before if key not in target]
    common = [key for key in after if key in place]
    staying = {common[at] for at in longest_rising([place[key] for key in common])}
    last: Occurrence | None = None
    for key in after:
        if key not in staying:
            edits.append(Edit("move" if key in place else "add", key, last))
        last = key
    return edits


def longest_rising(values: Sequence[int]) -> list[int]:
    """Indexes of a longest strictly rising subsequence."""
    ends: list[int] = []  # ends[n]: index of the least value that ends a rising run of n + 1
    before: list[int] = []
    for at, value in enumerate(values):
        length = bisect_left(ends, value, key=values.__getitem__)
        before.append(ends[length - 1] if length else -1)
        ends[length : length + 1] = [at]
    found = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]
