"""The fewest edits between two orders: they lead there, and there are no fewer."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from whatnext.bench.revisions import Edit, Occurrence, edits_between, longest_rising, occurrences

orders = st.lists(st.sampled_from("abcdefgh"), max_size=14)


def apply(order, edits):
    order = list(order)
    for edit in edits:
        if edit.kind != "add":
            order.remove(edit.key)
        if edit.kind != "remove":
            order.insert(0 if edit.after is None else order.index(edit.after) + 1, edit.key)
    return order


def longest_by_trying_all(values):
    best = [1] * len(values)
    for at, value in enumerate(values):
        best[at] += max((best[b] for b in range(at) if values[b] < value), default=0)
    return max(best, default=0)


@given(orders, orders)
def test_the_edits_lead_from_one_order_to_the_other(before, after):
    start, target = occurrences(before), occurrences(after)
    assert apply(start, edits_between(start, target)) == target


@given(orders, orders)
def test_only_what_must_move_is_moved(before, after):
    start, target = occurrences(before), occurrences(after)
    kinds = [edit.kind for edit in edits_between(start, target)]
    common = [start.index(key) for key in target if key in start]
    assert kinds.count("remove") == len(set(start) - set(target))
    assert kinds.count("add") == len(set(target) - set(start))
    assert kinds.count("move") == len(common) - longest_by_trying_all(common)


@given(st.lists(st.integers(0, 20), max_size=30))
def test_the_rising_subsequence_rises_and_is_longest(values):
    found = longest_rising(values)
    assert found == sorted(found)
    picked = [values[at] for at in found]
    assert all(a < b for a, b in pairwise(picked))
    assert len(picked) == longest_by_trying_all(values)


def test_a_track_that_stands_twice_is_two_entries():
    twice = occurrences(["a", "b", "a"])
    assert twice == [Occurrence("a", 0), Occurrence("b", 0), Occurrence("a", 1)]
    assert edits_between(twice, occurrences(["a", "b"])) == [Edit("remove", Occurrence("a", 1))]


def test_a_track_that_goes_to_the_front_is_one_move():
    before, after = occurrences("abcd"), occurrences("dabc")
    assert edits_between(before, after) == [Edit("move", Occurrence("d", 0), None)]
