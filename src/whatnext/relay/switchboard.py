"""The relay's rules in one place: who may wait, who may call whom, how many, how fast. No I/O, no clock of its own.

`now` is seconds of one monotonic clock. Every table has a bound: reservations and circuits by their limits, buckets by
their capacity.
"""

from collections.abc import Iterable
from itertools import count

from whatnext.net.standing import Standing
from whatnext.rates import Buckets
from whatnext.relay.access import Access
from whatnext.relay.circuits import Circuit, Refusal, Reservation, Status, Why
from whatnext.relay.config import AccessConfig
from whatnext.relay.limits import Limits
from whatnext.relay.shaping import Shaper

_BURST_S = 30.0
"""What may be asked at once, in seconds of the rate: a client that comes back calls all its friends."""
_TOKEN_RATE, _TOKEN_BURST = 0.1, 5.0
"""Tokens one address may try: with 16 characters at least, guessing is hopeless long before this bound."""


class Switchboard:
    """State and rules of one relay."""

    def __init__(self, limits: Limits, access: AccessConfig) -> None:
        """Raises `UserError` for an entry in `access` that makes no sense."""
        self.access = Access(access)
        self.draining = False
        self.reservations: dict[str, Reservation] = {}
        self.circuits: dict[int, Circuit] = {}
        self._handshakes: dict[str, int] = {}
        self._numbers = count(1)
        self._tokens_tried = Buckets(_TOKEN_RATE, _TOKEN_BURST)
        self._take(limits)

    def _take(self, limits: Limits) -> None:
        self.limits = limits
        self.shaper = Shaper(limits)
        self._by_peer = _requests(limits.requests_per_peer)
        self._by_origin = _requests(limits.requests_per_ip)
        self._calls = _requests(limits.calls_per_target)

    def reconfigure(self, limits: Limits, access: AccessConfig) -> None:
        """Go by other limits and rules from now on; circuits keep the limits they were promised.

        Reservations of peers that may not wait any more end. Raises `UserError` and changes nothing when `access`
        makes no sense.
        """
        self.access = self.access.succeeded_by(access)
        self._take(limits)
        for reservation in list(self.reservations.values()):
            if self._refused_access(reservation.peer, reservation.origin):
                del self.reservations[reservation.peer]

    def begins(self, peer: str, origin: str, now: float) -> Refusal | None:
        """A peer opened a stream to ask something. Unless refused, `heard` must follow, however it ends."""
        if self.access.is_blocked(peer, origin):
            return Refusal(Status.PERMISSION_DENIED, Why.BLOCKED, "this relay does not serve you")
        waiting = self._handshakes.get(peer, 0)
        if (
            waiting >= self.limits.handshakes_per_peer
            or sum(self._handshakes.values()) >= self.limits.handshakes
        ):
            return _too_much(Why.HANDSHAKES, "too many requests are waiting")
        # Both are asked, so that one peer's haste counts against its address too.
        in_time = [self._by_peer.take(peer, 1, now), self._by_origin.take(origin, 1, now)]
        if not all(in_time):
            return _too_much(Why.RATE, "you ask too often: wait a little")
        self._handshakes[peer] = waiting + 1
        return None

    def heard(self, peer: str) -> None:
        """The request was read, or given up."""
        left = self._handshakes[peer] - 1
        if left:
            self._handshakes[peer] = left
        else:
            del self._handshakes[peer]

    def reserve(self, peer: str, origin: str, now: float) -> Reservation | Refusal:
        """A peer asks to be reachable here, or to stay so."""
        if self.draining:
            return _refused(Why.DRAINING, "this relay is about to stop")
        if refusal := self._refused_access(peer, origin):
            return refusal
        self.expire(now)
        others = [r for r in self.reservations.values() if r.peer != peer]
        if len(others) >= self.limits.reservations:
            return _refused(Why.RESERVATIONS_FULL, "all reservations are taken")
        if sum(r.origin == origin for r in others) >= self.limits.reservations_per_ip:
            return _refused(Why.RESERVATIONS_IP, "your address has all the reservations one address may have")
        granted = Reservation(peer, origin, now + self.limits.reservation_ttl_s)
        self.reservations[peer] = granted
        return granted

    def connect(self, source: str, origin: str, target: str, now: float) -> Circuit | Refusal:
        """A peer asks for a circuit. It counts from now on; `ended` must follow."""
        if self.draining:
            return _too_much(Why.DRAINING, "this relay is about to stop")
        if source == target:
            return Refusal(Status.MALFORMED_MESSAGE, Why.SELF, "a peer does not call itself")
        self.expire(now)
        if target not in self.reservations or self.access.is_blocked(target):
            return Refusal(Status.NO_RESERVATION, Why.NO_RESERVATION, "that peer does not wait here")
        for full, why, reason in self._crowds(source, origin, target):
            if full:
                return _too_much(why, reason)
        if not self._calls.take(target, 1, now):
            return _too_much(Why.CALLS, "that peer is being called too often")
        circuit = Circuit(next(self._numbers), source, target, origin, self.limits.of_circuit())
        self.circuits[circuit.number] = circuit
        return circuit

    def _crowds(self, source: str, origin: str, target: str) -> Iterable[tuple[bool, Why, str]]:
        circuits, limits = self.circuits.values(), self.limits
        yield len(circuits) >= limits.circuits, Why.CIRCUITS_FULL, "all circuits are taken"
        yield (
            self.circuits_of(source) >= limits.circuits_per_peer,
            Why.CIRCUITS_PEER,
            "you have all the circuits one peer may have",
        )
        yield (
            self.circuits_of(target) >= limits.circuits_per_peer,
            Why.CIRCUITS_TARGET,
            "that peer has all the circuits it may have",
        )
        from_there = sum(circuit.origin == origin for circuit in circuits)
        yield (
            from_there >= limits.circuits_per_ip,
            Why.CIRCUITS_IP,
            "your address has all the circuits it may have",
        )

    def circuits_of(self, peer: str) -> int:
        """How many circuits a peer has, made by it and made to it."""
        return sum(peer in (circuit.source, circuit.target) for circuit in self.circuits.values())

    def ended(self, circuit: Circuit) -> None:
        """A circuit is over, or never came to be."""
        self.circuits.pop(circuit.number, None)

    def departed(self, peer: str) -> None:
        """A peer has no connection any more: what hung on it ends. Its circuits end by their streams."""
        self.reservations.pop(peer, None)
        self.access.forget(peer)

    def remembered(self) -> set[str]:
        """Peers of which something hangs on their connection."""
        return {*self.reservations, *self.access.shown()}

    def expire(self, now: float) -> None:
        """Forget reservations that were not renewed."""
        for peer in [r.peer for r in self.reservations.values() if r.expires <= now]:
            del self.reservations[peer]

    def show_token(self, peer: str, origin: str, token: str, now: float) -> Refusal | None:
        """A peer shows a token, which lets it wait here while it is connected."""
        if self.access.mode != "token":
            return None  # nobody asked for it
        if not self._tokens_tried.take(origin, 1, now):
            return _too_much(Why.TOKENS, "too many tokens were tried from your address: wait a minute")
        if not self.access.show(peer, token):
            return Refusal(Status.PERMISSION_DENIED, Why.TOKEN, "this relay does not know that token")
        return None

    def standing(self, peer: str) -> Standing:
        """What a peer is to this relay: those that wait or talk here are the last to be given up."""
        if self.access.is_blocked(peer):
            return Standing.BLOCKED
        if peer in self.reservations:
            return Standing.MEMBER
        return Standing.KNOWN if self.circuits_of(peer) else Standing.STRANGER

    def _refused_access(self, peer: str, origin: str) -> Refusal | None:
        if self.access.is_blocked(peer, origin):
            return Refusal(Status.PERMISSION_DENIED, Why.BLOCKED, "this relay does not serve you")
        if not self.access.may_wait(peer):
            wanted = "a token" if self.access.mode == "token" else "your PeerID on its list"
            return Refusal(Status.PERMISSION_DENIED, Why.NOT_ADMITTED, f"this relay wants {wanted}")
        return None


def _requests(rate: float) -> Buckets:
    return Buckets(rate, rate * _BURST_S)


def _refused(why: Why, reason: str) -> Refusal:
    return Refusal(Status.RESERVATION_REFUSED, why, reason)


def _too_much(why: Why, reason: str) -> Refusal:
    return Refusal(Status.RESOURCE_LIMIT_EXCEEDED, why, reason)
