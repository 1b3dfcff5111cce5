"""Messages on a libp2p stream as most of its protocols frame them: an unsigned varint length, then the bytes.

Nothing beyond a message is read, so the stream can go on to carry something else.
https://github.com/multiformats/unsigned-varint
"""

from typing import Protocol

from whatnext.errors import ConnectionLost, ProtocolViolation

_LONGEST_VARINT = 9  # bytes, by the specification


class Readable(Protocol):
    """What a message is read from, as `Stream`."""

    async def receive_some(self, max_bytes: int) -> bytes:
        """Up to `max_bytes`; b"" at the end."""


def framed(message: bytes) -> bytes:
    """The message behind its length."""
    return uvarint(len(message)) + message


def uvarint(value: int) -> bytes:
    """An unsigned varint: 7 bits a byte, the least first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


async def read_message(stream: Readable, limit: int) -> bytes:
    """Read one message of at most `limit` bytes.

    Raises `ProtocolViolation` when it is longer or its length is no varint, `ConnectionLost` when the stream ends
    before it does. Cancelled midway, the stream is of no use for further messages. Takes as long as the peer does.
    """
    length = await _read_length(stream)
    if length > limit:
        raise ProtocolViolation(f"a message of {length:,} bytes, and at most {limit:,} are taken")
    message = b""
    while len(message) < length:
        message += await _some(stream, length - len(message))
    return message


async def _read_length(stream: Readable) -> int:
    value = 0
    for at in range(_LONGEST_VARINT):
        byte = (await _some(stream, 1))[0]
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            if at and not byte:
                raise ProtocolViolation("a message's length is a varint longer than it need be")
            return value
    raise ProtocolViolation("a message does not begin with its length")


async def _some(stream: Readable, count: int) -> bytes:
    part = await stream.receive_some(count)
    if not part:
        raise ConnectionLost("the stream ended before the message did")
    return part
