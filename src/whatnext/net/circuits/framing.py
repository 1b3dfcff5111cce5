"""Protobufs behind their uvarint length, read from a stream byte-exactly: what follows belongs to somebody else."""

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.net.streams import Stream


def delimited(body: bytes) -> bytes:
    """The body behind its length."""
    return _uvarint(len(body)) + body


async def read_delimited(stream: Stream, limit: int) -> bytes:
    """Read one message of at most `limit` bytes and not one byte more.

    Raises `ProtocolViolation` when it is longer, `ConnectionLost` when the stream ends first. No time limit of its own.
    """
    length, shift = 0, 0
    while True:
        [byte] = await _exactly(stream, 1)
        length |= (byte & 0x7F) << shift
        if length > limit or shift > 28:
            raise ProtocolViolation(f"{stream.peer} announced a message of more than {limit} bytes")
        if byte < 0x80:
            return await _exactly(stream, length)
        shift += 7


async def _exactly(stream: Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = await stream.receive_some(count - len(data))
        if not part:
            raise ConnectionLost(f"{stream.peer} ended {stream.protocol} in the middle of a message")
        data += part
    return data


def _uvarint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(0x80 | (number & 0x7F))
        number >>= 7
    out.append(number)
    return bytes(out)
