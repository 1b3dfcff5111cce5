"""One circuit and one reservation as the relay counts them; rules only, times are seconds of one monotonic clock."""

import msgspec

from whatnext.relay.messages import CircuitLimit, Status


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is not met: for the peer a status, for counters a short code, for people a sentence."""

    status: Status
    code: str
    reason: str


class Reservation(msgspec.Struct):
    """A peer that waits to be called; `expires` is when it has to ask again."""

    peer: str
    origin: str
    expires: float


class Circuit:
    """A connection carried between two peers; made when it is asked for, `opened` once the other side took the call."""

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
        return amount if not self.limit.bytes else min(amount, self.limit.bytes - carried)

    def passed(self, amount: int, *, to_target: bool) -> None:
        """Count what goes."""
        if to_target:
            self.to_target += amount
        else:
            self.to_source += amount
