"""yamux whose frames are never torn and whose closing always ends.

In 0.8.1 a cancelled write loses a frame *after* Noise has counted it: the other side fails to decrypt the next one
and the whole connection dies, with every stream on it. `tests/net/test_canaries.py` shows it.
"""

import trio
from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.custom_types import TMuxerOptions, TProtocol
from libp2p.peer.id import ID
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream
from libp2p.stream_muxer.yamux.yamux import GO_AWAY_NORMAL, PROTOCOL_ID, Yamux

from whatnext.net.carrier import Carrier

_GO_AWAY_PATIENCE = 0.5  # seconds for the goodbye; a peer that reads nothing does not hold us longer


class SafeYamux(Yamux):
    """yamux with whole frames or none, and a close that cuts the socket when the goodbye does not get through."""

    async def _write_frame(self, data: bytes) -> None:
        # A shield cannot hang: the heartbeat or close() cuts the socket, and the write ends with an error.
        with trio.CancelScope(shield=True):
            async with self._write_lock:
                await self.secured_conn.write(data)

    async def close(self, error_code: int = GO_AWAY_NORMAL) -> None:
        """Say goodbye and close, in bounded time even when the peer reads nothing."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cut_later)
            await super().close(error_code)
            nursery.cancel_scope.cancel()

    async def _cut_later(self) -> None:
        await trio.sleep(_GO_AWAY_PATIENCE)
        self.cut()

    def cut(self) -> None:
        """Close the socket at once, without a goodbye."""
        carrier = carrier_of(self.secured_conn)
        if carrier is not None:
            carrier.cut()


def carrier_of(secured: ISecureConn) -> Carrier | None:
    """Find our carrier beneath a Noise session, or None when something else carries it (a relayed connection)."""
    raw = getattr(getattr(secured, "conn", None), "conn", None)
    stream = getattr(raw, "stream", None)
    return stream if isinstance(stream, Carrier) else None


class SafeMuxers(MuxerMultistream):
    """Muxer negotiation that makes `SafeYamux`: stock 0.8.1 makes its own Yamux whatever class it is given."""

    def __init__(self, negotiate_timeout: int) -> None:
        options: TMuxerOptions = {TProtocol(PROTOCOL_ID): SafeYamux}
        super().__init__(options, negotiate_timeout)

    async def new_conn(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Agree on a muxer with the other side and start it."""
        protocol, _ = await self._selector.select(conn, conn.is_initiator, self.negotiate_timeout)
        return self._annotate_connection(
            SafeYamux(conn, peer_id, is_initiator=conn.is_initiator), conn, protocol
        )
