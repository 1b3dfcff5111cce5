"""py-libp2p's swarm with the defects of 0.8.1 taken out that its canaries show, and our gate before its table.

- Inbound: the place an inbound connection takes is given back only when the swarm stops, so after `max_connections`
  *cumulative* inbound connections nobody gets in. Here our gate counts, and it counts what there is.
- A full table turns everybody away, friend or stranger. Here a friend takes a stranger's place.
- The auto-connector dials every peer whose address is known, unasked. Here it never does.
- One stream negotiated in invalid UTF-8 ends the whole swarm. Here it ends that stream.
"""

import logging
import math
import weakref

import trio
from libp2p.abc import IMuxedConn, INetConn, INetStream, IRawConnection
from libp2p.custom_types import StreamHandlerFn
from libp2p.io.abc import ReadWriteCloser
from libp2p.metrics.swarm import SwarmEvent
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.exceptions import SwarmException
from libp2p.network.stream.net_stream import NetStream
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.transport.websocket.listener import WebsocketListener
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.net.addresses import transport_of
from whatnext.net.admission.gate import Gate, TurnedAway
from whatnext.net.admission.http_upgrades import HttpUpgrades
from whatnext.net.admission.refusal import Refusal
from whatnext.net.admission.streams import StreamMeter, Verdict
from whatnext.net.carrier import Carrier
from whatnext.net.closing import PATIENCE, drop
from whatnext.net.config import NetConfig
from whatnext.net.transports import raw_connection

_log = logging.getLogger(__name__)


async def _never_connect() -> None:
    await trio.lowlevel.checkpoint()


def _forget(peer_id: ID) -> None:
    """Note nothing."""


class SafeSwarm(Swarm):
    """The swarm we run; built by `host.build_host`."""

    gate: Gate
    http_upgrades: HttpUpgrades

    def prepare(self, gate: Gate, config: NetConfig) -> None:
        """Take the auto-connector and the library's own limit out, and set our gate before the table; once."""
        self.gate = gate
        self.http_upgrades = HttpUpgrades(gate, config)
        self._inbound_limiter = trio.CapacityLimiter(math.inf)
        self.auto_connector.maybe_connect = _never_connect  # type: ignore[method-assign]
        # It would note everybody who ever left, and forget them only when it connects.
        self.auto_connector.record_disconnect = _forget  # type: ignore[method-assign]

    async def listen(self, *multiaddrs: Multiaddr) -> bool:
        """Listen on these addresses; False when on none of them."""
        listening = await super().listen(*multiaddrs)
        for listener in self.listeners.values():
            if isinstance(listener, WebsocketListener):
                self.http_upgrades.guard(listener)
        return listening

    async def dial_addr(
        self, addr: Multiaddr, peer_id: ID, source: tuple[str, int] | None = None
    ) -> INetConn:
        """Connect to one address; `TurnedAway` at once when the gate would refuse it in the end."""
        self.gate.look(str(peer_id), str(addr), outbound=True)
        return await super().dial_addr(addr, peer_id, source)

    async def _do_handle_inbound_connection(
        self, read_write_closer: ReadWriteCloser, maddr: Multiaddr, failure_event: SwarmEvent
    ) -> None:
        try:
            with self.gate.handshake(_source(read_write_closer)):
                muxed = await self._upgraded(read_write_closer, maddr)
            conn = self._registered(muxed)
            if conn is not None:
                await conn.event_closed.wait()
                await _goodbye_said(muxed)
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

    async def upgrade_inbound_raw_conn(self, raw_conn: IRawConnection, maddr: Multiaddr) -> IMuxedConn:
        """Secure, judge, mux and register an accepted connection; `maddr` is where it was accepted.

        Stock 0.8.1 refuses before it knows who it is when the table is full. Closes `raw_conn` unless it returns.
        """
        patience = self.connection_config.inbound_upgrade_timeout
        try:
            with trio.fail_after(patience):
                secured = await self.upgrader.upgrade_security(raw_conn, False)
                peer = secured.get_remote_peer()
                self.gate.look(str(peer), _address(raw_conn), outbound=False)
                muxed = await self.upgrader.upgrade_connection(secured, peer)
            await self.add_conn(muxed, direction="inbound")
        except trio.TooSlowError as error:
            await drop(raw_conn)
            raise SwarmException(f"no handshake within {patience:g} s on {maddr}") from error
        except BaseException:
            await drop(raw_conn)
            raise
        return muxed

    async def add_conn(self, muxed_conn: IMuxedConn, direction: str = "unknown") -> SwarmConn:
        """Register a connection of any transport once the gate has a place for it; `TurnedAway` when it has none.

        May close another connection first, which takes up to `closing.PATIENCE`.
        """
        if self._registered(muxed_conn) is not None:
            return await super().add_conn(muxed_conn, direction)
        peer, outbound = str(muxed_conn.peer_id), direction == "outbound"
        try:
            async with self.gate.place(id(muxed_conn), peer, _address(muxed_conn), outbound=outbound):
                return await super().add_conn(muxed_conn, direction)
        except BaseException as error:
            if not muxed_conn.is_closed:  # refused, or cancelled while it waited for its place
                await drop(muxed_conn, error.refusal.code if isinstance(error, TurnedAway) else "")
            raise

    def _registered(self, muxed: IMuxedConn) -> SwarmConn | None:
        for conn in self.get_connections(muxed.peer_id):
            if conn.muxed_conn is muxed and isinstance(conn, SwarmConn):
                return conn
        return None

    def guard_streams(self, config: NetConfig) -> None:
        """Bound the streams a peer opens on a connection, and let a failing one fail alone."""
        self.set_stream_handler(_guarded(self.common_stream_handler, self.gate, config))


def _guarded(accept: StreamHandlerFn, gate: Gate, config: NetConfig) -> StreamHandlerFn:
    meters: weakref.WeakKeyDictionary[SwarmConn, StreamMeter] = weakref.WeakKeyDictionary()
    limit, rate, burst = config.max_streams_per_connection, config.stream_rate_per_s, config.stream_burst

    def judged(conn: SwarmConn) -> Verdict:
        now = trio.current_time()
        meter = meters.setdefault(conn, StreamMeter(limit, rate, burst, now))
        return meter.opened(len(conn.streams), now)

    async def handle(stream: INetStream) -> None:
        assert isinstance(stream, NetStream)
        peer, conn = stream.muxed_conn.peer_id, stream.swarm_conn
        verdict = Verdict.SERVE if conn is None else judged(conn)
        if conn is not None and verdict is Verdict.CLOSE:
            reason = f"it opened more than {rate:g} streams a second"
            await gate.give_up(id(conn.muxed_conn), Refusal("rate", reason))
            return
        if verdict is Verdict.RESET:
            gate.refused(str(peer), "", Refusal("stream_limit", f"it holds more than {limit} streams open"))
            await stream.reset()
            return
        try:
            await accept(stream)
        except Exception as error:  # noqa: BLE001 - an error here would stop the swarm for everybody
            _log.info("stream from %s ended in its negotiation: %r", peer, error)
            await stream.reset()

    return handle


def _address(conn: IRawConnection | IMuxedConn) -> str:
    """Remote multiaddr of a connection, empty when its transport does not know."""
    known = conn.get_transport_addresses()
    return str(known[0]) if known else ""


async def _goodbye_said(muxed: IMuxedConn) -> None:
    """Wait until a connection that begins to close has said why; a peer that reads nothing is not waited for."""
    closed = getattr(muxed, "event_closed", None)
    if isinstance(closed, trio.Event):
        with trio.move_on_after(PATIENCE):
            await closed.wait()


def _source(stream: ReadWriteCloser) -> str:
    """Multiaddr where an accepted stream comes from, as far as limits need it."""
    remote = stream.get_remote_address()
    if remote is None:
        return ""
    return f"/{'ip6' if ':' in remote[0] else 'ip4'}/{remote[0]}"
