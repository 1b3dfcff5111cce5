"""The DHT's question and answer as bytes: sans-IO. Malformed ones raise `ProtocolViolation`."""

import base58
import msgspec

from whatnext.errors import ProtocolViolation
from whatnext.net.peer_records import PeerRecord, unseal
from whatnext.net.protobuf import Message, number, octets

PROTOCOL = "/whatnext/kad/1.0.0"
MAX_BYTES = 128 * 1024
"""Of one message: `MAX_CLOSER` records, each below 4 KiB and mostly 300 bytes."""
MAX_CLOSER = 20

_FIND_NODE = 4
_SERVING = 100  # our own field: the asker answers such questions itself, so it belongs in routing tables
_MAX_PEER_ID = 64


class FindNode(msgspec.Struct, frozen=True):
    """Who is near this peer, and where is it itself? With the asker's own record when it wants to be found."""

    peer: str
    record: bytes = b""
    is_serving: bool = False


class Nodes(msgspec.Struct, frozen=True):
    """Verified records: the peer's own if it is known, and those of servers near it."""

    records: tuple[PeerRecord, ...]


def encode_question(asked: FindNode) -> bytes:
    """A FIND_NODE request."""
    message = number(1, _FIND_NODE) + octets(2, base58.b58decode(asked.peer))
    if asked.record:
        message += octets(11, asked.record)
    return message + (number(_SERVING, 1) if asked.is_serving else b"")


def decode_question(data: bytes) -> FindNode:
    """A FIND_NODE request; other kinds of request are refused."""
    message = _find_node(data)
    key = message.octets(2)
    if not 2 < len(key) <= _MAX_PEER_ID:
        raise ProtocolViolation(f"asked for a PeerID of {len(key)} bytes")
    peer = base58.b58encode(key).decode("ascii")
    return FindNode(peer, message.octets(11), bool(message.number(_SERVING)))


def encode_answer(nodes: Nodes) -> bytes:
    """The answer to FIND_NODE."""
    closer = (octets(1, base58.b58decode(each.peer)) + octets(4, each.sealed) for each in nodes.records)
    return number(1, _FIND_NODE) + b"".join(octets(8, each) for each in closer)


def decode_answer(data: bytes) -> Nodes:
    """What a server knows; entries that no peer signed are left out, since anybody could have made them up."""
    found = []
    for each in _find_node(data).repeated(8)[:MAX_CLOSER]:
        try:
            found.append(unseal(Message(each).octets(4)))
        except ProtocolViolation:
            continue
    return Nodes(tuple(found))


def _find_node(data: bytes) -> Message:
    message = Message(data)
    if message.number(1) != _FIND_NODE:
        raise ProtocolViolation(
            f"a DHT message of type {message.number(1)}, and only FIND_NODE is spoken here"
        )
    return message
