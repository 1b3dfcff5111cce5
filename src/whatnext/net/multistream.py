"""multistream-select with messages of bounded length, and without a round trip that nobody needs.

py-libp2p 0.8.1 reads on for as long as the length says that somebody sent, also before anybody proved who it is: one
socket fills a gigabyte of memory in about a second (`tests/net/test_canaries_admission.py`). And it waits for an answer
to its greeting before it names a protocol: a round trip at each of Noise, yamux and every stream.
https://github.com/multiformats/multistream-select
"""

from collections.abc import Sequence

from libp2p.abc import IMultiselectCommunicator
from libp2p.custom_types import TProtocol
from libp2p.exceptions import ParseError
from libp2p.io.abc import Reader
from libp2p.io.exceptions import MessageTooLarge
from libp2p.protocol_muxer import multiselect_communicator
from libp2p.protocol_muxer.multiselect_client import (
    DEFAULT_NEGOTIATE_TIMEOUT,
    MULTISELECT_PROTOCOL_ID,
    MultiselectClient,
)
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


class PromptClient(MultiselectClient):
    """Names its first protocol together with the greeting, as go-libp2p and js-libp2p do."""

    async def select_one_of(
        self,
        protocols: Sequence[TProtocol],
        communicator: IMultiselectCommunicator,
        negotiate_timeout: int = DEFAULT_NEGOTIATE_TIMEOUT,
    ) -> TProtocol:
        """Agree on the first of `protocols` that both speak; raises `MultiselectClientError`."""
        together = _Together(communicator, protocols[0])
        return await super().select_one_of(protocols, together, negotiate_timeout)


class _Together(IMultiselectCommunicator):
    """Sends `first` right behind the first greeting, and not again when the client comes to it."""

    def __init__(self, communicator: IMultiselectCommunicator, first: str) -> None:
        self._communicator = communicator
        self._first = first
        self._greeted = False
        self._ahead = False

    async def write(self, msg_str: str) -> None:
        if self._ahead and msg_str == self._first:
            self._ahead = False
            return
        await self._communicator.write(msg_str)
        if msg_str == MULTISELECT_PROTOCOL_ID and not self._greeted:
            self._greeted = self._ahead = True
            await self._communicator.write(self._first)

    async def read(self) -> str:
        return await self._communicator.read()
