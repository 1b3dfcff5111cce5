"""The two messages of the dial-back protocol: msgpack arrays behind their length, one each way on a stream.

Receivers ignore elements behind those they know, so a later 1.x may append some.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from whatnext.errors import UNREADABLE, ProtocolViolation

PROTOCOL = "/whatnext/dialback/1.0.0"
MAX_MESSAGE = 4096
MAX_ADDRESSES = 8

Address = Annotated[str, msgspec.Meta(max_length=300)]


class Outcome(StrEnum):
    """What came of one address. Why a dial failed is not told: that would let an asker scan ports through us."""

    REACHED = "reached"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not the IP the asker is seen at, or nothing a server dials."""


class Refusal(StrEnum):
    """Why a server dialled nothing at all."""

    NONE = ""
    BUSY = "busy"
    TOO_OFTEN = "too often"
    UNSEEN = "unseen"
    """The asker comes through a relay or from this very device, so its address is not known."""


class Question(msgspec.Struct, array_like=True, frozen=True):
    """Multiaddrs to dial; `0.0.0.0` and `::` stand for the IP the server sees the asker at."""

    addresses: Annotated[list[Address], msgspec.Meta(max_length=MAX_ADDRESSES)]


class Dialled(msgspec.Struct, array_like=True, frozen=True):
    """One of the addresses asked for, with the IP that was dialled."""

    address: Address
    outcome: Outcome


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """`observed` is the asker's end of this connection; `refusal` says why nothing was dialled."""

    observed: Address
    dialled: Annotated[list[Dialled], msgspec.Meta(max_length=MAX_ADDRESSES)]
    refusal: Refusal = Refusal.NONE


_encode = msgspec.msgpack.Encoder().encode
_question = msgspec.msgpack.Decoder(Question)
_answer = msgspec.msgpack.Decoder(Answer)


def encode(message: Question | Answer) -> bytes:
    """Payload of a message."""
    return _encode(message)


def decode_question(payload: bytes) -> Question:
    """Raises `ProtocolViolation`."""
    try:
        return _question.decode(payload)
    except UNREADABLE as error:
        raise ProtocolViolation(f"no question of {PROTOCOL}: {error}") from error


def decode_answer(payload: bytes) -> Answer:
    """Raises `ProtocolViolation`."""
    try:
        return _answer.decode(payload)
    except UNREADABLE as error:
        raise ProtocolViolation(f"no answer of {PROTOCOL}: {error}") from error
