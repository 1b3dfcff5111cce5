"""py-libp2p's host with the asking side of identify replaced: bounded, and telling what it hears."""

import logging
from datetime import UTC, datetime
from typing import TypeVar

import trio
from libp2p.abc import INetConn
from libp2p.host.basic_host import BasicHost
from libp2p.identity.update import update_peerstore_from_identify
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.peer.id import ID
from libp2p.rcmgr import Direction

from whatnext.errors import NetworkError, PeerError
from whatnext.net.addresses import Kind, kind_of
from whatnext.net.framing import read_message
from whatnext.net.identify.messages import ASK, MAX_MESSAGE, About, decode, to_wire
from whatnext.net.identify.sightings import Sighting, Sightings
from whatnext.net.muxing import carrier_of
from whatnext.net.negotiation import NoCommonProtocol, open_on
from whatnext.net.peer_records import MAX_BYTES
from whatnext.net.standing import Judge, Standing
from whatnext.net.streams import Stream

_log = logging.getLogger(__name__)
T = TypeVar("T")

PATIENCE_S = 10.0
MAX_REMEMBERED = 256
"""Peers whose program's name is remembered; likewise for their records. Strangers are forgotten first."""


class IdentifyingHost(BasicHost):
    """Asks each peer once a connection, and learns from what it pushes; `agents` are only their claims.

    `records` are what each signed and sealed about its addresses, to be checked by whoever uses them.
    """

    def prepare(self, standing: Judge) -> None:
        """Begin with nothing heard; once, before it runs. `standing` tells whose words are kept longer."""
        self._standing = standing
        self.agents: dict[str, str] = {}
        self.records: dict[str, bytes] = {}
        self.sightings = Sightings()

    async def _identify_peer(self, peer_id: ID, *, reason: str) -> None:
        for conn in self._network.get_connections(peer_id)[:1]:
            try:
                with trio.fail_after(PATIENCE_S):
                    await self._identify_on(conn)
            except (NetworkError, PeerError, NoCommonProtocol, trio.TooSlowError) as error:
                _log.debug("it did not identify itself: %r", error, extra={"peer": str(peer_id)})
            except Exception:  # noqa: BLE001 - the library runs this as a system task: an error would end the process
                _log.exception("identify failed", extra={"peer": str(peer_id)})

    async def _identify_on(self, conn: INetConn) -> None:
        peer_id, about = conn.muxed_conn.peer_id, await _ask(conn)
        await self.learn(str(peer_id), about)
        if self._network.get_connections(peer_id):
            self._identified_peers[peer_id] = datetime.now(UTC).isoformat(timespec="milliseconds")
        if about.observed and kind_of(about.observed) is not Kind.RELAY:
            self.sightings.note(_sighting(conn, about.observed))

    async def learn(self, peer: str, about: About) -> None:
        """Believe what a peer tells of itself, within bounds; of a pushed part only what it names."""
        await update_peerstore_from_identify(self.get_peerstore(), ID.from_string(peer), to_wire(about))
        if about.agent:
            self._remember(self.agents, peer, about.agent)
        if 0 < len(about.record) <= MAX_BYTES:
            self._remember(self.records, peer, about.record)

    def _remember(self, table: dict[str, T], peer: str, told: T) -> None:
        table.pop(peer, None)
        table[peer] = told  # at the end: the first is the oldest
        if len(table) > MAX_REMEMBERED:
            del table[self._least(table)]

    def _least(self, table: dict[str, T]) -> str:
        # PeerIDs cost nothing to make: whoever comes with hundreds must not push out friends, nor have all judged anew.
        strangers = (peer for peer in table if self._standing(peer) <= Standing.STRANGER)
        return next(strangers, None) or min(table, key=self._standing)

    async def _push_identify_to_all_peers(self) -> None:
        """Nothing: `Identify` pushes, in tasks that end with the network."""


async def _ask(conn: INetConn) -> About:
    raw, protocol = await open_on(conn, [ASK], PATIENCE_S)
    async with Stream(raw, protocol, outbound=True, stall_s=PATIENCE_S) as stream:
        return decode(await read_message(stream, MAX_MESSAGE))


def _sighting(conn: INetConn, address: str) -> Sighting:
    secured = getattr(conn.muxed_conn, "secured_conn", None)
    carrier = None if secured is None else carrier_of(secured)
    outbound = isinstance(conn, SwarmConn) and conn.direction is Direction.OUTBOUND
    local = None if carrier is None else carrier.local_port()
    return Sighting(str(conn.muxed_conn.peer_id), address, local, outbound)
