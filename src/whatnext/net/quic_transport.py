"""QUIC-v1 of py-libp2p, carrying `SafeQuicConnection`s. Loaded only when a QUIC address is listened on."""

import copy

from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import QuicEvent, StopSendingReceived, StreamDataReceived, StreamReset
from libp2p.crypto.keys import PrivateKey
from libp2p.custom_types import TProtocol, TQUICConnHandlerFn
from libp2p.peer.id import ID
from libp2p.transport.exceptions import OpenConnectionError
from libp2p.transport.quic.config import QUICTransportConfig
from libp2p.transport.quic.exceptions import QUICError
from libp2p.transport.quic.listener import QUICListener, QUICPacketInfo
from libp2p.transport.quic.transport import QUICTransport
from libp2p.transport.quic.utils import quic_multiaddr_to_endpoint
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.net.accepting import contained
from whatnext.net.admission.origins import origin_of
from whatnext.net.inbox import WINDOW
from whatnext.net.quic_connections import SafeQuicConnection

_IDLE_S = 30.0  # the heartbeat speaks every 5 s: silence for this long is a dead path even if it were stopped
_HALF_OPEN = 32  # handshakes of strangers at once; py-libp2p has no bound
_HALF_OPEN_PER_IP = (
    8  # of one address; one that is made up costs a place of the 32 all the same, until it is stale
)
_CLIENT = TProtocol("quic-v1_client")
_ABOUT_STREAMS = (StreamDataReceived, StreamReset, StopSendingReceived)


class SafeQuic(QUICTransport):
    """QUIC-v1 only (draft-29 has no user left), with windows as large as those of yamux.

    A peer may open 128 streams, by aioquic's own count; the swarm's guard resets those past our limit.
    """

    def __init__(self, key: PrivateKey, *, handshake_timeout_s: float) -> None:
        config = QUICTransportConfig(
            enable_draft29=False,
            idle_timeout=_IDLE_S,
            CONNECTION_HANDSHAKE_TIMEOUT=handshake_timeout_s,
            STREAM_FLOW_CONTROL_WINDOW=WINDOW,
            CONNECTION_FLOW_CONTROL_WINDOW=2 * WINDOW,
            STREAM_SEND_BUFFER_HIGH_WATERMARK=WINDOW,
        )
        super().__init__(key, config)

    async def dial(self, maddr: Multiaddr) -> SafeQuicConnection:
        """Connect to `…/udp/<port>/quic-v1/p2p/<PeerID>`; `OpenConnectionError` with the reason in its cause."""
        try:
            host, port = quic_multiaddr_to_endpoint(maddr)
            expected = ID.from_string(str(maddr.value_for_protocol("p2p")))
            if self._background_nursery is None:
                raise OpenConnectionError("the network is not running")
            connection = SafeQuicConnection(
                quic_connection=QuicConnection(configuration=copy.copy(self._quic_configs[_CLIENT])),
                remote_addr=(host, port),
                remote_peer_id=expected,
                local_peer_id=self._peer_id,
                is_initiator=True,
                maddr=maddr,
                transport=self,
                security_manager=self._security_manager,
            )
            await connection.connect(self._background_nursery)  # closes itself when it fails or is cancelled
        except (QUICError, OSError) as error:
            raise OpenConnectionError(f"QUIC: {error}") from error
        self._connections[f"{host}:{port}/{id(connection)}"] = connection
        return connection

    def create_listener(self, handler_function: TQUICConnHandlerFn) -> "SafeQuicListener":
        """Listener whose connections are `SafeQuicConnection`s."""
        servers = {name: config for name, config in self._quic_configs.items() if name.endswith("_server")}
        handler = contained(handler_function)
        listener = SafeQuicListener(self, handler, servers, self._config, self._security_manager)
        self._listeners.append(listener)
        return listener


class SafeQuicListener(QUICListener):
    """A listener that loses no early data and keeps few strangers half open, of one address fewer."""

    async def listen(self, maddr: Multiaddr) -> None:
        """Bind; `OpenConnectionError` when that fails, which the swarm understands."""
        try:
            await super().listen(maddr)
        except QUICError as error:
            raise OpenConnectionError(str(error)) from error

    async def _handle_new_connection(
        self, data: bytes, addr: tuple[str, int], packet_info: QUICPacketInfo
    ) -> QuicConnection | None:
        where = self._registry._connection_id_to_addr  # noqa: SLF001 - as stock has no bound, it has no question for it
        half_open = [_origin(where.get(cid)) for cid in await self._registry.get_all_pending_cids()]
        if len(half_open) >= _HALF_OPEN or half_open.count(_origin(addr)) >= _HALF_OPEN_PER_IP:
            return None  # the datagram is dropped: an honest dialler sends it again
        return await super()._handle_new_connection(data, addr, packet_info)

    async def _process_quic_events(
        self, quic_conn: QuicConnection, addr: tuple[str, int], destination_connection_id: bytes
    ) -> None:
        # Stock 0.8.1 takes events off a connection that it is just promoting, and forgets those about streams: what a
        # quick dialler sent together with the end of its handshake is gone. So they wait until it is promoted.
        waiting = quic_conn._events  # noqa: SLF001 - aioquic can only hand out events in order
        early: list[QuicEvent] = [event for event in waiting if isinstance(event, _ABOUT_STREAMS)]
        for event in early:
            waiting.remove(event)
        await super()._process_quic_events(quic_conn, addr, destination_connection_id)
        quic_conn._events.extendleft(reversed(early))  # noqa: SLF001 - likewise
        connection = self._conn_by_quic_id.get(id(quic_conn))
        if connection is not None:
            connection._signal_activity()  # noqa: SLF001 - wakes its loop

    async def _promote_pending_connection(
        self, quic_conn: QuicConnection, addr: tuple[str, int], destination_connection_id: bytes
    ) -> None:
        key = id(quic_conn)
        if key not in self._conn_by_quic_id and key not in self._handler_invoked_quic_ids:
            self._conn_by_quic_id[key] = self._connection(quic_conn, addr, destination_connection_id)
        await super()._promote_pending_connection(quic_conn, addr, destination_connection_id)

    def _connection(self, quic: QuicConnection, addr: tuple[str, int], cid: bytes) -> SafeQuicConnection:
        host, port = addr[0], addr[1]
        family = "ip6" if ":" in host else "ip4"
        return SafeQuicConnection(
            quic_connection=quic,
            remote_addr=addr,
            remote_peer_id=None,
            local_peer_id=self._transport._peer_id,  # noqa: SLF001 - as stock does
            is_initiator=False,
            maddr=Multiaddr(f"/{family}/{host}/udp/{port}/quic-v1"),
            transport=self._transport,
            security_manager=self._security_manager,
            listener_socket=self._socket,
            listener=self,
            listener_connection_id=self._pending_cid_by_quic_id.get(id(quic), cid),
        )


def _origin(addr: tuple[str, int] | None) -> str | None:
    """What limits by address count for a datagram from there."""
    if addr is None:
        return None
    found = origin_of(f"/{'ip6' if ':' in addr[0] else 'ip4'}/{addr[0]}/udp/{addr[1]}")
    return None if found is None else found.key
