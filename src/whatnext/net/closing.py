"""Closing a connection so that it is gone afterwards, whatever state it is in.

In 0.8.1 a `SwarmConn.close()` that is cancelled leaves the connection in the swarm's table for good, and one whose
peer reads nothing may not end (`tests/net/test_canaries.py`).
"""

import logging

import trio
from libp2p.abc import INetConn
from libp2p.network.connection.swarm_connection import SwarmConn

from whatnext.net.muxing import SafeYamux
from whatnext.net.swarm import SafeSwarm

_log = logging.getLogger(__name__)

PATIENCE = 1.5
"""Seconds a close may take before the connection is thrown out by hand."""


async def close_connection(swarm: SafeSwarm, conn: INetConn) -> None:
    """Close politely, cut what hangs, and make sure the swarm forgets it. Takes at most `PATIENCE`; not cancellable."""
    with trio.CancelScope(shield=True):
        with trio.move_on_after(PATIENCE):
            try:
                await conn.close()
            except Exception as error:  # noqa: BLE001 - it is thrown out below all the same
                _log.debug("closing %s: %r", conn.muxed_conn.peer_id, error)
        if isinstance(conn.muxed_conn, SafeYamux):
            conn.muxed_conn.cut()
        evict(swarm, conn)


def evict(swarm: SafeSwarm, conn: INetConn) -> None:
    """Take a dead connection out of the swarm's table if py-libp2p left it there."""
    if isinstance(conn, SwarmConn) and conn in swarm.get_connections(conn.muxed_conn.peer_id):
        swarm.remove_conn(conn)
