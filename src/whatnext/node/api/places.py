"""Who holds a connection to the local API: a bounded number, of which those that ask nothing make way for others.

The attack: a program or a web page that opens connections without end, and takes the places of the user's own browser
or, worse, the node's last file descriptors.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Places:
    """Counts connections, and knows which of them wait for a request, longest first."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: dict[trio.CancelScope, None] = {}

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """A place while the block lasts; False, and none, when all are busy.

        Whoever waited longest for a request to come is cancelled for it.
        """
        if self._free <= 0 and not self._one_makes_way():
            yield False
            return
        self._free -= 1
        try:
            yield True
        finally:
            self._free += 1

    @contextmanager
    def waiting(self, patience_s: float) -> Iterator[trio.CancelScope]:
        """Wait for a request this long at most, less when the place is needed."""
        with trio.move_on_after(patience_s) as scope:
            self._waiting[scope] = None
            try:
                yield scope
            finally:
                self._waiting.pop(scope, None)

    def _one_makes_way(self) -> bool:
        for scope in self._waiting:
            del self._waiting[scope]
            scope.cancel()
            return True
        return False
