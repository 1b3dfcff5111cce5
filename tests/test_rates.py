"""Token buckets: never more than the burst and the rate, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from whatnext.rates import Buckets


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 50), st.floats(0, 3)), max_size=60))
def test_buckets_are_bounded_and_never_give_more_than_burst_and_rate(steps):
    buckets, now, taken = Buckets(10.0, 20.0, capacity=6), 0.0, {}
    for key, amount, later in steps:
        now += later
        if buckets.take(key, amount, now):
            taken[key] = taken.get(key, 0.0) + amount
        assert len(buckets) <= 6
        assert all(sum_ <= 20.0 + 10.0 * now + 1e-6 for sum_ in taken.values())


def test_the_longest_unused_bucket_is_forgotten_first():
    buckets = Buckets(1.0, 1.0, capacity=2)
    assert buckets.take("a", 1, 0.0)
    assert buckets.take("b", 1, 0.0)
    assert not buckets.take("a", 1, 0.0)
    assert buckets.take("c", 1, 0.0)
    assert buckets.take("b", 1, 0.0)  # forgotten, so full again
