"""Messages of Circuit Relay v2 as a relay reads and writes them; bytes in, bytes out.

https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md. A client's half is `whatnext.net.circuits.messages`.
Every decoder raises `ProtocolViolation` for anything else.
"""

from typing import TypeVar

import base58
import msgspec
from google.protobuf.message import DecodeError, Message
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb

from whatnext.errors import ProtocolViolation
from whatnext.net.packed_addresses import packed
from whatnext.relay.circuits import CircuitLimit, Status

M = TypeVar("M", bound=Message)

_MAX_PEER_ID = 64  # bytes; the longest in use, of an inlined key, has 42


class UnexpectedMessage(ProtocolViolation):
    """A message of the specification, and not one that belongs here."""


class Reserve(msgspec.Struct, frozen=True):
    """A client asks to be reachable here; who it is, its connection says."""


class Connect(msgspec.Struct, frozen=True):
    """A client asks for a circuit to the peer `target`."""

    target: str


class Granted(msgspec.Struct, frozen=True):
    """A reservation: until when (seconds since 1970), the relay's multiaddrs with its `/p2p/`, the voucher."""

    expires: int
    addresses: tuple[str, ...]
    voucher: bytes


def decode_request(data: bytes) -> Reserve | Connect:
    """What a client wants; raises `UnexpectedMessage` when it answers instead of asking.

    Any peer id in a RESERVE is ignored: stock 0.8.1 believes it, so that one client can fill the table.
    """
    message = _parsed(pb.HopMessage(), data)
    if message.type == pb.HopMessage.RESERVE:
        return Reserve()
    if message.type == pb.HopMessage.CONNECT:
        return Connect(_peer_text(message.peer.id))
    raise UnexpectedMessage("a relay is asked RESERVE or CONNECT, and this is neither")


def encode_status(status: Status, limit: CircuitLimit | None = None) -> bytes:
    """STATUS, to the client: a refusal, or a circuit with its limit."""
    message = pb.HopMessage(type=pb.HopMessage.STATUS, status=pb.Status.ValueType(status))
    _put_limit(message, limit)
    return message.SerializeToString()


def encode_granted(granted: Granted, limit: CircuitLimit) -> bytes:
    """STATUS, to the client: its reservation, and the limit of each circuit."""
    message = pb.HopMessage(type=pb.HopMessage.STATUS, status=pb.Status.ValueType(Status.OK))
    message.reservation.expire = granted.expires
    message.reservation.addrs.extend(map(packed, granted.addresses))
    message.reservation.voucher = granted.voucher
    _put_limit(message, limit)
    return message.SerializeToString()


def encode_call(source: str, limit: CircuitLimit) -> bytes:
    """CONNECT, to the peer that is called: `source` is who calls."""
    message = pb.StopMessage(type=pb.StopMessage.CONNECT, peer=pb.PeerId(id=base58.b58decode(source)))
    _put_limit(message, limit)
    return message.SerializeToString()


def decode_call_answer(data: bytes) -> int:
    """Status with which the called peer answered; may be one this version does not know."""
    message = _parsed(pb.StopMessage(), data)
    if message.type != pb.StopMessage.STATUS:
        raise ProtocolViolation("a called peer answers STATUS, and this is something else")
    return int(message.status)


def _parsed(message: M, data: bytes) -> M:
    try:
        message.ParseFromString(data)
    except (DecodeError, ValueError) as error:
        raise ProtocolViolation(f"no circuit relay message: {error}") from error
    if not message.HasField("type"):
        raise ProtocolViolation("a circuit relay message without its type")
    return message


def _peer_text(raw: bytes) -> str:
    if not 2 < len(raw) <= _MAX_PEER_ID:
        raise ProtocolViolation(f"a PeerID of {len(raw)} bytes")
    return base58.b58encode(raw).decode("ascii")


def _put_limit(message: pb.HopMessage | pb.StopMessage, limit: CircuitLimit | None) -> None:
    if limit is not None:
        message.limit.duration = limit.duration_s
        message.limit.data = limit.bytes
