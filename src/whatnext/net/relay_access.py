"""Showing a relay its token: `/whatnext/relay-access/1.0.0`, once on each connection, before reserving.

Circuit Relay v2 has no field for one. The client sends one frame with the token; the relay answers with one frame and
remembers the yes for as long as that peer is connected. Noise keeps the token from everybody else, and the relay has
proved that it is the PeerID in its address before it sees it. A relay that wants no token answers yes to any.
"""

from typing import Annotated

import msgspec
import trio

from whatnext.errors import UNREADABLE, ConnectionLost, ProtocolViolation, Refused
from whatnext.net.framing import framed, read_message
from whatnext.net.network import Network

PROTOCOL = "/whatnext/relay-access/1.0.0"
MAX_MESSAGE = 1024
"""Bytes of one frame."""
PATIENCE_S = 10.0


class ShowToken(msgspec.Struct, frozen=True):
    """Client to relay."""

    token: Annotated[str, msgspec.Meta(max_length=256)]


class Shown(msgspec.Struct, frozen=True):
    """Relay to client; `reason` is a sentence when it is no."""

    granted: bool
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


def encode(message: ShowToken | Shown) -> bytes:
    """One frame: a msgpack map behind its length."""
    return framed(msgspec.msgpack.encode(message))


def decode_request(body: bytes) -> ShowToken:
    """What a client sent; raises `ProtocolViolation`."""
    try:
        return msgspec.msgpack.decode(body, type=ShowToken)
    except UNREADABLE as error:
        raise ProtocolViolation(f"no token frame: {error}") from error


def decode_answer(body: bytes) -> Shown:
    """What a relay answered; raises `ProtocolViolation`."""
    try:
        return msgspec.msgpack.decode(body, type=Shown)
    except UNREADABLE as error:
        raise ProtocolViolation(f"no answer to a token: {error}") from error


async def show_token(network: Network, relay: str, token: str) -> None:
    """Show a connected relay a token.

    Raises `Refused` with its reason, `ConnectionLost` when it went away or did not answer within `PATIENCE_S`,
    `VersionMismatch` when it does not speak the protocol: it is no WhatNext relay and wants no token. Cancelling
    resets the stream.
    """
    try:
        with trio.fail_after(PATIENCE_S):
            async with await network.open_stream(relay, [PROTOCOL]) as stream:
                await stream.send_all(encode(ShowToken(token)))
                answer = decode_answer(await read_message(stream, MAX_MESSAGE))
    except trio.TooSlowError as error:
        raise ConnectionLost(f"the relay {relay} did not answer within {PATIENCE_S:g} s") from error
    if not answer.granted:
        raise Refused(f"the relay {relay} does not let this device in: {answer.reason or 'no reason given'}")
