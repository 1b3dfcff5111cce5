"""Closing a connection so that it is gone afterwards, whatever state it is in, and saying why if the peer can be told.

In 0.8.1 a `SwarmConn.close()` that is cancelled leaves the connection in the swarm's table for good, and one whose
peer reads nothing may not end (`tests/net/test_canaries.py`).
"""

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING

import trio
from libp2p.abc import IMuxedConn, INetConn, IRawConnection
from libp2p.network.connection.swarm_connection import SwarmConn

from whatnext.net.carrier import Carrier
from whatnext.net.failures import Failure
from whatnext.net.mplexing import SafeMplex
from whatnext.net.muxing import SafeYamux

if TYPE_CHECKING:
    from whatnext.net.swarm import SafeSwarm

_log = logging.getLogger(__name__)

PATIENCE = 1.5
"""Seconds a close may take before the connection is thrown out by hand."""

GOODBYES = MappingProxyType(
    {
        "full": 0x1001,
        "ip_limit": 0x1001,
        "peer_limit": 0x1001,
        "memory": 0x1001,
        "rate": 0x1002,
        "pruned": 0x1005,
        "blocked": 0x1007,
    }
)
"""libp2p's connection error codes for our refusals, told in yamux's GO_AWAY.

Source: https://github.com/libp2p/specs/pull/623 (proposed; go-libp2p has it)
"""

_HEARD = MappingProxyType(
    {
        0: "the peer closed the connection",
        0x1001: "the peer has no room for this connection",
        0x1002: "the peer closed the connection: too much came from here",
        0x1005: "the peer closed the connection to make room for others",
        0x1007: "the peer refuses this device",
    }
)


def heard(conn: INetConn) -> str | None:
    """What the peer said when it closed the connection, as a sentence; None when it said nothing we know."""
    muxed = conn.muxed_conn
    if not isinstance(muxed, SafeYamux) or muxed.heard is None:
        return None
    return _HEARD.get(muxed.heard)


def gone_again(conn: INetConn) -> Failure:
    """Why a connection that was just made is there no more."""
    known = conn.get_transport_addresses()
    reason = (
        heard(conn) or "it ended the connection at once: it is stopping or full, or it blocks this device"
    )
    return Failure(str(known[0]) if known else "", f"answered, then {reason}", code="turned_away")


async def close_connection(swarm: "SafeSwarm", conn: INetConn, refusal: str = "") -> None:
    """Close politely, cut what hangs, and make sure the swarm forgets it. Takes at most `PATIENCE`; not cancellable.

    `refusal` is the code of a refusal that the peer is to be told.
    """
    with trio.CancelScope(shield=True):
        with trio.move_on_after(PATIENCE):
            _say(conn.muxed_conn, refusal)
            try:
                await conn.close()
            except Exception as error:  # noqa: BLE001 - it is thrown out below all the same
                _log.debug("closing %s: %r", conn.muxed_conn.peer_id, error)
        if isinstance(conn.muxed_conn, SafeYamux | SafeMplex):
            conn.muxed_conn.cut()
        evict(swarm, conn)


async def drop(conn: IRawConnection | IMuxedConn, refusal: str = "") -> None:
    """Close a connection that never entered the swarm's table. Takes at most `PATIENCE`; not cancellable."""
    stream = getattr(conn, "stream", None)
    if isinstance(stream, Carrier):
        stream.cut()
        return
    if isinstance(conn, IMuxedConn):
        _say(conn, refusal)
    with trio.CancelScope(shield=True), trio.move_on_after(PATIENCE):
        try:
            await conn.close()
        except Exception as error:  # noqa: BLE001 - nobody is left who could be told
            _log.debug("dropping a connection: %r", error)
    if isinstance(conn, SafeYamux | SafeMplex):
        conn.cut()


def _say(muxed: IMuxedConn, refusal: str) -> None:
    if isinstance(muxed, SafeYamux) and refusal in GOODBYES:
        muxed.goodbye = GOODBYES[refusal]


def evict(swarm: "SafeSwarm", conn: INetConn) -> None:
    """Take a dead connection out of the swarm's table if py-libp2p left it there."""
    if isinstance(conn, SwarmConn) and conn in swarm.get_connections(conn.muxed_conn.peer_id):
        swarm.remove_conn(conn)
