"""What happens inside the network, told in detail and at once to one observer: for metrics, timelines and the log.

`events.py` is for those who act on peers that come and go; this is for those who want to understand why.
"""

from collections.abc import Callable

import msgspec

from whatnext.net.events import Connected, Disconnected, PathChanged


class Dialling(msgspec.Struct, frozen=True):
    """An attempt at one address begins."""

    peer: str
    address: str


class DialFailed(msgspec.Struct, frozen=True):
    """The attempt failed, for a reason in words; each `Dialling` ends in this or in `DialWon`.

    `code` is one of `failures.CODES`, among them `given_up` (another address was faster, or nobody waits any more)
    and `not_tried` (the address is not worth an attempt: this one had no `Dialling`).
    """

    peer: str
    address: str
    reason: str
    code: str
    took_ms: float


class DialWon(msgspec.Struct, frozen=True):
    """The attempt became a connection: secured, muxed and in the table."""

    peer: str
    address: str
    took_ms: float


class Secured(msgspec.Struct, frozen=True):
    """Noise is done: the other side proved its key. `direction` is `in` or `out`."""

    peer: str
    address: str
    direction: str
    took_ms: float


class Muxed(msgspec.Struct, frozen=True):
    """Both sides agreed on a stream muxer, as `yamux`."""

    peer: str
    address: str
    direction: str
    muxer: str
    took_ms: float


class HandshakeFailed(msgspec.Struct, frozen=True):
    """A connection broke while it was secured or muxed; `stage` is `noise` or `mux`, `code` one of `failures.CODES`.

    `peer` is None where nobody proved who it is. A dialled one is told as `DialFailed` as well.
    """

    peer: str | None
    address: str
    direction: str
    stage: str
    code: str
    reason: str
    took_ms: float


class StreamOpened(msgspec.Struct, frozen=True):
    """Both sides agreed on a protocol that this node serves (`in`) or opened (`out`); pings are left out."""

    peer: str
    protocol: str
    direction: str


class Identified(msgspec.Struct, frozen=True):
    """The peer told its agent and protocols; both are its claims."""

    peer: str
    agent: str
    protocols: list[str]


class Found(msgspec.Struct, frozen=True):
    """One way of finding a peer answered: with `addresses`, or with none and the reason."""

    peer: str
    way: str
    addresses: list[str]
    reason: str | None
    took_ms: float


class Refused(msgspec.Struct, frozen=True):
    """A connection, handshake or stream was turned away or given up. `peer` is None before it proved who it is.

    `code` is one of `blocked`, `full`, `ip_limit`, `peer_limit`, `handshake_limit`, `stream_limit`, `rate`, `memory`,
    `pruned`.
    """

    peer: str | None
    address: str
    code: str
    reason: str


Observation = (
    Dialling
    | DialFailed
    | DialWon
    | Secured
    | Muxed
    | HandshakeFailed
    | Identified
    | StreamOpened
    | Found
    | Refused
    | Connected
    | PathChanged
    | Disconnected
)

Observer = Callable[[Observation], None]
"""Called in the trio thread as things happen: it must be quick and must not raise."""


def to_all(*observers: Observer) -> Observer:
    """One observer that tells each of these, in this order."""

    def tell(observation: Observation) -> None:
        for observe in observers:
            observe(observation)

    return tell


def ignore(observation: Observation) -> None:
    """Observer of a network nobody watches."""
