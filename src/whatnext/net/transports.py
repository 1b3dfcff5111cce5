"""Which transports run, and TCP and WebSocket of py-libp2p carrying our `Carrier` instead of their raw streams."""

import importlib.util
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio
from libp2p.abc import IListener, ITransport
from libp2p.crypto.keys import PrivateKey
from libp2p.custom_types import THandler
from libp2p.io.abc import ReadWriteCloser
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.transport.tcp.tcp import TCP, TCPListener
from libp2p.transport.upgrader import TransportUpgrader
from libp2p.transport.websocket.connection import P2PWebSocketConnection
from libp2p.transport.websocket.multiaddr_utils import ParsedWebSocketMultiaddr
from libp2p.transport.websocket.transport import WebsocketConfig, WebsocketTransport
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.errors import LocalError
from whatnext.net.addresses import Kind, kind_of, transport_of
from whatnext.net.carrier import Carrier, over_tcp, over_websocket
from whatnext.net.config import NetConfig

NEAR_TCP_S = 3.0
"""How long a near device's kernel may take to accept a connection: time for two lost packets."""
NEAR_WEBSOCKET_S = 5.0
"""Likewise, and its program to answer the upgrade."""


def chosen(key: PrivateKey, upgrader: TransportUpgrader, config: NetConfig) -> list[ITransport]:
    """TCP and WebSocket always; QUIC and WebRTC when an address of theirs is listened on, and loaded only then.

    Raises `LocalError` when WebRTC is wanted and its extra is not installed.
    """
    transports: list[ITransport] = [SafeTCP(), SafeWebsocket(upgrader, config.dial_timeout_s)]
    wanted = {transport_of(address) for address in config.listen}
    patience = config.handshake_timeout_s
    if "quic-v1" in wanted:
        from whatnext.net.quic_transport import SafeQuic

        transports.append(SafeQuic(key, handshake_timeout_s=patience))
    if "webrtc-direct" in wanted:
        if importlib.util.find_spec("aiortc") is None:
            raise LocalError("WebRTC needs aiortc, which is missing: run `pip install whatnext[webrtc]`")
        from whatnext.net.webrtc_transport import SafeWebRtc

        streams = config.max_streams_per_connection
        kept = config.webrtc_certificate or None
        transports.append(
            SafeWebRtc(key, handshake_timeout_s=patience, max_streams=streams, certificate=kept)
        )
    return transports


def raw_connection(carrier: Carrier, *, initiator: bool, transport: str) -> RawConnection:
    """Wrap a carrier for the upgrade to Noise, with its real remote address (`transport` is `tcp`, `ws` or `wss`)."""
    remote = carrier.get_remote_address()
    if remote is None:
        return RawConnection(carrier, initiator)
    host, port = remote
    family, suffix = "ip6" if ":" in host else "ip4", "" if transport == "tcp" else f"/{transport}"
    return RawConnection(carrier, initiator, addresses=[Multiaddr(f"/{family}/{host}/tcp/{port}{suffix}")])


def _carried(handler: THandler, wrap: Callable[[ReadWriteCloser], Carrier]) -> THandler:
    async def handle(stream: ReadWriteCloser) -> None:
        await handler(wrap(stream))

    return handle


@contextmanager
def _patience(maddr: Multiaddr, near_s: float) -> Iterator[None]:
    """`trio.TooSlowError` after so long at a near address: one of another network leads nowhere, without a sign.

    A dial waits for its slowest address before it is tried again, also where a relay would be back by then.
    """
    near = kind_of(str(maddr)) in (Kind.LAN, Kind.LOOPBACK)
    with trio.fail_after(near_s if near else math.inf):
        yield


class SafeTCP(TCP):
    """TCP whose connections are carriers."""

    async def dial(self, maddr: Multiaddr) -> RawConnection:
        """Connect; `OpenConnectionError` as in py-libp2p."""
        with _patience(maddr, NEAR_TCP_S):
            raw = await super().dial(maddr)
        assert isinstance(raw, RawConnection)
        return raw_connection(over_tcp(raw.stream), initiator=True, transport="tcp")

    async def dial_with_source(self, maddr: Multiaddr, source: tuple[str, int]) -> RawConnection:
        """Connect from a given local address (hole punching)."""
        raw = await super().dial_with_source(maddr, source)
        assert isinstance(raw, RawConnection)
        return raw_connection(over_tcp(raw.stream), initiator=True, transport="tcp")

    def create_listener(self, handler_function: THandler) -> TCPListener:
        """Listener that hands out carriers."""
        return super().create_listener(_carried(handler_function, over_tcp))


class SafeWebsocket(WebsocketTransport):
    """WebSocket whose connections are carriers, and which never asks the environment for a proxy.

    Stock 0.8.1 keeps every dialled connection in a table it never empties, and prints to stdout when it finds a
    proxy; `_create_connection` does both, so it is replaced by its last step.
    """

    def __init__(self, upgrader: TransportUpgrader, handshake_timeout: float) -> None:
        super().__init__(upgrader, WebsocketConfig(handshake_timeout=handshake_timeout))

    async def _create_connection(
        self, proto_info: ParsedWebSocketMultiaddr, proxy_url: str | None = None
    ) -> P2PWebSocketConnection:
        context = self._default_client_ssl_context() if proto_info.is_wss else None
        return await self._create_direct_connection(proto_info, context)

    async def dial(self, maddr: Multiaddr) -> RawConnection:
        """Connect; `OpenConnectionError` as in py-libp2p."""
        with _patience(maddr, NEAR_WEBSOCKET_S):
            raw = await super().dial(maddr)
        transport = "wss" if "/wss" in str(maddr) or "/tls" in str(maddr) else "ws"
        return raw_connection(over_websocket(raw.stream), initiator=True, transport=transport)

    def create_listener(self, handler: THandler) -> IListener:
        """Listener that hands out carriers."""
        return super().create_listener(_carried(handler, over_websocket))
