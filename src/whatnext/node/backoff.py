"""Waiting longer after each failure, with jitter: devices that lost each other together do not come back in step."""

import random
from collections.abc import Callable


class Backoff:
    """Pauses in seconds: doubling from `first` to `longest`, each 0.5 to 1.5 times that.

    `at_most`, asked each time, may keep them shorter for a while.
    """

    def __init__(
        self, first: float, longest: float, rng: random.Random, at_most: Callable[[], float] | None = None
    ) -> None:
        self._first = first
        self._longest = longest
        self._rng = rng
        self._at_most = at_most
        self._next = first

    def next(self) -> float:
        """The pause before the next try."""
        limit = self._longest if self._at_most is None else min(self._longest, self._at_most())
        pause = min(self._next, limit) * self._rng.uniform(0.5, 1.5)
        self._next = min(self._next * 2, self._longest)
        return pause

    def calm(self) -> None:
        """No shorter pauses any more; how far they have grown stays."""
        self._at_most = None

    def reset(self) -> None:
        """It worked: begin anew."""
        self._next = self._first
