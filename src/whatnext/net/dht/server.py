"""Answering the DHT's questions."""

import logging

import trio

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.net.dht.messages import (
    MAX_CLOSER,
    PROTOCOL,
    FindNode,
    Nodes,
    decode_question,
    encode_answer,
)
from whatnext.net.dht.table import Records, RoutingTable, key_of
from whatnext.net.framing import framed, read_message
from whatnext.net.network import Network
from whatnext.net.peer_records import PeerRecord, own_record, unseal
from whatnext.net.streams import Stream
from whatnext.rates import Buckets

_log = logging.getLogger(__name__)

MAX_QUESTION_BYTES = 8192
IDLE_S = 30.0
RATE, BURST = 5.0, 100.0
"""Questions a second and peer, and at once; a node asks a server two or three in 20 minutes."""
MAX_CALLERS = 4096
_TICK_S = 60.0
_OWN_AGE_S = 30.0


class DhtServer:
    """Answers peers on this network from the moment it is made; `table` also serves this node's own lookups."""

    def __init__(self, network: Network) -> None:
        self.table = RoutingTable(network.peer)
        self.records = Records(network.peer)
        self._network = network
        self._own: tuple[float, PeerRecord | None] = (0.0, None)
        self._callers = Buckets(RATE, BURST, MAX_CALLERS)
        network.handle(PROTOCOL, self._serve)

    async def run(self) -> None:
        """Forget records that were not renewed, until cancelled."""
        while True:
            await trio.sleep(_TICK_S)
            self.records.tick(trio.current_time())

    def answer(self, peer: str, asked: FindNode, now: float) -> Nodes:
        """What to tell a connected peer; `ProtocolViolation` when it asks too often or shows another's record."""
        if not self._callers.take(peer, 1, now):
            raise ProtocolViolation("too many questions")
        if asked.record:
            record = unseal(asked.record)
            if record.peer != peer:
                raise ProtocolViolation(f"it shows the record of {record.peer} as its own")
            self.records.put(record, now)
            if asked.is_serving:
                self.table.add(record)
        own = self.records.get(asked.peer, now) or self.table.get(asked.peer)
        near = [each for each in self.table.nearest(key_of(asked.peer), MAX_CLOSER) if each.peer != peer]
        others = [each for each in near if each.peer != asked.peer]
        return Nodes((*([own] if own else []), self._own_record(now), *others)[:MAX_CLOSER])

    def _own_record(self, now: float) -> PeerRecord:
        """Own word, so that who asked here can name this server to others; signed anew at most twice a minute."""
        made, record = self._own
        if record is None or now - made > _OWN_AGE_S:
            record = own_record(self._network)
            self._own = (now, record)
        return record

    async def _serve(self, stream: Stream) -> None:
        while True:
            try:
                with trio.fail_after(IDLE_S):
                    asked = decode_question(await read_message(stream, MAX_QUESTION_BYTES))
                    nodes = self.answer(stream.peer, asked, trio.current_time())
                    await stream.send_all(framed(encode_answer(nodes)))
            except ConnectionLost:
                return  # it asked all it wanted, or is gone
            except (ProtocolViolation, trio.TooSlowError) as error:
                _log.info("no DHT question: %s", error or "too slow", extra={"peer": stream.peer})
                await stream.reset()
                return
