"""py-libp2p's swarm with three defects of 0.8.1 taken out; each has its canary in `tests/net/test_canaries.py`.

- Inbound: the place an inbound connection takes is given back only when the swarm stops, so after `max_connections`
  *cumulative* inbound connections nobody gets in. Here it is given back when the connection ends.
- The auto-connector dials every peer whose address is known, unasked. Here it never does.
- One stream negotiated in invalid UTF-8 ends the whole swarm. Here it ends that stream.
"""

import logging

import trio
from libp2p.abc import IMuxedConn, INetStream
from libp2p.custom_types import StreamHandlerFn
from libp2p.io.abc import ReadWriteCloser
from libp2p.metrics.swarm import SwarmEvent
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.stream.net_stream import NetStream
from libp2p.network.swarm import Swarm
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.net.addresses import transport_of
from whatnext.net.carrier import Carrier
from whatnext.net.transports import raw_connection

_log = logging.getLogger(__name__)

HALF_OPEN = 32
"""Strangers that may be in the middle of their handshake beside a full table, so that idle ones cannot block it."""


async def _never_connect() -> None:
    await trio.lowlevel.checkpoint()


class SafeSwarm(Swarm):
    """The swarm we run; built by `host.build_host`."""

    def prepare(self, max_connections: int) -> None:
        """Take the auto-connector out and size the inbound limiter; once, before it runs."""
        self._inbound_limiter = trio.CapacityLimiter(max_connections + HALF_OPEN)
        self.auto_connector.maybe_connect = _never_connect  # type: ignore[method-assign]

    async def _do_handle_inbound_connection(
        self, read_write_closer: ReadWriteCloser, maddr: Multiaddr, failure_event: SwarmEvent
    ) -> None:
        try:
            muxed = await self._upgraded(read_write_closer, maddr)
            conn = self._registered(muxed)
            if conn is not None:
                await conn.event_closed.wait()
        except Exception as error:  # noqa: BLE001 - whatever a stranger sends, only its own connection ends
            _log.debug("inbound connection on %s ended in its handshake: %r", maddr, error)
        finally:
            if isinstance(read_write_closer, Carrier):
                read_write_closer.cut()

    async def _upgraded(self, stream: ReadWriteCloser, listening: Multiaddr) -> IMuxedConn:
        if isinstance(stream, IMuxedConn):
            await self.add_conn(stream, direction="inbound")
            return stream
        raw = RawConnection(stream, False)
        if isinstance(stream, Carrier):
            raw = raw_connection(stream, initiator=False, transport=transport_of(str(listening)))
        return await self.upgrade_inbound_raw_conn(raw, listening)

    def _registered(self, muxed: IMuxedConn) -> SwarmConn | None:
        for conn in self.get_connections(muxed.peer_id):
            if conn.muxed_conn is muxed and isinstance(conn, SwarmConn):
                return conn
        return None

    def guard_streams(self, limit: int) -> None:
        """Bound the streams a peer opens on a connection, and let a failing one fail alone."""
        accept = self.common_stream_handler
        self.set_stream_handler(_guarded(accept, limit))


def _guarded(accept: StreamHandlerFn, limit: int) -> StreamHandlerFn:
    async def handle(stream: INetStream) -> None:
        assert isinstance(stream, NetStream)
        peer = stream.muxed_conn.peer_id
        if stream.swarm_conn is not None and len(stream.swarm_conn.streams) > limit:
            _log.warning(
                "%s holds more than %d streams open on one connection: the newest is reset", peer, limit
            )
            await stream.reset()
            return
        try:
            await accept(stream)
        except Exception as error:  # noqa: BLE001 - an error here would stop the swarm for everybody
            _log.info("stream from %s ended in its negotiation: %r", peer, error)
            await stream.reset()

    return handle
