"""When to start the node again, and when to stop trying: rules only, with the clock handed in.

- Exit status 0: somebody told the node to stop (`whatnext node stop`, the page, SIGTERM). It stays stopped.
- A node that was ready and then died is started again at once: its start works, and pages are waiting for it.
- A node that dies before it is ready is started again after a pause that doubles: a CLI command may hold the profile
  for a moment, an older node may still be closing. After `MAX_FAILED_STARTS` in a row the reason will not go away.
- One that says the same reason `MAX_SAME_REASON` times will say it again: its user should read it soon.
- More than `MAX_CRASHES` ends within `CRASH_WINDOW_S` is no life either, however often it was ready.
- The local API's port of the last life is asked for again, so that open pages find the node where it was; only the
  second failed start lets go of it, as the port itself may be the reason. One is not enough: while the node was away,
  the system may have lent the port to somebody's connection, for a moment.
"""

from collections import deque

import msgspec

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0
MAX_FAILED_STARTS = 6
"""In a row; their pauses add up to 7.75 s, longer than a node takes to close."""
MAX_SAME_REASON = 3
"""A damaged file or a taken port stays so; a profile that is only being closed is waited for by the node itself."""
MAX_CRASHES, CRASH_WINDOW_S = 30, 600.0


class Restart(msgspec.Struct, frozen=True):
    """Start it again after so many seconds."""

    after_s: float


class Finished(msgspec.Struct, frozen=True):
    """It was told to stop: so does whoever supervises it."""


class GaveUp(msgspec.Struct, frozen=True):
    """Starting it again would only repeat this; `why` says what was counted."""

    why: str


Verdict = Restart | Finished | GaveUp


class Supervisor:
    """The lives of one node, as told by whoever runs the process."""

    def __init__(self) -> None:
        self.is_ready = False
        self._port = 0
        self._failed = 0
        self._reasons: list[str] = []
        self._crashes: deque[float] = deque()

    def launch(self) -> int:
        """A life begins; return the port its local API should take, 0 for any."""
        self.is_ready = False
        return self._port

    def ready(self, port: int) -> None:
        """It said that it is ready, with its local API on `port`."""
        self.is_ready = True
        self._port = port
        self._failed = 0
        self._reasons.clear()

    def ended(self, now: float, status: int, reason: str | None = None) -> Verdict:
        """The life is over; `status` as in `Popen.returncode`, `now` in seconds of any steady clock.

        `reason` is the sentence with which the node itself ended, where it said one.
        """
        if status == 0:
            return Finished()
        self._crashes.append(now)
        while self._crashes[0] <= now - CRASH_WINDOW_S:
            self._crashes.popleft()
        if len(self._crashes) > MAX_CRASHES:
            return GaveUp(f"it ended {len(self._crashes)} times within {CRASH_WINDOW_S / 60:g} minutes")
        if self.is_ready:
            return Restart(0.0)
        self._failed += 1
        if self._failed > 1:
            self._port = 0
        if self._is_always_so(reason):
            return GaveUp(f"it did not start {MAX_SAME_REASON} times, each time for the same reason")
        if self._failed >= MAX_FAILED_STARTS:
            return GaveUp(f"it ended {self._failed} times in a row before it was ready")
        return Restart(min(FIRST_PAUSE_S * 2 ** (self._failed - 1), LONGEST_PAUSE_S))

    def _is_always_so(self, reason: str | None) -> bool:
        if reason is None or reason not in self._reasons:
            self._reasons.clear()
        if reason is not None:
            self._reasons.append(reason)
        return len(self._reasons) >= MAX_SAME_REASON
