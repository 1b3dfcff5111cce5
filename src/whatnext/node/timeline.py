"""The lives of connections, peer by peer, as steps that people can read: pure, the clock comes in, memory is bounded.

A *life* begins with the first word of a peer (discovered, found, dialled, or at the door) and ends when its last
connection is lost, or when nothing came of it for `QUIET_S`. Lives that came to nothing are kept only once: a peer that
is away for a week is dialled a thousand times, and none of that may push out why it was lost.
"""

from collections import OrderedDict, deque
from collections.abc import Callable

import msgspec

QUIET_S = 10.0
"""A dial takes 10 s at most: without a connection and after such a pause, the next step belongs to another attempt."""
FIRST_STEPS, LAST_STEPS = 16, 16
"""Kept of one life; what came between is only counted."""
MAX_LIVES = 4
MAX_PEERS = 64
"""Times lives times steps: some 2 MB when full of ordinary steps. Those never met are forgotten first."""
MAX_TEXT = 200

DIALLING = "dialling"
DIALLED = frozenset({"dialled", "failed", "given up", "not tried"})
"""How a dial ends."""
BEGIN, END, EPILOGUE = "connected", "lost", "unlinked"
"""The kinds that matter here. A sync link's end may be told a moment after its connection's: it begins no life."""


class Step(msgspec.Struct, frozen=True):
    """One thing that happened: `kind` for programs and people alike, `text` with the details, `took_ms` where known.

    `at` is in seconds of the caller's monotonic clock.
    """

    at: float
    kind: str
    text: str = ""
    address: str | None = None
    took_ms: float | None = None


class Life(msgspec.Struct):
    """One connection from its beginnings to its end."""

    number: int
    """Counts up from 1 for each peer."""
    began_at: float
    first: list[Step] = []
    last: deque[Step] = msgspec.field(default_factory=lambda: deque(maxlen=LAST_STEPS))
    skipped: int = 0
    connected: bool = False
    """Whether it ever was."""
    over: bool = False
    failed_before: int = 0
    """Attempts before this one that came to nothing and are not kept."""

    def add(self, step: Step) -> None:
        """Take a step in."""
        if len(self.first) < FIRST_STEPS:
            self.first.append(step)
            return
        if len(self.last) == LAST_STEPS:
            self.skipped += 1
        self.last.append(step)

    def is_dialling(self) -> bool:
        """Whether a dial has begun and not ended, as far as the steps are kept."""
        under_way: set[str | None] = set()
        for step in (*self.first, *self.last):
            if step.kind == DIALLING:
                under_way.add(step.address)
            elif step.kind in DIALLED:
                under_way.discard(step.address)
        return bool(under_way)

    def latest(self) -> float:
        """When the last step was."""
        return self.last[-1].at if self.last else self.first[-1].at if self.first else self.began_at


class Timeline:
    """One peer's lives, the oldest first."""

    def __init__(self) -> None:
        self.lives: deque[Life] = deque(maxlen=MAX_LIVES)
        self._count = 0

    def add(self, step: Step) -> Life:
        """Take a step into the life it belongs to; return that one."""
        life = self.current(step.at, step.kind) or self._begin(step.at)
        life.add(step)
        life.connected = life.connected or step.kind == BEGIN
        life.over = life.over or step.kind == END
        return life

    def current(self, at: float, kind: str = "") -> Life | None:
        """The life that a step belongs to, or None when it begins another one."""
        if not self.lives:
            return None
        life = self.lives[-1]
        if life.over:
            return life if kind == EPILOGUE else None
        return life if life.connected or at - life.latest() <= QUIET_S else None

    def is_connected(self) -> bool:
        """Whether the last life is under way and reached its connection."""
        return bool(self.lives) and self.lives[-1].connected and not self.lives[-1].over

    def ever_connected(self) -> bool:
        """Whether any life that is kept reached its connection."""
        return any(life.connected for life in self.lives)

    def _begin(self, at: float) -> Life:
        lives = self.lives
        if len(lives) > 1 and not lives[-1].connected and not lives[-2].connected:
            lives[-1].failed_before += lives[-2].failed_before + 1
            del lives[-2]
        self._count += 1
        lives.append(Life(self._count, at))
        return lives[-1]


class Timelines:
    """Every peer's timeline, at most `MAX_PEERS` of them; `tell` hears of each step with its life."""

    def __init__(
        self, now: Callable[[], float], tell: Callable[[str, Life, Step], None] = lambda *_: None
    ) -> None:
        self._now = now
        self._tell = tell
        self._peers: OrderedDict[str, Timeline] = OrderedDict()

    def add(
        self,
        peer: str,
        kind: str,
        text: str = "",
        *,
        address: str | None = None,
        took_ms: float | None = None,
    ) -> None:
        """Something happened to a peer, now."""
        step = Step(self._now(), kind, text[:MAX_TEXT], address and address[:MAX_TEXT], took_ms)
        timeline = self._peers.setdefault(peer, Timeline())
        self._peers.move_to_end(peer)
        if len(self._peers) > MAX_PEERS:
            self._evict(peer)
        self._tell(peer, timeline.add(step), step)

    def _evict(self, newest: str) -> None:
        """Forget one: mDNS tells of peers that nobody has checked, and a liar's must not push out real ones."""
        others = [peer for peer in self._peers if peer != newest]
        never_met = (peer for peer in others if not self._peers[peer].ever_connected())
        del self._peers[next(never_met, others[0])]

    def lives(self, peer: str) -> list[Life]:
        """What is kept of a peer, the oldest life first."""
        timeline = self._peers.get(peer)
        return [] if timeline is None else list(timeline.lives)

    def current(self, peer: str) -> Life | None:
        """The life that what happens to a peer now belongs to; None when it begins another one."""
        timeline = self._peers.get(peer)
        return None if timeline is None else timeline.current(self._now())

    def is_connected(self, peer: str) -> bool:
        """Whether the peer's last life is a connection that has not ended."""
        timeline = self._peers.get(peer)
        return timeline is not None and timeline.is_connected()

    def is_dialling(self, peer: str) -> bool:
        """Whether a dial of the peer is under way."""
        life = self.current(peer)
        return life is not None and not life.connected and life.is_dialling()

    def forget(self, peer: str) -> None:
        """Forget a peer's timeline."""
        self._peers.pop(peer, None)
