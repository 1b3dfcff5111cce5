"""Messages on a libp2p stream: an unsigned varint with the length, then JSON, or JSON packed with zlib.

The two are told apart by the first byte: JSON begins with `{`, zlib with 0x78. Version 1.0 packs nothing.
"""

import zlib
from collections.abc import Iterator

from whatnext.errors import ProtocolViolation
from whatnext.rxdb import limits

_ZLIB = 0x78
_LEVEL = 1  # speed before size: the node packs for every client
_VARINT_BYTES = 4  # enough for MAX_MESSAGE_BYTES


def frame(message: bytes, *, packs: bool) -> bytes:
    """One message as it goes on the stream."""
    if packs and len(message) >= limits.COMPRESS_FROM:
        message = zlib.compress(message, _LEVEL)
    length = len(message)
    head = bytearray()
    while length >= 0x80:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + message


class Unframer:
    """Cuts a byte stream into messages; holds at most one and what was fed last."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the messages that are whole now; raises `ProtocolViolation` for a length or packing out of bounds."""
        self._buffer += data
        while (found := self._next()) is not None:
            yield _unpacked(found)

    def _next(self) -> bytes | None:
        length, used = 0, 0
        for used, byte in enumerate(self._buffer[:_VARINT_BYTES], 1):
            length |= (byte & 0x7F) << (7 * (used - 1))
            if byte < 0x80:
                break
        else:
            if len(self._buffer) < _VARINT_BYTES:
                return None
            raise ProtocolViolation(f"a message longer than {limits.MAX_MESSAGE_BYTES} bytes")
        if not 0 < length <= limits.MAX_MESSAGE_BYTES:
            raise ProtocolViolation(f"a message of {length} bytes; 1 to {limits.MAX_MESSAGE_BYTES} are taken")
        if len(self._buffer) - used < length:
            return None
        payload = bytes(self._buffer[used : used + length])
        del self._buffer[: used + length]
        return payload


def _unpacked(payload: bytes) -> bytes:
    if payload[0] != _ZLIB:
        return payload
    unpacker = zlib.decompressobj()
    try:
        message = unpacker.decompress(payload, limits.MAX_MESSAGE_BYTES + 1)  # a bomb ends here
    except zlib.error as error:
        raise ProtocolViolation(f"a packed message that cannot be unpacked: {error}") from error
    if len(message) > limits.MAX_MESSAGE_BYTES or not unpacker.eof:
        raise ProtocolViolation(
            f"a packed message of more than {limits.MAX_MESSAGE_BYTES} bytes, or cut short"
        )
    return message
