"""The relay's rules: limits hold in whatever order things happen, and a clear no says why."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from whatnext.errors import UserError
from whatnext.identity import Identity
from whatnext.net.standing import Standing
from whatnext.relay.circuits import Circuit, Refusal, Reservation, Status
from whatnext.relay.config import AccessConfig
from whatnext.relay.limits import Limits
from whatnext.relay.switchboard import Switchboard

PEERS = [Identity.generate().peer_id for _ in range(12)]
A, B, C = PEERS[:3]
HERE, THERE = "192.0.2.1", "192.0.2.2"
TOKEN = "sixteen letters!"


def board(access=None, **limits):
    return Switchboard(Limits(**limits), access or AccessConfig())


def waiting(*peers, access=None, **limits):
    """A switchboard at which these peers wait."""
    made = board(access, **limits)
    for peer in peers:
        assert isinstance(made.reserve(peer, HERE, 0.0), Reservation)
    return made


def code(outcome):
    assert isinstance(outcome, Refusal), outcome
    assert outcome.reason
    return outcome.why, outcome.status


def test_a_reservation_lasts_its_time_and_is_renewed_by_asking_again():
    switchboard = waiting(A, reservation_ttl_s=60)
    switchboard.expire(59.0)
    assert switchboard.reserve(A, HERE, 59.0).expires == 119.0
    switchboard.expire(118.0)
    assert A in switchboard.reservations
    switchboard.expire(119.0)
    assert switchboard.reservations == {}
    assert code(switchboard.connect(B, HERE, A, 120.0)) == ("no_reservation", Status.NO_RESERVATION)


def test_a_reservation_ends_with_its_connection():
    switchboard = waiting(A)
    switchboard.departed(A)
    assert code(switchboard.connect(B, HERE, A, 1.0)) == ("no_reservation", Status.NO_RESERVATION)


def test_reservations_are_bounded_in_total_and_by_address_and_renewing_needs_no_new_place():
    switchboard = waiting(A, B, reservations=3, reservations_per_ip=2)
    assert code(switchboard.reserve(C, HERE, 0.0)) == ("reservations_ip", Status.RESERVATION_REFUSED)
    assert isinstance(switchboard.reserve(C, THERE, 0.0), Reservation)
    assert code(switchboard.reserve(PEERS[3], "192.0.2.3", 0.0)) == (
        "reservations_full",
        Status.RESERVATION_REFUSED,
    )
    assert isinstance(switchboard.reserve(A, HERE, 0.0), Reservation)
    assert isinstance(switchboard.reserve(C, THERE, 0.0), Reservation)


def test_circuits_are_bounded_in_total_by_peer_on_both_sides_and_by_address():
    switchboard = waiting(A, B, C, circuits=4, circuits_per_peer=2, circuits_per_ip=3)
    assert isinstance(switchboard.connect(PEERS[5], HERE, A, 0.0), Circuit)
    second = switchboard.connect(PEERS[5], HERE, B, 0.0)
    assert code(switchboard.connect(PEERS[5], HERE, C, 0.0))[0] == "circuits_peer"
    assert isinstance(switchboard.connect(PEERS[6], HERE, A, 0.0), Circuit)
    assert code(switchboard.connect(PEERS[7], THERE, A, 0.0))[0] == "circuits_target"
    assert code(switchboard.connect(PEERS[7], HERE, C, 0.0))[0] == "circuits_ip"
    assert isinstance(switchboard.connect(PEERS[7], THERE, B, 0.0), Circuit)
    assert code(switchboard.connect(PEERS[8], THERE, C, 0.0)) == (
        "circuits_full",
        Status.RESOURCE_LIMIT_EXCEEDED,
    )
    switchboard.ended(second)
    assert isinstance(switchboard.connect(PEERS[8], THERE, C, 0.0), Circuit)


def test_a_peer_does_not_call_itself_or_one_that_does_not_wait():
    switchboard = waiting(A)
    assert code(switchboard.connect(A, HERE, A, 0.0)) == ("self", Status.MALFORMED_MESSAGE)
    assert code(switchboard.connect(A, HERE, B, 0.0)) == ("no_reservation", Status.NO_RESERVATION)


def test_requests_have_a_pace_for_each_peer_and_each_address():
    switchboard = board(requests_per_peer=0.1, requests_per_ip=0.2)  # 3 and 6 at once
    for _ in range(3):
        assert switchboard.begins(A, HERE, 0.0) is None
        switchboard.heard(A)
    assert code(switchboard.begins(A, HERE, 0.0)) == ("rate", Status.RESOURCE_LIMIT_EXCEEDED)
    for _ in range(2):
        assert switchboard.begins(B, HERE, 0.0) is None
        switchboard.heard(B)
    assert code(switchboard.begins(C, HERE, 0.0))[0] == "rate"
    assert switchboard.begins(PEERS[3], THERE, 0.0) is None
    assert switchboard.begins(A, HERE, 10.0) is None


def test_requests_that_are_not_said_fill_a_peers_own_places_only():
    switchboard = board(handshakes_per_peer=2, handshakes=3)
    assert [switchboard.begins(A, HERE, 0.0) for _ in range(2)] == [None, None]
    assert code(switchboard.begins(A, HERE, 0.0))[0] == "handshakes"
    assert switchboard.begins(B, THERE, 0.0) is None
    assert code(switchboard.begins(C, THERE, 0.0))[0] == "handshakes"
    switchboard.heard(A)
    assert switchboard.begins(C, THERE, 0.0) is None


def test_nobody_is_called_more_often_than_the_pace():
    switchboard = waiting(A, calls_per_target=0.1)
    for number in range(3):
        switchboard.ended(switchboard.connect(PEERS[number + 1], HERE, A, 0.0))
    assert code(switchboard.connect(PEERS[5], THERE, A, 0.0))[0] == "calls"
    assert isinstance(switchboard.connect(PEERS[5], THERE, A, 10.0), Circuit)


def test_the_blocked_are_refused_everything_by_id_address_or_network():
    access = AccessConfig(block=(A, "198.51.100.7", "2001:db8::/32"))
    switchboard = board(access)
    for peer, origin in [(A, HERE), (B, "198.51.100.7"), (B, "2001:db8:1:2::/64")]:
        assert code(switchboard.begins(peer, origin, 0.0)) == ("blocked", Status.PERMISSION_DENIED)
        assert code(switchboard.reserve(peer, origin, 0.0)) == ("blocked", Status.PERMISSION_DENIED)
    assert switchboard.begins(B, "198.51.100.8", 0.0) is None
    assert switchboard.begins(B, "unknown", 0.0) is None
    assert switchboard.standing(A) is Standing.BLOCKED


def test_only_the_listed_wait_and_anybody_may_call_them():
    switchboard = board(AccessConfig(mode="allow", allow=(A,)))
    assert code(switchboard.reserve(B, HERE, 0.0)) == ("not_admitted", Status.PERMISSION_DENIED)
    assert isinstance(switchboard.reserve(A, HERE, 0.0), Reservation)
    assert isinstance(switchboard.connect(B, HERE, A, 0.0), Circuit)


def test_a_token_lets_a_peer_wait_while_it_is_connected():
    switchboard = board(AccessConfig(mode="token", tokens=(TOKEN,), allow=(C,)))
    assert code(switchboard.reserve(A, HERE, 0.0))[0] == "not_admitted"
    assert code(switchboard.show_token(A, HERE, TOKEN + "?", 0.0)) == ("token", Status.PERMISSION_DENIED)
    assert switchboard.show_token(A, HERE, TOKEN, 0.0) is None
    assert isinstance(switchboard.reserve(A, HERE, 0.0), Reservation)
    assert isinstance(switchboard.reserve(C, HERE, 0.0), Reservation)
    assert switchboard.remembered() == {A, C}
    switchboard.departed(A)
    assert switchboard.remembered() == {C}
    assert code(switchboard.reserve(A, HERE, 0.0))[0] == "not_admitted"


def test_tokens_cannot_be_guessed_quickly():
    switchboard = board(AccessConfig(mode="token", tokens=(TOKEN,)))
    tries = [code(switchboard.show_token(PEERS[n], HERE, f"guess {n}", 0.0))[0] for n in range(6)]
    assert tries == ["token"] * 5 + ["tokens"]
    assert code(switchboard.show_token(A, HERE, TOKEN, 1.0))[0] == "tokens"
    assert switchboard.show_token(A, THERE, TOKEN, 1.0) is None


def test_other_rules_count_at_once_and_end_the_reservations_they_no_longer_allow():
    switchboard = waiting(A, B, C, access=AccessConfig(mode="open"))
    talking = switchboard.connect(C, HERE, A, 0.0)
    switchboard.reconfigure(Limits(circuits=1, circuit_bytes=9), AccessConfig(mode="allow", allow=(A,)))
    assert list(switchboard.reservations) == [A]
    assert talking.limit.bytes == Limits().circuit_bytes
    assert code(switchboard.connect(B, HERE, A, 0.0))[0] == "circuits_full"


def test_rules_that_make_no_sense_change_nothing():
    switchboard = waiting(A, access=AccessConfig(mode="allow", allow=(A,)))
    with pytest.raises(UserError, match="no network"):
        switchboard.reconfigure(Limits(), AccessConfig(block=("10.0.0.1/8",)))
    with pytest.raises(UserError, match="no PeerID"):
        switchboard.reconfigure(Limits(), AccessConfig(allow=("anna",)))
    assert switchboard.access.mode == "allow"
    assert A in switchboard.reservations


def test_a_token_taken_from_the_list_no_longer_counts():
    switchboard = board(AccessConfig(mode="token", tokens=(TOKEN, TOKEN * 2)))
    switchboard.show_token(A, HERE, TOKEN, 0.0)
    switchboard.show_token(B, HERE, TOKEN * 2, 0.0)
    switchboard.reserve(A, HERE, 0.0)
    switchboard.reserve(B, HERE, 0.0)
    switchboard.reconfigure(Limits(), AccessConfig(mode="token", tokens=(TOKEN * 2,)))
    assert list(switchboard.reservations) == [B]


def test_a_draining_relay_takes_nothing_new():
    switchboard = waiting(A)
    switchboard.draining = True
    assert code(switchboard.reserve(A, HERE, 0.0)) == ("draining", Status.RESERVATION_REFUSED)
    assert code(switchboard.connect(B, HERE, A, 0.0)) == ("draining", Status.RESOURCE_LIMIT_EXCEEDED)


def test_those_that_wait_or_talk_are_kept_before_strangers():
    switchboard = waiting(A)
    switchboard.connect(B, HERE, A, 0.0)
    assert [switchboard.standing(peer) for peer in (A, B, C)] == [
        Standing.MEMBER,
        Standing.KNOWN,
        Standing.STRANGER,
    ]


class AnyOrder(RuleBasedStateMachine):
    """Whatever peers do, in whatever order, no table passes its limit and none keeps what has ended."""

    limits = Limits(
        reservations=4,
        reservations_per_ip=2,
        circuits=5,
        circuits_per_peer=3,
        circuits_per_ip=3,
        handshakes=4,
        handshakes_per_peer=2,
        reservation_ttl_s=30,
    )
    peers = st.sampled_from(PEERS[:6])
    origins = st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::/64"])

    def __init__(self):
        super().__init__()
        self.board = Switchboard(self.limits, AccessConfig(block=(PEERS[5],)))
        self.now = 0.0
        self.asking = []

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds):
        self.now += seconds
        self.board.expire(self.now)

    @rule(peer=peers, origin=origins)
    def a_request_begins(self, peer, origin):
        if self.board.begins(peer, origin, self.now) is None:
            self.asking.append(peer)

    @rule()
    def a_request_is_heard(self):
        if self.asking:
            self.board.heard(self.asking.pop(0))

    @rule(peer=peers, origin=origins)
    def a_peer_reserves(self, peer, origin):
        if isinstance(self.board.reserve(peer, origin, self.now), Reservation):
            assert self.board.reservations[peer].expires == self.now + self.limits.reservation_ttl_s

    @rule(source=peers, called=peers, origin=origins)
    def a_peer_calls(self, source, called, origin):
        waits = called in self.board.reservations
        outcome = self.board.connect(source, origin, called, self.now)
        assert isinstance(outcome, Refusal) or waits

    @rule(at=st.integers(0, 10))
    def a_circuit_ends(self, at):
        circuits = list(self.board.circuits.values())
        if circuits:
            self.board.ended(circuits[at % len(circuits)])

    @rule(peer=peers)
    def a_peer_departs(self, peer):
        self.board.departed(peer)
        assert peer not in self.board.reservations

    @invariant()
    def limits_hold(self):
        reservations, circuits = self.board.reservations.values(), self.board.circuits.values()
        assert len(reservations) <= self.limits.reservations
        assert len(circuits) <= self.limits.circuits
        assert PEERS[5] not in self.board.reservations
        for origin in {r.origin for r in reservations} | {c.origin for c in circuits}:
            assert sum(r.origin == origin for r in reservations) <= self.limits.reservations_per_ip
            assert sum(c.origin == origin for c in circuits) <= self.limits.circuits_per_ip
        for peer in PEERS:
            assert sum(peer in (c.source, c.target) for c in circuits) <= self.limits.circuits_per_peer
            assert self.asking.count(peer) <= self.limits.handshakes_per_peer
        assert len(self.asking) <= self.limits.handshakes


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
