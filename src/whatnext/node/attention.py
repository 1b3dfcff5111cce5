"""Whether somebody looks at a page right now: pages say so themselves, and what they do not say again ends."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import msgspec

from whatnext.playlists.requests import Nothing, Request

if TYPE_CHECKING:
    from whatnext.node.node import Node

HOLDS_S = 60.0
"""A page that is looked at says so every 20 s; one that vanished is forgotten after this."""
MAX_PAGES = 64


class SetAttention(Request, frozen=True, kw_only=True):
    """Tell whether the user looks at a page (it has the focus); `page` is any name that the page gave itself.

    It holds for 60 seconds: a page that is looked at says it again every 20.
    """

    page: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    watching: bool


class Attention:
    """The pages that are looked at, each until a time of the steady clock `now`."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[str, float] = {}

    def tell(self, page: str, *, watching: bool) -> None:
        """Note what a page says; the oldest word makes room where there are too many."""
        self._until.pop(page, None)
        if watching:
            if len(self._until) >= MAX_PAGES:
                self._until.pop(next(iter(self._until)))
            self._until[page] = self._now() + HOLDS_S

    def is_watched(self) -> bool:
        """Whether any page is looked at."""
        return any(until > self._now() for until in self._until.values())


async def tell(node: "Node", asked: SetAttention) -> Nothing:
    """Note what a page says."""
    node.attention.tell(asked.page, watching=asked.watching)
    return Nothing()
