"""What the relay counts: reservations, circuits, and how it says no. Times are seconds of one monotonic clock."""

from enum import IntEnum, StrEnum

import msgspec


class Status(IntEnum):
    """How a request ended, as the specification of Circuit Relay v2 numbers it."""

    OK = 100
    RESERVATION_REFUSED = 200
    RESOURCE_LIMIT_EXCEEDED = 201
    PERMISSION_DENIED = 202
    CONNECTION_FAILED = 203
    NO_RESERVATION = 204
    MALFORMED_MESSAGE = 400
    UNEXPECTED_MESSAGE = 401


class Why(StrEnum):
    """Why a request was refused: a closed list, since metrics have one series for each."""

    BLOCKED = "blocked"
    HANDSHAKES = "handshakes"
    RATE = "rate"
    SLOW = "slow"
    MALFORMED = "malformed"
    DRAINING = "draining"
    NOT_ADMITTED = "not_admitted"
    TOKEN = "token"  # noqa: S105 - a reason
    TOKENS = "tokens"
    RESERVATIONS_FULL = "reservations_full"
    RESERVATIONS_IP = "reservations_ip"
    NO_RESERVATION = "no_reservation"
    SELF = "self"
    CIRCUITS_FULL = "circuits_full"
    CIRCUITS_PEER = "circuits_peer"
    CIRCUITS_TARGET = "circuits_target"
    CIRCUITS_IP = "circuits_ip"
    CALLS = "calls"
    TARGET_REFUSED = "target_refused"
    TARGET_SLOW = "target_slow"
    TARGET_LOST = "target_lost"


class Refusal(msgspec.Struct, frozen=True):
    """A request that is not met: the status for the peer, the reason for counters, a sentence for people."""

    status: Status
    why: Why
    reason: str


class Ending(StrEnum):
    """Why a circuit ended."""

    FINISHED = "finished"
    SOURCE_LEFT = "source_left"
    TARGET_LEFT = "target_left"
    DURATION = "duration"
    BYTES = "bytes"
    HALF_CLOSED = "half_closed"
    STOPPED = "stopped"


class CircuitLimit(msgspec.Struct, frozen=True):
    """What one circuit may last (seconds) and carry (bytes each way)."""

    duration_s: int
    bytes: int


class Reservation(msgspec.Struct):
    """A peer that waits to be called; `expires` is when it has to have asked again."""

    peer: str
    origin: str
    expires: float


class Circuit:
    """A connection carried between two peers; counted from when it is asked for, `opened` once the call was taken."""

    def __init__(self, number: int, source: str, target: str, origin: str, limit: CircuitLimit) -> None:
        self.number = number
        self.source = source
        self.target = target
        self.origin = origin
        self.limit = limit
        self.opened: float | None = None
        self.to_target = 0
        self.to_source = 0

    def may_pass(self, amount: int, *, to_target: bool) -> int:
        """How much of that may still go in this direction."""
        carried = self.to_target if to_target else self.to_source
        return min(amount, self.limit.bytes - carried)

    def passed(self, amount: int, *, to_target: bool) -> None:
        """Count what went."""
        if to_target:
            self.to_target += amount
        else:
            self.to_source += amount
