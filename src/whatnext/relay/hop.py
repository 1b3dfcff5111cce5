"""The hop protocol: peers reserve a place here, others ask for circuits to them.

py-libp2p's own server is not used: it keys circuits by peer (one dialler leaving ends another's), believes the peer id
in a RESERVE, and looks at limits only when bytes flow (`docs/notes/note-261122-stock-relay-defects.md`).
"""

import logging
import time
from collections.abc import Iterable

import trio

from whatnext.errors import NetworkError, PeerError, ProtocolViolation
from whatnext.identity import Identity
from whatnext.net import Network, Stream
from whatnext.net.addresses import Kind, kind_of
from whatnext.net.admission.origins import origin_of
from whatnext.net.circuits.messages import HOP, MAX_MESSAGE, STOP
from whatnext.net.framing import framed, read_message
from whatnext.rates import TokenBucket
from whatnext.relay.carrying import Carrying
from whatnext.relay.circuits import Circuit, Ending, Refusal, Reservation, Status, Why
from whatnext.relay.ledger import Ledger
from whatnext.relay.messages import (
    Granted,
    Reserve,
    UnexpectedMessage,
    decode_call_answer,
    decode_request,
    encode_call,
    encode_granted,
    encode_status,
)
from whatnext.relay.switchboard import Switchboard
from whatnext.relay.voucher import voucher

_log = logging.getLogger(__name__)

_LINES_PER_S, _LINES_AT_ONCE = 1.0, 20.0  # a flood of refusals must not become a flood of log lines
UNKNOWN_ORIGIN = "unknown"
"""Peers whose address cannot be told share one allowance."""


class Hop:
    """Serves the hop protocol of one network. Streams are bounded by the switchboard's limits, each in its own task."""

    def __init__(
        self, network: Network, identity: Identity, switchboard: Switchboard, ledger: Ledger
    ) -> None:
        self._network = network
        self._identity = identity
        self._switchboard = switchboard
        self._ledger = ledger
        self._carrying: dict[int, Carrying] = {}
        self._lines = TokenBucket(_LINES_PER_S, _LINES_AT_ONCE, trio.current_time())
        network.handle(HOP, self.serve)

    async def serve(self, stream: Stream) -> None:
        """Answer one request; a circuit lasts until this returns. Cancelling resets it."""
        stream.keep_window_small()
        origin = origin_key(stream.address)
        refusal = self._switchboard.begins(stream.peer, origin, trio.current_time())
        if refusal is not None:
            await self._refuse(stream, refusal)
            return
        try:
            with trio.fail_after(self._switchboard.limits.handshake_s):
                request = decode_request(await read_message(stream, MAX_MESSAGE))
        except trio.TooSlowError:
            await self._refuse(stream, _malformed(Why.SLOW, "you took too long to say what you want"))
            return
        except UnexpectedMessage as error:
            await self._refuse(stream, Refusal(Status.UNEXPECTED_MESSAGE, Why.MALFORMED, str(error)))
            return
        except ProtocolViolation as error:
            await self._refuse(stream, _malformed(Why.MALFORMED, str(error)))
            return
        finally:
            self._switchboard.heard(stream.peer)
        if isinstance(request, Reserve):
            await self._reserve(stream, origin)
        else:
            await self._connect(stream, origin, request.target)

    def stop_circuits(self) -> None:
        """End all circuits now."""
        for carrying in list(self._carrying.values()):
            carrying.stop()

    async def _reserve(self, stream: Stream, origin: str) -> None:
        if not self._network.is_connected(stream.peer):
            return  # its leaving was noted already: a place made now would stay until it expires
        new = stream.peer not in self._switchboard.reservations
        outcome = self._switchboard.reserve(stream.peer, origin, trio.current_time())
        if isinstance(outcome, Refusal):
            await self._refuse(stream, outcome)
            return
        self._ledger.reserved(new=new)
        word, level = ("waits here", logging.INFO) if new else ("goes on waiting", logging.DEBUG)
        _log.log(level, word, extra={"peer": stream.peer, "origin": origin})
        await self._answer(stream, self._granted(outcome))

    def _granted(self, reservation: Reservation) -> bytes:
        limits = self._switchboard.limits
        expires = int(time.time() + reservation.expires - trio.current_time())
        granted = Granted(
            expires, reachable(self._network.addresses()), voucher(self._identity, reservation.peer, expires)
        )
        return encode_granted(granted, limits.of_circuit())

    async def _connect(self, stream: Stream, origin: str, target: str) -> None:
        outcome = self._switchboard.connect(stream.peer, origin, target, trio.current_time())
        if isinstance(outcome, Refusal):
            await self._refuse(stream, outcome)
            return
        try:
            callee = await self._called(outcome)
            if isinstance(callee, Refusal):
                await self._refuse(stream, callee)
            else:
                await self._carry(stream, callee, outcome)
        finally:
            self._switchboard.ended(outcome)

    async def _called(self, circuit: Circuit) -> Stream | Refusal:
        """Ask the target whether it takes the call; the stream to it, or why not."""
        limit = self._switchboard.limits.handshake_s
        callee: Stream | None = None
        try:
            with trio.fail_after(limit):
                callee = await self._network.open_stream(circuit.target, [STOP], timeout_s=limit)
                callee.keep_window_small()
                await callee.send_all(framed(encode_call(circuit.source, circuit.limit)))
                status = decode_call_answer(await read_message(callee, MAX_MESSAGE))
            if status == Status.OK:
                taken, callee = callee, None
                return taken
            return _failed(Why.TARGET_REFUSED, f"that peer did not take the call (status {status})")
        except trio.TooSlowError:
            return _failed(Why.TARGET_SLOW, f"that peer did not answer within {limit:g} s")
        except (NetworkError, PeerError) as error:
            return _failed(Why.TARGET_LOST, f"that peer could not be called: {error}")
        finally:
            if callee is not None:
                await callee.reset()

    async def _carry(self, source: Stream, target: Stream, circuit: Circuit) -> None:
        try:
            await self._answer(source, encode_status(Status.OK, circuit.limit))
        except BaseException:
            await target.reset()
            raise
        carrying = self._carrying[circuit.number] = Carrying(self._switchboard, circuit, source, target)
        told = {"peer": circuit.source, "target": circuit.target, "circuit": circuit.number}
        _log.debug("a circuit begins", extra=told)
        self._ledger.opened()
        ending = Ending.STOPPED
        try:
            ending = await carrying.run()
        finally:
            del self._carrying[circuit.number]
            self._ledger.ended(circuit, ending, trio.current_time())
            carried = circuit.to_target + circuit.to_source
            _log.debug("a circuit ended: %s", ending, extra={**told, "bytes": carried})

    async def _refuse(self, stream: Stream, refusal: Refusal) -> None:
        self._ledger.refused(refusal)
        if self._lines.take(1, trio.current_time()):
            _log.info("refused: %s", refusal.reason, extra={"peer": stream.peer, "why": str(refusal.why)})
        await self._answer(stream, encode_status(refusal.status))

    async def _answer(self, stream: Stream, message: bytes) -> None:
        with trio.move_on_after(self._switchboard.limits.handshake_s) as patience:
            await stream.send_all(framed(message))
        if patience.cancelled_caught:
            await stream.reset()


def origin_key(address: str) -> str:
    """What limits by address count for a connection from this multiaddr."""
    origin = origin_of(address)
    return UNKNOWN_ORIGIN if origin is None else origin.key


def reachable(addresses: Iterable[str]) -> tuple[str, ...]:
    """The addresses that lead here from elsewhere; loopback ones only where there are no others."""
    known = list(addresses)
    return tuple(a for a in known if kind_of(a) is not Kind.LOOPBACK) or tuple(known)


def _malformed(why: Why, reason: str) -> Refusal:
    return Refusal(Status.MALFORMED_MESSAGE, why, reason)


def _failed(why: Why, reason: str) -> Refusal:
    return Refusal(Status.CONNECTION_FAILED, why, reason)
