"""One node's part in the DHT: looking others up, and telling the servers nearest to it where it is.

Nobody is dialled but the servers of a walk under way, at most `lookup.PARALLEL` at a time; a connection made for a walk
is closed after it. When there is no room for another connection, that server counts as silent.
"""

import logging
import random
from collections.abc import Callable, Sequence

import trio

from whatnext.errors import ConnectionLost, NetworkError, PeerError, UserError
from whatnext.net.addresses import peer_in
from whatnext.net.dht.lookup import PARALLEL, Lookup, Server
from whatnext.net.dht.messages import MAX_BYTES, PROTOCOL, FindNode, decode_answer, encode_question
from whatnext.net.dht.server import DhtServer
from whatnext.net.dht.table import RoutingTable
from whatnext.net.framing import framed, read_message
from whatnext.net.network import Network
from whatnext.net.peer_records import PeerRecord, own_record

_log = logging.getLogger(__name__)

QUESTION_S = 4.0
"""How long one server may take, dialling included."""
RENEW_S = 20 * 60.0
"""Between two announcements of the own record, which servers keep for an hour."""
RETRY_S = 15.0
"""Pause after an announcement that reached nobody; twice as long each time, up to `RENEW_S`."""
SETTLE_S = 0.5
"""Wait after a wake: several things change together."""


class DhtNode:
    """Takes part as a client, or with `server` also answers. `roots` are multiaddrs of servers known beforehand.

    Servers are also found among connected peers: who told through identify that it speaks the protocol.
    """

    def __init__(
        self,
        network: Network,
        roots: Callable[[], Sequence[str]],
        server: DhtServer | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._network = network
        self._roots = roots
        self._server = server
        self._table = RoutingTable(network.peer) if server is None else server.table
        self._rng = rng or random.SystemRandom()
        self._wake = trio.Event()

    def wake(self) -> None:
        """Announce anew soon: addresses changed, or a server came."""
        self._wake.set()

    async def run(self) -> None:
        """Keep this node's record at the servers nearest to it, until cancelled."""
        retry = RETRY_S
        while True:
            self._wake = trio.Event()
            pause = RENEW_S if await self.announce() else retry
            retry = min(2 * retry, RENEW_S) if pause == retry else RETRY_S
            with trio.move_on_after(pause * self._rng.uniform(0.8, 1.2)):
                await self._wake.wait()
                retry = RETRY_S
                await trio.sleep(SETTLE_S)

    async def announce(self) -> int:
        """Tell the servers nearest to this node where it is; return how many know now."""
        record = own_record(self._network)
        asked = FindNode(self._network.peer, record.sealed, is_serving=self._server is not None)
        lookup = Lookup(self._network.peer, self._network.peer, self._start(), is_wanted=False)
        await self._walk(lookup, asked)
        return lookup.answers

    async def find(self, peer: str) -> Sequence[str]:
        """Addresses in a peer's own signed record; () when the servers nearest to it do not know it.

        Raises `ConnectionLost` when no server could be asked. Cancelling ends the walk and its connections.
        """
        start = [server for server in self._start() if server.peer != peer]
        lookup = Lookup(self._network.peer, peer, start, is_wanted=True)
        known = self._known(peer)
        await self._walk(lookup, FindNode(peer))
        records = [record for record in (known, lookup.found) if record is not None]
        if not records and not lookup.answers:
            raise ConnectionLost("no node that serves the DHT is connected, known or set up as a relay")
        return max(records, key=lambda record: record.seq).addresses if records else ()

    def servers_here(self) -> set[str]:
        """Connected peers that answer the DHT's questions, as they told through identify."""
        connected = {connection.peer for connection in self._network.connections()}
        return {peer for peer in connected if PROTOCOL in self._network.protocols_of(peer)}

    def _known(self, peer: str) -> PeerRecord | None:
        kept = None if self._server is None else self._server.records.get(peer, trio.current_time())
        return kept or self._table.get(peer)

    def _start(self) -> list[Server]:
        servers = {record.peer: Server(record.peer, record.addresses) for record in self._table.all()}
        for root in self._roots():
            peer = peer_in(root)
            if peer is not None:
                before = servers.get(peer, Server(peer))
                servers[peer] = Server(peer, (*dict.fromkeys((root, *before.addresses)),))
        for peer in self.servers_here():
            servers.setdefault(peer, Server(peer))
        return list(servers.values())

    async def _walk(self, lookup: Lookup, asked: FindNode) -> None:
        dialled: set[str] = set()
        ended, progress = trio.open_memory_channel[None](PARALLEL)
        try:
            async with trio.open_nursery() as nursery:
                while not lookup.is_done:
                    for server in lookup.next():
                        nursery.start_soon(self._step, lookup, server, asked, dialled, ended)
                    await progress.receive()
                nursery.cancel_scope.cancel()  # enough is known: who is still asked need not answer
        finally:
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as nursery:
                    for peer in dialled:
                        nursery.start_soon(self._network.hang_up, peer, "the DHT was asked, nothing else")

    async def _step(
        self,
        lookup: Lookup,
        server: Server,
        asked: FindNode,
        dialled: set[str],
        ended: trio.MemorySendChannel[None],
    ) -> None:
        try:
            with trio.fail_after(QUESTION_S):
                records = await self._ask(server, asked, dialled)
        except (NetworkError, PeerError, UserError, trio.TooSlowError) as error:
            _log.debug("it did not answer the DHT: %s", error or "too slow", extra={"peer": server.peer})
            self._table.remove(server.peer)
            lookup.failed(server.peer)
        else:
            for record in records:
                if record.peer == server.peer:  # its own word, and it serves: it just did
                    self._table.add(record)
            lookup.answered(server.peer, records)
        ended.send_nowait(None)

    async def _ask(self, server: Server, asked: FindNode, dialled: set[str]) -> Sequence[PeerRecord]:
        if await self._network.visit(server.peer, server.addresses):
            dialled.add(server.peer)
        stream = await self._network.open_stream(server.peer, [PROTOCOL], QUESTION_S)
        async with stream:
            await stream.send_all(framed(encode_question(asked)))
            return decode_answer(await read_message(stream, MAX_BYTES)).records
