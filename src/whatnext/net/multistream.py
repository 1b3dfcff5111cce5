"""multistream-select with messages of bounded length.

py-libp2p 0.8.1 reads on for as long as the length says that somebody sent, also before anybody proved who it is: one
socket fills a gigabyte of memory in about a second (`tests/net/test_canaries_admission.py`).
https://github.com/multiformats/multistream-select
"""

from libp2p.exceptions import ParseError
from libp2p.io.abc import Reader
from libp2p.io.exceptions import MessageTooLarge
from libp2p.protocol_muxer import multiselect_communicator
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

MAX_MESSAGE = 1024
"""Bytes of one message, as in js-libp2p; our own longest protocol id has 28."""


def bound_messages() -> None:
    """Let every negotiation of this process read through `read_delimited`; again does no harm."""
    vars(multiselect_communicator)["read_delim"] = read_delimited


async def read_delimited(reader: Reader) -> bytes:
    """One message without its newline; raises `ParseError` when it is none, or too long, as py-libp2p's own does."""
    try:
        message = await read_varint_prefixed_bytes_limited(reader, MAX_MESSAGE)
    except MessageTooLarge as error:
        raise ParseError(f"a negotiation message is longer than {MAX_MESSAGE} bytes") from error
    if not message.endswith(b"\n"):
        raise ParseError("a negotiation message does not end with a newline")
    return message[:-1]
