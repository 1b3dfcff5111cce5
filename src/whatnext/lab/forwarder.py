"""The process between the two ends of a bad link: `python -m whatnext.lab.forwarder FD FD SEED`.

Both descriptors are TAP devices. Qualities (JSON, one a line) come on stdin; the process ends with it. Frames are
delivered on a grid of about 1 ms. One process carries some tens of thousands of frames a second: the lab is for bad
links, not for fast ones.
"""

import os
import select
import sys
import time
from random import Random

import msgspec

from whatnext.lab.pacing import Pacer, Quality

FRAME_BYTES = 2048
_BATCH = 64  # frames read from one end before the other gets its turn


class Forwarder:
    """Carries frames both ways between two descriptors."""

    def __init__(self, ends: tuple[int, int], seed: int) -> None:
        self._ends = ends
        self._pacers = {end: Pacer(Quality(), Random(f"{seed} {way}")) for way, end in enumerate(ends)}  # noqa: S311
        self._other = {ends[0]: ends[1], ends[1]: ends[0]}
        self._control = b""

    def run(self) -> None:
        """Forward until stdin ends."""
        poll = select.epoll()
        for end in (*self._ends, 0):
            os.set_blocking(end, False)
            poll.register(end, select.EPOLLIN)
        while True:
            for readable, _ in poll.poll(self._patience()):
                if readable == 0:
                    if not self._obey():
                        return
                else:
                    self._take(readable)
            self._deliver()

    def _patience(self) -> float | None:
        dues = [due for pacer in self._pacers.values() if (due := pacer.next_due()) is not None]
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def _obey(self) -> bool:
        data = os.read(0, 4096)
        *lines, self._control = (self._control + data).split(b"\n")
        for line in lines:
            quality = msgspec.json.decode(line, type=Quality)
            for pacer in self._pacers.values():
                pacer.quality = quality
            print("set", flush=True)  # noqa: T201 - the answer the lab waits for
        return bool(data)

    def _take(self, end: int) -> None:
        now = time.monotonic()
        for _ in range(_BATCH):
            try:
                frame = os.read(end, FRAME_BYTES)
            except BlockingIOError:
                return
            self._pacers[end].offer(frame, now)

    def _deliver(self) -> None:
        now = time.monotonic()
        for end, pacer in self._pacers.items():
            for frame in pacer.due(now):
                try:
                    os.write(self._other[end], frame)
                except OSError:  # that end is down, as if its cable were out
                    pacer.dropped += 1


if __name__ == "__main__":
    Forwarder((int(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3])).run()
