from hypothesis import given
from hypothesis import strategies as st

from whatnext.clock import AHEAD_MS, HybridClock, from_millis, millis

NOW = 1_800_000_000_000


def test_a_stamp_holds_its_milliseconds():
    assert millis(from_millis(NOW)) == NOW
    assert millis(HybridClock(lambda: NOW).tick()) == NOW


@given(st.lists(st.one_of(st.integers(-AHEAD_MS, AHEAD_MS), st.none()), min_size=2, max_size=40))
def test_stamps_only_grow_however_the_wall_clock_jumps(steps):
    wall = [NOW]
    clock = HybridClock(lambda: wall[0])
    stamps = []
    for step in steps:
        wall[0] += step or 0
        stamps.append(clock.tick())
    assert stamps == sorted(set(stamps))


@given(st.integers(-(10**9), AHEAD_MS))
def test_a_stamp_follows_what_was_seen_so_that_an_answer_sorts_behind_its_question(offset):
    clock = HybridClock(lambda: NOW)
    seen = from_millis(NOW + offset) + 7
    clock.see(seen)
    assert clock.tick() > seen


def test_a_liars_stamp_far_ahead_does_not_drag_the_clock_along():
    clock = HybridClock(lambda: NOW)
    liar = from_millis(NOW + AHEAD_MS + 1)
    assert clock.is_early(liar)
    assert not clock.is_early(liar - 1)
    clock.see(liar)
    assert millis(clock.tick()) == NOW


def test_a_restart_goes_on_behind_the_last_stamp_even_when_the_wall_clock_was_set_back():
    last = HybridClock(lambda: NOW).tick()
    assert HybridClock(lambda: NOW - 10**6, last).tick() == last + 1


def test_many_changes_in_one_millisecond_keep_their_order_and_borrow_from_the_next():
    clock = HybridClock(lambda: NOW)
    stamps = [clock.tick() for _ in range(70_000)]
    assert stamps == list(range(stamps[0], stamps[0] + 70_000))
    assert millis(stamps[-1]) == NOW + 1
