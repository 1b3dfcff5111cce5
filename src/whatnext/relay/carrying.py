"""One circuit's bytes, there and back: shaped, counted, bounded in time also when nothing flows.

What is read from one side is sent to the other before more is read, so a slow reader slows its own sender and nobody
else; beside that a circuit holds its two streams' windows.
"""

from typing import Protocol

import trio

from whatnext.errors import ConnectionLost
from whatnext.relay.circuits import Circuit, Ending
from whatnext.relay.switchboard import Switchboard


class Side(Protocol):
    """A stream, as `whatnext.net.Stream`."""

    async def receive_some(self, max_bytes: int) -> bytes:
        """Up to `max_bytes`; b"" at the end. Raises `ConnectionLost`."""

    async def send_all(self, data: bytes) -> None:
        """Send all of it; waits while the other side does not read. Raises `ConnectionLost`."""

    async def close(self) -> None:
        """End our sending."""

    async def reset(self) -> None:
        """Give up both directions; never raises."""


class Carrying:
    """Carries one circuit from its opening to its end."""

    def __init__(self, switchboard: Switchboard, circuit: Circuit, source: Side, target: Side) -> None:
        self._switchboard = switchboard
        self._circuit = circuit
        self._source = source
        self._target = target
        self._half_closed = False
        self._ending: Ending | None = None
        self._scope = trio.CancelScope()

    async def run(self) -> Ending:
        """Carry until both sides have ended, one has gone, or a limit is reached; return which.

        Both streams are over then: a limit resets them. Cancelling does as well.
        """
        self._circuit.opened = trio.current_time()
        self._scope.deadline = self._circuit.opened + self._circuit.limit.duration_s
        clean = False
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._one_way, True)
                    nursery.start_soon(self._one_way, False)
            clean = self._ending is None and not self._scope.cancelled_caught
        finally:
            if not clean:
                await self._source.reset()
                await self._target.reset()
        if self._ending is None and not clean:
            return Ending.HALF_CLOSED if self._half_closed else Ending.DURATION
        return self._ending or Ending.FINISHED

    def stop(self) -> None:
        """End it now: the relay is going."""
        self._end(Ending.STOPPED)

    def _end(self, ending: Ending) -> None:
        self._ending = self._ending or ending
        self._scope.cancel()

    async def _one_way(self, to_target: bool) -> None:
        reader, writer = (self._source, self._target) if to_target else (self._target, self._source)
        reader_left = Ending.SOURCE_LEFT if to_target else Ending.TARGET_LEFT
        writer_left = Ending.TARGET_LEFT if to_target else Ending.SOURCE_LEFT
        while True:
            try:
                data = await reader.receive_some(self._switchboard.shaper.part)
            except ConnectionLost:
                return self._end(reader_left)
            allowed = self._circuit.may_pass(len(data), to_target=to_target)
            try:
                if not data:
                    await writer.close()
                    return self._half_close()
                await self._pass_on(data[:allowed], writer, to_target=to_target)
            except ConnectionLost:
                return self._end(writer_left)
            if allowed < len(data):
                return self._end(Ending.BYTES)

    async def _pass_on(self, data: bytes, writer: Side, *, to_target: bool) -> None:
        now = trio.current_time()
        await trio.sleep(self._switchboard.shaper.pause(self._circuit, len(data), now))
        if data:
            await writer.send_all(data)
            self._circuit.passed(len(data), to_target=to_target)

    def _half_close(self) -> None:
        """One direction has ended; the other one may go on, not for ever."""
        patience = trio.current_time() + self._switchboard.limits.half_closed_s
        if not self._half_closed and patience < self._scope.deadline:
            self._scope.deadline = patience
            self._half_closed = True
