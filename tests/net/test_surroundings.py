"""Sleep and changes of network, seen in clocks and addresses alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.net.surroundings import JUMP_S, LATE_S, NetworkChanged, Slept, Surroundings

HOME, CAFE = ["127.0.0.1", "192.168.1.7"], ["127.0.0.1", "10.0.0.3"]
WALL = 1_790_000_000.0


@pytest.fixture
def surroundings():
    made = Surroundings()
    assert made.look(100.0, WALL, HOME) == []
    return made


@given(st.lists(st.tuples(st.floats(0.5, 3.0), st.floats(-2.0, 2.0)), max_size=30))
def test_an_ordinary_second_is_nothing_even_when_clocks_are_slewed(steps):
    made = Surroundings()
    monotonic, wall = 100.0, WALL
    for ran, slewed in steps:
        assert made.look(monotonic, wall, HOME) == []
        monotonic += ran
        wall += ran + slewed


def test_a_suspended_laptop_is_seen_by_the_wall_clock(surroundings):
    assert surroundings.look(101.0, WALL + 3600, HOME) == [Slept(3600)]
    assert surroundings.look(102.0, WALL + 3601, HOME) == []


def test_a_stopped_process_is_seen_by_its_late_look(surroundings):
    assert surroundings.look(140.0, WALL + 40, HOME) == [Slept(40)]


def test_the_limits_are_what_they_say(surroundings):
    assert surroundings.look(101.0, WALL + 1 + JUMP_S, HOME) == []
    assert surroundings.look(101.0 + LATE_S, WALL + 1 + JUMP_S + LATE_S, HOME) == []


def test_a_clock_set_back_is_no_sleep(surroundings):
    assert surroundings.look(101.0, WALL - 7200, HOME) == []


def test_another_network_is_told_with_what_came_and_went(surroundings):
    assert surroundings.look(101.0, WALL + 1, CAFE) == [
        NetworkChanged(frozenset({"10.0.0.3"}), frozenset({"192.168.1.7"}))
    ]
    assert surroundings.look(102.0, WALL + 2, reversed(CAFE)) == []


def test_a_laptop_carried_asleep_to_another_network_is_told_of_both(surroundings):
    assert [type(each) for each in surroundings.look(101.0, WALL + 900, CAFE)] == [Slept, NetworkChanged]
