"""How busy sync was in the last minutes: bytes of each few seconds, for a small curve; bounded."""

from collections import deque
from collections.abc import Callable

import trio

from whatnext.sync.metrics import Traffic

EVERY_S = 5.0
KEPT = 60
"""Five minutes."""


class Recent:
    """Looks at the bytes of all links, which only grow, and keeps by how much they grew."""

    every_ms = round(1000 * EVERY_S)

    def __init__(self, traffic: Callable[[], Traffic]) -> None:
        self._traffic = traffic
        self._sizes: deque[int] = deque(maxlen=KEPT)

    def sizes(self) -> list[int]:
        """Bytes, both ways, of each interval that is over, the latest last."""
        return list(self._sizes)

    async def run(self) -> None:
        """Look until cancelled."""
        before = self._bytes()
        while True:
            await trio.sleep(EVERY_S)
            now = self._bytes()
            self._sizes.append(now - before)
            before = now

    def _bytes(self) -> int:
        traffic = self._traffic()
        return traffic.bytes_in + traffic.bytes_out
