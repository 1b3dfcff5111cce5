"""At which relays places are held, by the clock alone."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from whatnext.net.circuits.places import GONE_AFTER_S, GONE_PAUSE_S, LONGEST_PAUSE_S, RENEW_S, Places


def places(wanted=2, relays="abc", seed=1):
    made = Places(wanted, random.Random(seed))
    made.choose(relays)
    return made


def test_the_first_are_asked_first_and_no_more_than_wanted():
    assert places().due(0) == ["a", "b"]


def test_the_next_is_asked_at_once_when_one_fails():
    held = places()
    held.due(0)
    held.granted("a", 3600, 0)
    held.failed("b", "full", 1)
    assert held.due(1) == ["c"]
    assert held.problem("b") == "full"


def test_a_place_is_renewed_well_before_it_ends_and_never_later_than_half_a_minute():
    for lasts_s, latest in ((3600, RENEW_S), (20, 10), (-3600, RENEW_S)):
        held = places(wanted=1)
        held.due(0)
        held.granted("a", lasts_s, 0)
        at = held.next_at()
        assert 0.8 * latest <= at <= latest
        assert held.due(at - 0.01) == []
        assert held.due(at) == ["a"]


def test_a_lost_place_is_asked_for_again_at_once():
    held = places(wanted=1, relays="a")
    held.due(0)
    held.granted("a", 3600, 0)
    held.lost("a", 15)
    assert held.due(15) == ["a"]


def test_a_relay_that_grants_and_cuts_is_asked_ever_less_often():
    held, now, asked = places(wanted=1, relays="a"), 0.0, 0
    while now < 60:
        now = max(now, held.next_at())
        assert held.due(now) == ["a"]
        asked += 1
        held.granted("a", 3600, now)
        held.lost("a", now + 0.1)
    assert asked < 40  # about one in two seconds


def test_a_relay_that_came_by_itself_does_not_wait_out_its_pause():
    held = places(wanted=1, relays="a")
    held.due(0)
    held.failed("a", "away", 0)
    assert held.due(0.1) == []
    held.came("a", 0.1)
    assert held.due(0.1) == ["a"]


def test_one_that_is_taken_out_is_told_if_it_held_a_place():
    held = places()
    held.due(0)
    held.granted("a", 3600, 0)
    assert held.choose("bc") == ["a"]
    assert held.choose("c") == []


@given(st.integers(0, 10_000))
def test_a_relay_that_restarts_is_asked_within_five_seconds_and_one_that_is_gone_once_a_minute(seed):
    held, now = places(wanted=1, relays="a", seed=seed), 0.0
    held.due(now)
    while now < 2 * GONE_AFTER_S:
        held.failed("a", "away", now)
        pause = held.next_at() - now
        assert pause <= (1.5 * LONGEST_PAUSE_S if now < GONE_AFTER_S else 1.5 * GONE_PAUSE_S)
        now = held.next_at()
        assert held.due(now) == ["a"]
    assert pause >= 0.5 * GONE_PAUSE_S


class AnyHistory(RuleBasedStateMachine):
    """Whatever relays do: never too many, never idle for ever while one could be asked."""

    def __init__(self):
        super().__init__()
        self.now, self.asked, self.held = 0.0, set(), set()
        self.places = places(relays="abcd")

    @rule(step=st.floats(0, 100))
    def time_passes(self, step):
        self.now += step
        due = self.places.due(self.now)
        assert not self.asked & set(due)
        self.asked |= set(due)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), granted=st.booleans(), lasts=st.floats(0, 7200))
    def answer(self, data, granted, lasts):
        relay = data.draw(st.sampled_from(sorted(self.asked)))
        self.asked.discard(relay)
        if granted:
            self.places.granted(relay, lasts, self.now)
            self.held.add(relay)
        else:
            self.places.failed(relay, "no", self.now)
            self.held.discard(relay)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def lose(self, data):
        relay = data.draw(st.sampled_from(sorted(self.held)))
        self.places.lost(relay, self.now)
        self.held.discard(relay)

    @rule()
    def moved(self):
        self.places.hurry()

    @invariant()
    def never_too_many(self):
        assert len(self.asked | self.held) <= 2

    @invariant()
    def never_stuck(self):
        if len(self.asked | self.held) < 2:
            assert self.places.next_at() < self.now + 2 * GONE_PAUSE_S


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=40, stateful_step_count=30)


@pytest.mark.parametrize("event", ["granted", "failed", "lost", "came"])
def test_word_of_a_relay_that_is_not_in_the_list_changes_nothing(event):
    held = places(relays="a", wanted=1)
    rest = {"granted": (60.0, 0.0), "failed": ("why", 0.0), "lost": (0.0,), "came": (0.0,)}[event]
    getattr(held, event)("x", *rest)
    assert held.due(0) == ["a"]
    assert held.problem("x") is None
