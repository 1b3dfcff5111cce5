"""Asking a meeting point. The peer must be connected; every call opens a stream of its own and closes it."""

from collections.abc import Sequence

import trio

from whatnext.errors import ConnectionLost, PeerError, ProtocolViolation, Refused
from whatnext.net.framing import framed, read_message
from whatnext.net.network import Network
from whatnext.net.peer_records import PeerRecord, unseal
from whatnext.net.rendezvous.messages import (
    MAX_BYTES,
    PROTOCOL,
    AnyMessage,
    Discover,
    Discovered,
    Register,
    Registered,
    Status,
    Unregister,
    decode,
    encode,
    namespace_of,
)

ANSWER_S = 6.0
"""How long a meeting point may take."""


class RendezvousClient:
    """Talks to meeting points over one network.

    Methods raise `ConnectionLost` when the point is away or silent, `VersionMismatch` when it does not serve the
    protocol, `Refused` with its words, `ProtocolViolation` when it answers nonsense.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    async def register(self, point: str, record: PeerRecord, ttl_s: int) -> int:
        """Leave word where this node is; return for how many seconds it was granted."""
        asked = Register(namespace_of(record.peer), record.sealed, ttl_s)
        answer = await self._ask(point, asked)
        if not isinstance(answer, Registered):
            raise ProtocolViolation(f"{point} answered a registration with something else")
        _check(point, answer.status, answer.text)
        return answer.ttl or ttl_s

    async def unregister(self, point: str) -> None:
        """Take the word back."""
        await self._ask(point, Unregister(namespace_of(self._network.peer)), is_answered=False)

    async def find(self, point: str, peer: str) -> Sequence[str]:
        """Addresses in the peer's own signed record, () when it did not register there."""
        answer = await self._ask(point, Discover(namespace_of(peer), limit=8))
        if not isinstance(answer, Discovered):
            raise ProtocolViolation(f"{point} answered a question with something else")
        _check(point, answer.status, answer.text)
        records = [record for entry in answer.entries if (record := _of(peer, entry.record)) is not None]
        return max(records, key=lambda record: record.seq).addresses if records else ()

    async def _ask(self, point: str, asked: AnyMessage, *, is_answered: bool = True) -> AnyMessage | None:
        stream = await self._network.open_stream(point, [PROTOCOL], ANSWER_S)
        try:
            with trio.fail_after(ANSWER_S):
                async with stream:
                    await stream.send_all(framed(encode(asked)))
                    if is_answered:
                        return decode(await read_message(stream, MAX_BYTES))
                    await stream.close()
                    await stream.receive_some()  # the other end closes once it has read ours
                    return None
        except trio.TooSlowError as error:
            raise ConnectionLost(f"{point} did not answer within {ANSWER_S:g} s") from error


def _of(peer: str, sealed: bytes) -> PeerRecord | None:
    """The record if it is this peer's own; a meeting point cannot send anybody anywhere else."""
    try:
        record = unseal(sealed)
    except PeerError:
        return None
    return record if record.peer == peer else None


def _check(point: str, status: int, text: str) -> None:
    if status != Status.OK:
        name = Status(status).name if status in Status._value2member_map_ else str(status)
        raise Refused(f"{point} refuses: {name}{f' ({text[:200]})' if text else ''}")
