"""A circuit's stream as the carrier of another connection: exact reads, and it can be cut at any time."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
from libp2p.connection_types import ConnectionType
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.network.connection.raw_connection import RawConnection
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.errors import NetworkError
from whatnext.net.carrier import Carrier
from whatnext.net.streams import Stream

_READ_SIZE = 64 * 1024
_T = TypeVar("_T")


class _Bytes(ReadWriteCloser):
    """A stream whose reader and writer wake up with an error the moment it is cut."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._busy: set[trio.CancelScope] = set()
        self.over = trio.Event()

    async def read(self, n: int | None = None) -> bytes:
        """Read what is there, b"" at the end."""
        return await self._unless_cut(lambda: self._stream.receive_some(n or _READ_SIZE))

    async def write(self, data: bytes) -> None:
        """Send all of it; waits while the other side is slow to read."""
        await self._unless_cut(lambda: self._stream.send_all(data))

    async def close(self) -> None:
        """End our side."""
        with contextlib.suppress(NetworkError):  # it is gone already
            await self._stream.close()

    def cut(self) -> None:
        """Wake whoever reads or writes; from now on nothing passes."""
        self.over.set()
        for scope in self._busy:
            scope.cancel()

    def get_remote_address(self) -> None:
        """Nothing: at the other end of the socket is the relay, not the peer."""

    async def _unless_cut(self, work: Callable[[], Awaitable[_T]]) -> _T:
        with trio.CancelScope() as scope:
            self._busy.add(scope)
            if self.over.is_set():
                scope.cancel()
            try:
                return await work()
            except NetworkError as error:
                raise ConnectionClosedError(str(error)) from error
            finally:
                self._busy.discard(scope)
        raise ConnectionClosedError("the circuit was cut")


class CircuitCarrier(Carrier):
    """Carrier over a stream that a relay joins to another peer's. Who made it resets the stream once it is `over`."""

    def __init__(self, stream: Stream) -> None:
        self._bytes = _Bytes(stream)
        super().__init__(self._bytes, None)
        self._stream = stream

    async def until_over(self) -> None:
        """Wait until it was closed or cut, or cancelled; then, whatever happened, the stream is gone."""
        try:
            await self._bytes.over.wait()
        finally:
            self.cut()
            await self._stream.reset()

    def cut(self) -> None:
        """End it at once: whoever reads or writes wakes up with an error."""
        self._bytes.cut()


def relayed(carrier: CircuitCarrier, address: str, *, initiator: bool) -> RawConnection:
    """Wrap it for the upgrade to Noise; `address` ends with `/p2p-circuit`."""
    return RawConnection(carrier, initiator, ConnectionType.RELAYED, [Multiaddr(address)])
