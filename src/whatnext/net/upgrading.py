"""The upgrade of a raw connection to a secured and muxed one, told step by step: py-libp2p's own, watched.

Every connection that is not born secure (QUIC and WebRTC are) comes through here: dialled, accepted or relayed.
"""

import time

from libp2p.abc import IMuxedConn, IRawConnection, ISecureConn
from libp2p.custom_types import TMuxerOptions, TSecurityOptions
from libp2p.peer.id import ID
from libp2p.stream_muxer.mplex.mplex import Mplex
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.transport.upgrader import TransportUpgrader

from whatnext.net.failures import describe
from whatnext.net.multistream import PromptClient
from whatnext.net.observing import HandshakeFailed, Muxed, Observer, Secured


class ObservedUpgrader(TransportUpgrader):
    """Tells `Secured`, `Muxed` and `HandshakeFailed`; raises and cancels as py-libp2p's own does.

    Each time includes agreeing on the protocol. An accepted connection that is cut after `patience_s` counts as a
    timeout; any other cancellation is nobody's failure (another address won, or the node is closing).
    """

    def __init__(
        self, secure: TSecurityOptions, muxers: TMuxerOptions, patience_s: float, observe: Observer
    ) -> None:
        super().__init__(secure, muxers, max(1, round(patience_s)))
        self.security_multistream._selector.multiselect_client = PromptClient()  # noqa: SLF001 - no other way in
        self._patience_s = patience_s
        self._observe = observe

    async def upgrade_security(
        self, raw_conn: IRawConnection, is_initiator: bool, peer_id: ID | None = None
    ) -> ISecureConn:
        """Agree on Noise and prove both keys."""
        step = _Step(self._observe, "noise", raw_conn, is_initiator, peer_id)
        try:
            secured = await super().upgrade_security(raw_conn, is_initiator, peer_id)
        except BaseException as error:
            step.failed(error, self._patience_s)
            raise
        peer = str(secured.get_remote_peer())
        self._observe(Secured(peer, step.address, step.direction, step.took_ms()))
        return secured

    async def upgrade_connection(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Agree on a muxer and start it."""
        step = _Step(self._observe, "mux", conn, conn.is_initiator, peer_id)
        try:
            muxed = await super().upgrade_connection(conn, peer_id)
        except BaseException as error:
            step.failed(error, self._patience_s)
            raise
        self._observe(Muxed(str(peer_id), step.address, step.direction, muxer_name(muxed), step.took_ms()))
        return muxed


class _Step:
    """One handshake under way."""

    def __init__(
        self,
        observe: Observer,
        stage: str,
        conn: IRawConnection | ISecureConn,
        is_initiator: bool,
        peer: ID | None,
    ) -> None:
        known = conn.get_transport_addresses()
        self.address = str(known[0]) if known else ""
        self.direction = "out" if is_initiator else "in"
        self._observe = observe
        self._stage = stage
        self._peer = None if peer is None else str(peer)
        self._began = time.perf_counter()

    def took_ms(self) -> float:
        """Milliseconds since it began."""
        return 1000 * (time.perf_counter() - self._began)

    def failed(self, error: BaseException, patience_s: float) -> None:
        """Tell why it failed, unless it was only cancelled."""
        took = self.took_ms()
        if isinstance(error, Exception):
            failure = describe(self.address, error)
            code, reason = failure.code, failure.reason
        elif self.direction == "in" and took >= 900 * patience_s:
            code, reason = "timeout", f"it did not finish its handshake within {patience_s:g} s"
        else:
            return
        self._observe(
            HandshakeFailed(self._peer, self.address, self.direction, self._stage, code, reason, took)
        )


def muxer_name(muxed: IMuxedConn) -> str:
    """`yamux`, `mplex`, or the class's own name for one we do not know."""
    if isinstance(muxed, Yamux):
        return "yamux"
    return "mplex" if isinstance(muxed, Mplex) else type(muxed).__name__.lower()
