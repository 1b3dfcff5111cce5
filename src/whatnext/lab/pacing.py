"""What a bad link does to frames: sans-IO, frames and clock in, frames out."""

from collections import deque
from random import Random

import msgspec


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How a link behaves, in each direction by itself."""

    delay_s: float = 0.0
    """Seconds a frame takes."""
    jitter_s: float = 0.0
    """At most this much more, evenly spread; frames never overtake each other."""
    loss: float = 0.0
    """Share of frames that vanish, each by itself (0 to 1)."""
    rate_bit_s: float | None = None
    """Bits per second, or None for no limit."""
    queue_bytes: int = 256 * 1024
    """Bytes that may wait for their turn at `rate_bit_s`; what comes then is dropped."""


class Pacer:
    """One direction of a link. Every time is in seconds on one monotonic clock."""

    def __init__(self, quality: Quality, random: Random) -> None:
        self.quality = quality
        self.dropped = 0
        self._random = random
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._sent_at = 0.0
        self._latest = 0.0

    def offer(self, frame: bytes, now: float) -> None:
        """A frame enters the link."""
        quality = self.quality
        if quality.loss and self._random.random() < quality.loss:
            self.dropped += 1
            return
        leaves = now
        if quality.rate_bit_s is not None:
            begins = max(now, self._sent_at)
            if (begins - now) * quality.rate_bit_s / 8 > quality.queue_bytes:
                self.dropped += 1
                return
            leaves = self._sent_at = begins + len(frame) * 8 / quality.rate_bit_s
        arrives = leaves + quality.delay_s + self._random.uniform(0, quality.jitter_s)
        self._latest = max(self._latest, arrives)
        self._waiting.append((self._latest, frame))

    def due(self, now: float) -> list[bytes]:
        """Frames that leave the link by now, in order."""
        frames = []
        while self._waiting and self._waiting[0][0] <= now:
            frames.append(self._waiting.popleft()[1])
        return frames

    def next_due(self) -> float | None:
        """When the next frame leaves, or None when the link is empty."""
        return self._waiting[0][0] if self._waiting else None
