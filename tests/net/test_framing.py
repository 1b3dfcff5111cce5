"""Messages behind their length: read whole, and nothing after them."""

import pytest

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.net.framing import framed, read_message


class Pieces:
    """A stream that hands out what it has, at most `size` bytes at a time."""

    def __init__(self, data, size=1 << 16):
        self.data, self.size = data, size

    async def receive_some(self, max_bytes):
        taken, self.data = self.data[: min(max_bytes, self.size)], self.data[min(max_bytes, self.size) :]
        return taken


@pytest.mark.parametrize("size", [0, 1, 127, 128, 300, 16384])
async def test_a_message_is_read_whole_and_nothing_after_it(size):
    message = bytes(range(256)) * 64
    stream = Pieces(framed(message[:size]) + b"next", size=100)
    assert await read_message(stream, 1 << 20) == message[:size]
    assert stream.data == b"next"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (framed(b"x" * 101), "at most 100"),
        (b"\xff" * 20, "does not begin with its length"),
        (b"\x81\x00x", "longer than it need be"),
    ],
)
async def test_a_length_that_is_none_is_a_violation(data, error):
    with pytest.raises(ProtocolViolation, match=error):
        await read_message(Pieces(data), 100)


@pytest.mark.parametrize("data", [b"", b"\x85", framed(b"whole")[:-1]])
async def test_a_stream_that_ends_early_is_lost(data):
    with pytest.raises(ConnectionLost):
        await read_message(Pieces(data), 100)
