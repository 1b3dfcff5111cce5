"""The messages of Circuit Relay v2 as a client writes and reads them; bytes in, bytes out.

https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md#protobuf. Each is a protobuf behind its length.
"""

import msgspec
from google.protobuf.message import DecodeError
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, PeerId, Status, StopMessage
from libp2p.relay.circuit_v2.pb.circuit_pb2 import Limit as WireLimit

from whatnext.errors import ProtocolViolation
from whatnext.net.packed_addresses import unpacked

HOP = "/libp2p/circuit/relay/0.2.0/hop"
STOP = "/libp2p/circuit/relay/0.2.0/stop"
MAX_MESSAGE = 4096
"""Bytes of one message (the spec's number)."""
MAX_RELAY_ADDRESSES = 8
"""Addresses believed from one reservation."""

_SENTENCES = {
    Status.RESERVATION_REFUSED: "the relay grants no reservation now",
    Status.RESOURCE_LIMIT_EXCEEDED: "the relay is full or a limit of it is reached",
    Status.PERMISSION_DENIED: "the relay does not let this device in: its host has to allow it",
    Status.CONNECTION_FAILED: "the relay could not reach the peer: it is just leaving, or turned the relay away",
    Status.NO_RESERVATION: "the peer is not at this relay: it is offline, or uses another relay",
    Status.MALFORMED_MESSAGE: "the relay could not read what we asked",
    Status.UNEXPECTED_MESSAGE: "the relay did not expect what we asked",
}


class Limit(msgspec.Struct, frozen=True):
    """What one circuit may last, in seconds, and carry each way, in bytes; None is no limit."""

    duration_s: int | None = None
    data_bytes: int | None = None


class Reservation(msgspec.Struct, frozen=True):
    """A place at a relay: until when (seconds since the epoch), at which addresses, what circuits may cost."""

    expires_at: float
    addresses: tuple[str, ...]
    limit: Limit


class Refusal(msgspec.Struct, frozen=True):
    """The relay said no; `status` is the spec's number."""

    status: int

    def __str__(self) -> str:
        return _SENTENCES.get(Status.ValueType(self.status), f"the relay refused with status {self.status}")


class Call(msgspec.Struct, frozen=True):
    """A relay says that this peer calls. Only the handshake proves it."""

    peer: str
    limit: Limit


def reserve() -> bytes:
    """Ask for a reservation; the relay takes it for whoever the connection belongs to."""
    return HopMessage(type=HopMessage.RESERVE).SerializeToString()


def connect(peer: str) -> bytes:
    """Ask for a circuit to a peer."""
    target = PeerId(id=ID.from_string(peer).to_bytes())
    return HopMessage(type=HopMessage.CONNECT, peer=target).SerializeToString()


def accept() -> bytes:
    """Take a call."""
    return StopMessage(type=StopMessage.STATUS, status=Status.OK).SerializeToString()


def refuse(status: Status.ValueType) -> bytes:
    """Turn a call away."""
    return StopMessage(type=StopMessage.STATUS, status=status).SerializeToString()


def read_reservation(body: bytes) -> Reservation | Refusal:
    """The answer to `reserve`; raises `ProtocolViolation` when it is none."""
    message = _hop_status(body)
    if message.status != Status.OK:
        return Refusal(message.status)
    given = message.reservation
    addresses = tuple(unpacked(given.addrs[:MAX_RELAY_ADDRESSES]))
    return Reservation(float(given.expire), addresses, _limit(message.limit))


def read_connected(body: bytes) -> Limit | Refusal:
    """The answer to `connect`; raises `ProtocolViolation` when it is none."""
    message = _hop_status(body)
    return _limit(message.limit) if message.status == Status.OK else Refusal(message.status)


def read_call(body: bytes) -> Call:
    """What a relay says on a stop stream; raises `ProtocolViolation` when it is no call."""
    message = StopMessage()
    try:
        message.ParseFromString(body)
        peer = str(ID(message.peer.id)) if message.peer.id else ""
    except (DecodeError, ValueError) as error:
        raise ProtocolViolation(f"a relay sent a stop message that cannot be read: {error}") from error
    if message.type != StopMessage.CONNECT or not message.HasField("type") or not peer:
        raise ProtocolViolation("a relay opened a stop stream without saying who calls")
    return Call(peer, _limit(message.limit))


def _hop_status(body: bytes) -> HopMessage:
    message = HopMessage()
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        raise ProtocolViolation(f"the relay answered with what is no message: {error}") from error
    if message.type != HopMessage.STATUS or not message.HasField("status"):
        raise ProtocolViolation("the relay answered without a status")
    return message


def _limit(wire: WireLimit) -> Limit:
    return Limit(wire.duration or None, wire.data or None)
