"""Messages of RxDB's replication as they travel: JSON, the same over a WebSocket and a libp2p stream.

Their form is that of RxDB 17's WebSocket plugin. Ours, and only in version 1.1, is the member `error`.
"""

from typing import Any, TypeAlias

import msgspec

from whatnext.errors import UNREADABLE, ProtocolViolation
from whatnext.rxdb import limits

STREAM = "stream"
RESYNC = "RESYNC"

Checkpoint: TypeAlias = dict[str, Any]


class Request(msgspec.Struct, frozen=True):
    """What a client sends. `auth` of the stock client is taken and ignored: the channel has settled who it is."""

    id: str
    method: str
    collection: str = ""
    params: list[msgspec.Raw] = []

    @property
    def client(self) -> str:
        """What the requests of one client begin with, over all its connections: `<client>|<number>`."""
        return self.id.rpartition("|")[0][: limits.MAX_CLIENT]


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request, or some `rows` of a push by their document's id, came to nothing."""

    code: str
    message: str
    rows: dict[str, str] = {}


class Pulled(msgspec.Struct, frozen=True):
    """Documents in the order of their changes, and where to go on from."""

    documents: list[dict[str, Any]]
    checkpoint: Checkpoint | None


class Answer(msgspec.Struct, frozen=True):
    """What goes back: to one request, or (`id` is `stream`) to a subscription."""

    id: str
    collection: str
    result: Any = msgspec.UNSET
    error: Fault | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(Request)
_encoder = msgspec.json.Encoder()


def decode(data: bytes | str) -> Request:
    """Read one message; raises `ProtocolViolation` for what is none."""
    if len(data) > limits.MAX_MESSAGE_BYTES:
        raise ProtocolViolation(
            f"a message of {len(data)} bytes; at most {limits.MAX_MESSAGE_BYTES} are taken"
        )
    try:
        request = _decoder.decode(data)
    except UNREADABLE as error:
        raise ProtocolViolation(f"no message of RxDB's replication: {error}") from error
    if len(request.id) > limits.MAX_ID:
        raise ProtocolViolation(f"an id of {len(request.id)} characters")
    return request


def encode(answer: Answer) -> bytes:
    """One message as JSON."""
    return _encoder.encode(answer)
