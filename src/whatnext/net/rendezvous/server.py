"""A meeting point: serves the rendezvous protocol on a network."""

import logging

import trio

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.net.addresses import ip_of
from whatnext.net.framing import framed, read_message
from whatnext.net.network import Network
from whatnext.net.rendezvous.messages import (
    PROTOCOL,
    Discover,
    Discovered,
    Register,
    Registered,
    Unregister,
    decode,
    encode,
)
from whatnext.net.rendezvous.table import Limits, Table
from whatnext.net.streams import Stream

_log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 8192
IDLE_S = 60.0
"""How long a stream may stay silent between requests."""
_TICK_S = 60.0


class RendezvousServer:
    """Answers peers on this network from the moment it is made."""

    def __init__(self, network: Network, limits: Limits | None = None) -> None:
        self.table = Table(limits)
        self._network = network
        network.handle(PROTOCOL, self._serve)

    async def run(self) -> None:
        """Forget expired entries, until cancelled; without it they only go when room is needed."""
        while True:
            await trio.sleep(_TICK_S)
            self.table.tick(trio.current_time())

    async def _serve(self, stream: Stream) -> None:
        while True:
            try:
                with trio.fail_after(IDLE_S):
                    asked = decode(await read_message(stream, MAX_REQUEST_BYTES))
                    answer = self._answer(stream.peer, asked)
                    if answer is not None:
                        await stream.send_all(framed(encode(answer)))
            except ConnectionLost:
                return  # it asked all it wanted, or is gone
            except (ProtocolViolation, trio.TooSlowError) as error:
                _log.info("no rendezvous request: %s", error or "too slow", extra={"peer": stream.peer})
                await stream.reset()
                return

    def _answer(self, peer: str, asked: object) -> Registered | Discovered | None:
        now = trio.current_time()
        match asked:
            case Register():
                return self.table.register(peer, self._host_of(peer), asked, now)
            case Discover():
                return self.table.discover(peer, asked, now)
            case Unregister():
                self.table.unregister(peer, asked)
                return None
        raise ProtocolViolation("an answer where a request was expected")

    def _host_of(self, peer: str) -> str:
        """IP address a peer comes from (an IPv6 network of 64 bits counts as one), or its id behind a relay."""
        for connection in self._network.connections():
            ip = ip_of(connection.address) if connection.peer == peer else None
            if ip is not None and connection.path != "relay":
                return str(ip) if ip.version == 4 else ip.exploded[:19]
        return peer
