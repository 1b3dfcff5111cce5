"""Protocol buffers' wire format, as much of it as libp2p's small messages need: numbers and byte strings.

py-libp2p 0.8.1 brings generated classes, but its rendezvous messages are not those of the specification, and one field
cannot be added to a generated class. https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

from whatnext.errors import ProtocolViolation
from whatnext.net.framing import uvarint

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


def number(field: int, value: int) -> bytes:
    """A field that holds an unsigned integer below 2**64."""
    return uvarint(field << 3 | _VARINT) + uvarint(value)


def octets(field: int, value: bytes) -> bytes:
    """A field that holds bytes, a string in UTF-8, or a message."""
    return uvarint(field << 3 | _BYTES) + uvarint(len(value)) + value


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field in order; fixed-size fields are skipped. Raises `ProtocolViolation`."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        length, start = _varint(data, at) if kind == _BYTES else (_fixed(kind), at)
        at = start + length
        if at > len(data):
            raise ProtocolViolation("a message ends in the middle of a field")
        if kind == _BYTES:
            yield key >> 3, data[start:at]


class Message:
    """A decoded message: the last value of each field, or all of a repeated one. Other types than asked are refused."""

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        for field, value in fields(data):
            self._fields.setdefault(field, []).append(value)

    def number(self, field: int, default: int = 0) -> int:
        """Value of an integer field."""
        value = self._fields.get(field, [default])[-1]
        if isinstance(value, bytes):
            raise ProtocolViolation(f"field {field} holds bytes and should hold a number")
        return value

    def octets(self, field: int) -> bytes:
        """Value of a bytes field, b"" when it is missing."""
        return self.repeated(field)[-1] if field in self._fields else b""

    def text(self, field: int) -> str:
        """Value of a string field."""
        try:
            return self.octets(field).decode()
        except UnicodeDecodeError as error:
            raise ProtocolViolation(f"field {field} is no UTF-8") from error

    def repeated(self, field: int) -> list[bytes]:
        """All values of a bytes field."""
        values = []
        for value in self._fields.get(field, ()):
            if isinstance(value, int):
                raise ProtocolViolation(f"field {field} holds a number and should hold bytes")
            values.append(value)
        return values


def _fixed(kind: int) -> int:
    if kind == _FIXED64:
        return 8
    if kind == _FIXED32:
        return 4
    raise ProtocolViolation(f"a field of wire type {kind}, which libp2p's messages do not have")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if at >= len(data):
            raise ProtocolViolation("a message ends in the middle of a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise ProtocolViolation("a number longer than ten bytes")
