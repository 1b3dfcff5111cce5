"""The frames by which a relay is shown its token."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.errors import ProtocolViolation
from whatnext.net.framing import read_message
from whatnext.net.relay_access import MAX_MESSAGE, Shown, ShowToken, decode_answer, decode_request, encode


class Whole:
    """A stream that holds one frame."""

    def __init__(self, data):
        self.data = data

    async def receive_some(self, max_bytes):
        taken, self.data = self.data[:max_bytes], self.data[max_bytes:]
        return taken


@pytest.mark.parametrize("token", ["", "sixteen letters!", "ä" * 256])
async def test_a_token_comes_out_as_it_went_in(token):
    assert decode_request(await read_message(Whole(encode(ShowToken(token))), MAX_MESSAGE)) == ShowToken(
        token
    )


@pytest.mark.parametrize("answer", [Shown(granted=True), Shown(granted=False, reason="not yours")])
async def test_an_answer_comes_out_as_it_went_in(answer):
    assert decode_answer(await read_message(Whole(encode(answer)), MAX_MESSAGE)) == answer


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xc0", b"\x81\xa5token\x01", b"\x81\xa5token\xa1\xff"])
def test_other_bytes_are_a_violation(body):
    for decode in (decode_request, decode_answer):
        with pytest.raises(ProtocolViolation):
            decode(body)


@given(st.binary(max_size=100), st.integers(0, 99), st.integers(0, 255))
def test_bytes_from_a_stranger_decode_or_are_a_violation(noise, at, byte):
    mutated = bytearray(encode(ShowToken("sixteen letters!"))[1:])
    mutated[at % len(mutated)] = byte
    for data in (noise, bytes(mutated), bytes(mutated) + noise):
        for decode in (decode_request, decode_answer):
            with contextlib.suppress(ProtocolViolation):
                decode(data)
