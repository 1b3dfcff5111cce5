"""WebRTC-direct of py-libp2p, carrying `SafeWebRtcConnection`s. Loaded only when such an address is listened on."""

from typing import Any

from libp2p.crypto.keys import PrivateKey
from libp2p.transport.exceptions import OpenConnectionError
from libp2p.transport.webrtc import _aiortc_helpers
from libp2p.transport.webrtc._asyncio_bridge import AsyncioBridge
from libp2p.transport.webrtc.config import WebRTCTransportConfig
from libp2p.transport.webrtc.connection import WebRTCConnection
from libp2p.transport.webrtc.exceptions import WebRTCConnectionError
from libp2p.transport.webrtc.transport import WebRTCDirectTransport
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.net.webrtc_bridge import Bridge
from whatnext.net.webrtc_connections import SafeWebRtcConnection


class _Ours(WebRTCTransportConfig):
    """Marks the connections of our own transport, for `_wire`."""


class SafeWebRtc(WebRTCDirectTransport):
    """WebRTC-direct with our connections, dialling and listening."""

    def __init__(self, key: PrivateKey, *, handshake_timeout_s: float, max_streams: int) -> None:
        config = _Ours(handshake_timeout=handshake_timeout_s, max_concurrent_streams=max_streams)
        super().__init__(key, config)
        # py-libp2p makes its connections deep inside two functions; both look this one up when they run.
        _aiortc_helpers.wire_pc_to_connection = _wire

    async def _ensure_bridge(self) -> AsyncioBridge:
        async with self._bridge_lock:
            if self._bridge is None:
                self._bridge = Bridge()
                await self._bridge.start()
        return self._bridge

    async def dial(self, maddr: Multiaddr) -> WebRTCConnection:
        """Connect to `…/udp/<port>/webrtc-direct/certhash/<hash>/p2p/<PeerID>`; `OpenConnectionError` when it fails."""
        try:
            return await super().dial(maddr)
        except WebRTCConnectionError as error:
            if "does not match /p2p/" in str(error):
                raise OpenConnectionError(f"Peer ID mismatch: {error}") from error
            raise


_stock_wire = _aiortc_helpers.wire_pc_to_connection


def _wire(pc: Any, conn: WebRTCConnection) -> None:
    if not isinstance(conn._config, _Ours):  # noqa: SLF001 - made by a py-libp2p host as it comes (canaries)
        _stock_wire(pc, conn)
        return
    conn.__class__ = SafeWebRtcConnection
    assert isinstance(conn, SafeWebRtcConnection)
    conn.adopt(pc)
