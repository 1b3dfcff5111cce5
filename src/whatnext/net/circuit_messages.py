"""Messages of Circuit Relay v2: what clients, relays and called peers say to each other before a circuit carries bytes.

https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md, with the protobuf classes of py-libp2p 0.8.1. Every
decoder raises `ProtocolViolation` for anything else; it never trusts a length or an id it was not checked for.
"""

import enum
from collections.abc import Sequence
from typing import TypeVar

import base58
import msgspec
from google.protobuf.message import DecodeError, Message
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb
from multiaddr import Multiaddr  # type: ignore[import-untyped]
from multiaddr.exceptions import Error as MultiaddrError  # type: ignore[import-untyped]

from whatnext.errors import ProtocolViolation

M = TypeVar("M", bound=Message)

HOP = "/libp2p/circuit/relay/0.2.0/hop"
STOP = "/libp2p/circuit/relay/0.2.0/stop"
MAX_MESSAGE = 16 * 1024
"""Bytes of one message: room for a voucher and for dozens of addresses; go-libp2p sends at most 4 KiB."""
_MAX_PEER_ID = 64  # bytes; the longest in use, of an inlined key, has 42
_MAX_ADDRESSES = 64


class Status(enum.IntEnum):
    """How a request ended, as the specification numbers it."""

    OK = 100
    RESERVATION_REFUSED = 200
    RESOURCE_LIMIT_EXCEEDED = 201
    PERMISSION_DENIED = 202
    CONNECTION_FAILED = 203
    NO_RESERVATION = 204
    MALFORMED_MESSAGE = 400
    UNEXPECTED_MESSAGE = 401


class CircuitLimit(msgspec.Struct, frozen=True):
    """What one circuit may last (seconds) and carry (bytes each way); 0 is no limit."""

    duration_s: int = 0
    bytes: int = 0


class Reserve(msgspec.Struct, frozen=True):
    """A client asks to be reachable here; who it is, its connection says."""


class Connect(msgspec.Struct, frozen=True):
    """A client asks for a circuit to the peer `target`."""

    target: str


class Reservation(msgspec.Struct, frozen=True):
    """A granted reservation: until when (seconds since 1970), the relay's multiaddrs with its `/p2p/`, the voucher."""

    expires: int
    addresses: tuple[str, ...] = ()
    voucher: bytes = b""


class HopAnswer(msgspec.Struct, frozen=True):
    """A relay's answer; `status` may be a number this version does not know."""

    status: int
    reservation: Reservation | None = None
    limit: CircuitLimit | None = None


class Call(msgspec.Struct, frozen=True):
    """A relay tells that `source` calls; only the Noise handshake that follows proves it."""

    source: str
    limit: CircuitLimit | None = None


def encode_reserve() -> bytes:
    """RESERVE, client to relay."""
    return _bytes(pb.HopMessage(type=pb.HopMessage.RESERVE))


def encode_connect(target: str) -> bytes:
    """CONNECT, client to relay."""
    return _bytes(pb.HopMessage(type=pb.HopMessage.CONNECT, peer=pb.PeerId(id=_peer_bytes(target))))


def decode_hop_request(data: bytes) -> Reserve | Connect:
    """What a client wants of a relay. Any peer id in a RESERVE is ignored: stock 0.8.1 believes it."""
    message = _parsed(pb.HopMessage(), data)
    if message.type == pb.HopMessage.RESERVE:
        return Reserve()
    if message.type == pb.HopMessage.CONNECT:
        return Connect(_peer_text(message.peer.id))
    raise ProtocolViolation("a relay is asked RESERVE or CONNECT, and this is neither")


def encode_hop_answer(answer: HopAnswer) -> bytes:
    """STATUS, relay to client."""
    message = pb.HopMessage(type=pb.HopMessage.STATUS, status=pb.Status.ValueType(answer.status))
    if answer.reservation is not None:
        message.reservation.expire = answer.reservation.expires
        message.reservation.addrs.extend(_multiaddr_bytes(answer.reservation.addresses))
        if answer.reservation.voucher:
            message.reservation.voucher = answer.reservation.voucher
    _put_limit(message, answer.limit)
    return _bytes(message)


def decode_hop_answer(data: bytes) -> HopAnswer:
    """What a relay answered."""
    message = _parsed(pb.HopMessage(), data)
    if message.type != pb.HopMessage.STATUS:
        raise ProtocolViolation("a relay answers STATUS, and this is something else")
    granted = message.reservation if message.HasField("reservation") else None
    return HopAnswer(
        status=int(message.status),
        reservation=granted
        and Reservation(granted.expire, _multiaddr_texts(granted.addrs), bytes(granted.voucher)),
        limit=_limit_of(message),
    )


def encode_call(call: Call) -> bytes:
    """CONNECT, relay to the peer that is called."""
    message = pb.StopMessage(type=pb.StopMessage.CONNECT, peer=pb.PeerId(id=_peer_bytes(call.source)))
    _put_limit(message, call.limit)
    return _bytes(message)


def decode_call(data: bytes) -> Call:
    """Who calls, as the relay says."""
    message = _parsed(pb.StopMessage(), data)
    if message.type != pb.StopMessage.CONNECT:
        raise ProtocolViolation("a relay calls with CONNECT, and this is something else")
    return Call(_peer_text(message.peer.id), _limit_of(message))


def encode_call_answer(status: int) -> bytes:
    """STATUS, from the peer that is called to the relay."""
    return _bytes(pb.StopMessage(type=pb.StopMessage.STATUS, status=pb.Status.ValueType(status)))


def decode_call_answer(data: bytes) -> int:
    """How the called peer answered."""
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


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()


def _peer_text(raw: bytes) -> str:
    if not 2 < len(raw) <= _MAX_PEER_ID:
        raise ProtocolViolation(f"a PeerID of {len(raw)} bytes")
    return base58.b58encode(raw).decode("ascii")


def _peer_bytes(peer: str) -> bytes:
    return base58.b58decode(peer)


def _multiaddr_bytes(addresses: tuple[str, ...]) -> list[bytes]:
    return [Multiaddr(address).to_bytes() for address in addresses]


def _multiaddr_texts(raw: Sequence[bytes]) -> tuple[str, ...]:
    """Those that are multiaddrs: a relay may name kinds of address this version does not know."""
    found = []
    for each in raw[:_MAX_ADDRESSES]:
        try:
            found.append(str(Multiaddr(bytes(each))))
        except (MultiaddrError, ValueError, LookupError):
            continue
    return tuple(found)


def _put_limit(message: pb.HopMessage | pb.StopMessage, limit: CircuitLimit | None) -> None:
    if limit is not None:
        message.limit.duration = limit.duration_s
        message.limit.data = limit.bytes


def _limit_of(message: pb.HopMessage | pb.StopMessage) -> CircuitLimit | None:
    if not message.HasField("limit"):
        return None
    return CircuitLimit(message.limit.duration, message.limit.data)
