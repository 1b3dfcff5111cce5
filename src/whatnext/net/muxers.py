"""Agreeing on a stream muxer: yamux first, mplex for peers that have nothing else."""

from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.custom_types import TMuxerOptions, TProtocol
from libp2p.peer.id import ID
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID as MPLEX
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX

from whatnext.net.mplexing import SafeMplex
from whatnext.net.multistream import PromptClient
from whatnext.net.muxing import SafeYamux


class SafeMuxers(MuxerMultistream):
    """Muxer negotiation that makes our muxers: stock 0.8.1 makes its own Yamux whatever class it is given."""

    def __init__(self, negotiate_timeout: int) -> None:
        options: TMuxerOptions = {TProtocol(YAMUX): SafeYamux, TProtocol(MPLEX): SafeMplex}
        super().__init__(options, negotiate_timeout)
        self._selector.multiselect_client = PromptClient()

    async def new_conn(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Agree on a muxer with the other side and start it."""
        protocol, _ = await self._selector.select(conn, conn.is_initiator, self.negotiate_timeout)
        muxed: IMuxedConn
        if protocol == MPLEX:
            muxed = SafeMplex(conn, peer_id)
        else:
            muxed = SafeYamux(conn, peer_id, is_initiator=conn.is_initiator)
        return self._annotate_connection(muxed, conn, protocol)
