"""The messages of DCUtR; bytes in, bytes out."""

import enum
from collections.abc import Iterable

import msgspec
from google.protobuf.message import DecodeError
from libp2p.relay.circuit_v2.pb.dcutr_pb2 import HolePunch

from whatnext.errors import ProtocolViolation
from whatnext.net.addresses import Kind, ip_of, kind_of
from whatnext.net.packed_addresses import packed, unpacked

PROTOCOL = "/libp2p/dcutr"
MAX_MESSAGE = 4096
"""Bytes of one message (the spec's number)."""
MAX_TARGETS = 4
"""Addresses dialled for one peer: it may name any, so a liar can make us knock at no more than these."""


class Step(enum.Enum):
    """What a message is for."""

    CONNECT = HolePunch.CONNECT
    SYNC = HolePunch.SYNC


class Message(msgspec.Struct, frozen=True):
    """One message; `addresses` are where its sender believes its NAT lets others in."""

    step: Step
    addresses: tuple[str, ...] = ()


def encode(message: Message) -> bytes:
    """The protobuf, without its length."""
    addresses = [packed(address) for address in message.addresses]
    return HolePunch(type=message.step.value, ObsAddrs=addresses).SerializeToString()


def decode(body: bytes) -> Message:
    """Read a message; raises `ProtocolViolation`. Addresses that cannot be read are left out."""
    wire = HolePunch()
    try:
        wire.ParseFromString(body)
        step = Step(wire.type)
    except (DecodeError, ValueError) as error:
        raise ProtocolViolation(f"a hole punching message that cannot be read: {error}") from error
    if not wire.HasField("type"):
        raise ProtocolViolation("a hole punching message without its type")
    return Message(step, tuple(unpacked(wire.ObsAddrs[:32])))


def targets(addresses: Iterable[str], *, local: bool = False) -> list[str]:
    """The addresses worth knocking at: plain TCP at public IPs, or also at near ones where `local` (tests, labs)."""
    found = []
    for address in addresses:
        parts = address.split("/")
        if ip_of(address) is None or parts[3:4] != ["tcp"] or parts[5:6] not in ([], ["p2p"]):
            continue
        if kind_of(address) is Kind.RELAY:
            continue
        if local or kind_of(address) is Kind.PUBLIC:
            found.append("/".join(parts[:5]))
    return list(dict.fromkeys(found))[:MAX_TARGETS]
