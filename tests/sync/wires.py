"""Byte streams in memory with latency, rate, a window and ways to die; all time is trio's (mock) clock."""

import math
from collections import deque

import trio

from whatnext.errors import ConnectionLost

PIECE = 4096


class Wire:
    """One direction. `window` bounds what is under way; `cut_after` breaks it once that many bytes came through."""

    def __init__(
        self,
        latency: float = 0.001,
        rate: float = math.inf,
        window: int = 64 * 1024,
        cut_after: float = math.inf,
    ) -> None:
        self.latency, self.rate, self.window, self.cut_after = latency, rate, window, cut_after
        self.silent = False
        self.broken = False
        self.finished = False
        self.sent = 0
        self.delivered = 0
        self.most_under_way = 0
        self._pieces: deque[tuple[float, bytes]] = deque()
        self._under_way = 0
        self._free_at = 0.0
        self._changed = trio.Event()

    def change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def send(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            while self._under_way + len(piece) > self.window and not self.broken:
                await self._changed.wait()
            if self.broken:
                raise ConnectionLost("the wire broke")
            self._free_at = max(self._free_at, trio.current_time()) + len(piece) / self.rate
            self._pieces.append((self._free_at + self.latency, piece))
            self.sent += len(piece)
            self._under_way += len(piece)
            self.most_under_way = max(self.most_under_way, self._under_way)
            self.change()

    async def receive(self, max_bytes: int) -> bytes:
        await trio.lowlevel.checkpoint()
        while True:
            if self.broken:
                raise ConnectionLost("the wire broke")
            if self._pieces and not self.silent:
                due, piece = self._pieces[0]
                if due <= trio.current_time():
                    return self._take(piece, max_bytes)
                with trio.move_on_at(due):
                    await self._changed.wait()
            elif self.finished and not self.silent:
                return b""
            else:
                await self._changed.wait()

    def _take(self, piece: bytes, max_bytes: int) -> bytes:
        due, _ = self._pieces.popleft()
        taken = piece[: min(max_bytes, int(min(self.cut_after - self.delivered, len(piece))))]
        if self.delivered + len(taken) >= self.cut_after:
            self.broken = True
        elif len(taken) < len(piece):
            self._pieces.appendleft((due, piece[len(taken) :]))
        self.delivered += len(taken)
        self._under_way -= len(taken)
        self.change()
        if not taken:
            raise ConnectionLost("the wire broke")
        return taken


class End:
    """One end of two wires: what `whatnext.sync` takes for a stream."""

    def __init__(self, peer: str, *, outbound: bool, incoming: Wire, outgoing: Wire) -> None:
        self.peer, self.outbound = peer, outbound
        self.incoming, self.outgoing = incoming, outgoing

    async def receive_some(self, max_bytes: int) -> bytes:
        return await self.incoming.receive(max_bytes)

    async def send_all(self, data: bytes) -> None:
        await self.outgoing.send(data)

    async def close(self) -> None:
        await trio.lowlevel.checkpoint()
        self.outgoing.finished = True
        self.outgoing.change()

    async def reset(self) -> None:
        self.snap()
        await trio.lowlevel.checkpoint()

    def snap(self) -> None:
        for wire in (self.incoming, self.outgoing):
            wire.broken = True
            wire.change()


class Cable:
    """Both directions between two peers; `a_end` is at `a` and talks to `b`."""

    def __init__(self, a: str, b: str, there: Wire | None = None, back: Wire | None = None) -> None:
        self.there, self.back = there or Wire(), back or Wire()
        self.plugged = 0
        self.a_end = End(b, outbound=True, incoming=self.back, outgoing=self.there)
        self.b_end = End(a, outbound=False, incoming=self.there, outgoing=self.back)

    def cut(self) -> None:
        """Both ends notice at once."""
        self.a_end.snap()

    def silence(self) -> None:
        """Nothing arrives any more and nobody is told: a dead path."""
        for wire in (self.there, self.back):
            wire.silent = True
            wire.change()

    @property
    def bytes(self) -> int:
        return self.there.sent + self.back.sent
