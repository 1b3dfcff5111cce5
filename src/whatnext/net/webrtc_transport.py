"""WebRTC-direct of py-libp2p, carrying `SafeWebRtcConnection`s. Loaded only when such an address is listened on."""

from typing import Any

from libp2p.crypto.keys import PrivateKey
from libp2p.custom_types import THandler
from libp2p.transport.exceptions import OpenConnectionError
from libp2p.transport.webrtc import _aiortc_helpers
from libp2p.transport.webrtc._asyncio_bridge import AsyncioBridge
from libp2p.transport.webrtc.config import WebRTCTransportConfig
from libp2p.transport.webrtc.connection import WebRTCConnection
from libp2p.transport.webrtc.exceptions import WebRTCConnectionError
from libp2p.transport.webrtc.listener import WebRTCDirectListener
from libp2p.transport.webrtc.transport import WebRTCDirectTransport
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.net.accepting import contained
from whatnext.net.webrtc_bridge import Bridge
from whatnext.net.webrtc_certificate import read
from whatnext.net.webrtc_connections import SafeWebRtcConnection


class _Ours(WebRTCTransportConfig):
    """Marks the connections of our own transport, for `_wire`."""


class SafeWebRtc(WebRTCDirectTransport):
    """WebRTC-direct with our connections, dialling and listening."""

    def __init__(
        self,
        key: PrivateKey,
        *,
        handshake_timeout_s: float,
        max_streams: int,
        certificate: bytes | None = None,
    ) -> None:
        """`certificate` is PEM, as `webrtc_certificate.made` gives it; without one there is a new one."""
        config = _Ours(
            certificate=None if certificate is None else read(certificate),
            handshake_timeout=handshake_timeout_s,
            max_concurrent_streams=max_streams,
        )
        super().__init__(key, config)
        # py-libp2p makes its connections deep inside two functions; both look this one up when they run.
        _aiortc_helpers.wire_pc_to_connection = _wire

    async def _ensure_bridge(self) -> AsyncioBridge:
        async with self._bridge_lock:
            if self._bridge is None:
                self._bridge = Bridge()
                await self._bridge.start()
        return self._bridge

    def create_listener(self, handler_function: THandler) -> "SafeWebRtcListener":
        """Listener that says what it is bound to, and whose failing connections fail alone."""
        return SafeWebRtcListener(
            handler_function=contained(handler_function),
            private_key=self._private_key,
            certificate=self._certificate,
            config=self._config,
            bridge_factory=self._ensure_bridge,
            local_peer_id=self._local_peer_id,
        )

    async def dial(self, maddr: Multiaddr) -> WebRTCConnection:
        """Connect to `…/udp/<port>/webrtc-direct/certhash/<hash>/p2p/<PeerID>`; `OpenConnectionError` when it fails."""
        try:
            return await super().dial(maddr)
        except WebRTCConnectionError as error:
            if "does not match /p2p/" in str(error):
                raise OpenConnectionError(f"Peer ID mismatch: {error}") from error
            raise


class SafeWebRtcListener(WebRTCDirectListener):
    """Says what it is bound to; who announces it replaces a wildcard by the interfaces of that moment.

    0.8.1 does that itself, once and for ever, and gives a socket of IPv4 the addresses of IPv6 as well.
    """

    async def listen(self, maddr: Multiaddr) -> None:
        """Bind to `/ip4/<IP>/udp/<port>/webrtc-direct`."""
        await super().listen(maddr)
        bound = str(maddr).split("/")[1:3]
        told = str(self._listening_addrs[0]).split("/")
        self._listening_addrs[:] = [Multiaddr("/".join(["", *bound, *told[3:]]))]


_stock_wire = _aiortc_helpers.wire_pc_to_connection


def _wire(pc: Any, conn: WebRTCConnection) -> None:
    if not isinstance(conn._config, _Ours):  # noqa: SLF001 - made by a py-libp2p host as it comes (canaries)
        _stock_wire(pc, conn)
        return
    conn.__class__ = SafeWebRtcConnection
    assert isinstance(conn, SafeWebRtcConnection)
    conn.adopt(pc)
