import random
import string
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.records import positions
from whatnext.records.positions import (
    ALPHABET,
    LONG_BYTES,
    MAX_BYTES,
    NoRoom,
    between,
    is_valid,
    needs_rebalance,
    place,
    rebalance,
    run,
)

seeds = st.integers(0, 2**32).map(random.Random)
# Two letters make common prefixes, shared integers and neighbours without room between them likely.
narrow = st.text("0z", min_size=1, max_size=20).filter(is_valid)
wide = st.text(ALPHABET, min_size=1, max_size=MAX_BYTES).filter(is_valid)
extreme = st.sampled_from(["z" * MAX_BYTES, "0" * (MAX_BYTES - 1) + "1", "A" + "0" * 26 + "1", "z" * 27])
keys = st.one_of(narrow, wide, extreme)
ends = st.one_of(st.none(), keys)


def in_order(made: list[str]) -> bool:
    return made == sorted(set(made)) and all(map(is_valid, made))


def test_the_alphabet_sorts_bytewise_so_that_sqlite_and_python_agree():
    assert list(ALPHABET) == sorted(ALPHABET, key=str.encode)
    assert set(ALPHABET) == set(string.ascii_letters + string.digits)


@pytest.mark.parametrize("bad", ["", "a0", "0", "a b", "a-", "ä1", "a1\n", "1" * 129, "\u0661", "a\x00"])
def test_what_is_not_a_position_is_refused_everywhere(bad):
    assert not is_valid(bad)
    rng = random.Random(1)
    for make in (lambda a, b: between(a, b, rng), lambda a, b: run(a, b, 2, rng)):
        with pytest.raises(ValueError, match="is not a position"):
            make(bad, None)
        with pytest.raises(ValueError, match="is not a position"):
            make("a1", bad)
    with pytest.raises(ValueError, match="is not a position"):
        rebalance(["a1", bad, "a3"], 0, rng)


@pytest.mark.parametrize("good", ["1", "z", "a01", "z" * MAX_BYTES])
def test_any_base_62_fraction_of_up_to_128_bytes_is_a_position(good):
    assert is_valid(good)


@given(ends, ends, seeds)
def test_a_new_key_lies_strictly_between_any_two_neighbours_or_there_is_no_room(before, after, rng):
    try:
        made = between(before, after, rng)
    except NoRoom:
        assert max(len(before or ""), len(after or "")) > MAX_BYTES - 6
        return
    assert is_valid(made)
    assert before is None or before < made
    if before is None or after is None or before < after:
        assert after is None or made < after


@given(keys, keys, seeds)
def test_between_equal_or_disordered_neighbours_a_key_sorts_right_after_the_first(one, other, rng):
    before, after = max(one, other), min(one, other)
    if len(before) > MAX_BYTES - 5:
        with pytest.raises(NoRoom):
            between(before, after, rng)
        return
    made = between(before, after, rng)
    assert made.startswith(before)
    assert len(made) > len(before)
    assert all(made.startswith(before) for made in run(before, after, 3, random.Random(1)))


@given(ends, ends, st.integers(0, 300), seeds)
def test_a_run_is_ordered_and_lies_between_its_neighbours(before, after, count, rng):
    try:
        made = run(before, after, count, rng)
    except NoRoom:
        assert max(len(before or ""), len(after or "")) > MAX_BYTES - 10
        return
    assert len(made) == count
    assert in_order(made)
    assert before is None or all(before < key for key in made)
    if before is None or after is None or before < after:
        assert after is None or all(key < after for key in made)


def test_a_run_of_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="-1"):
        run(None, None, -1, random.Random(1))


@given(st.lists(st.integers(0, 10_000), max_size=60), seeds)
def test_any_nesting_of_inserts_keeps_the_order_the_user_saw(places, rng):
    made: list[str] = []
    for place_ in places:
        at = place_ % (len(made) + 1)
        made.insert(at, between(made[at - 1] if at else None, made[at] if at < len(made) else None, rng))
    assert in_order(made)


def blocks(runs: list[list[str]]) -> list[int]:
    """Whose key stands at each place of the merged list, neighbours of one run counted once."""
    owner = {key: number for number, made in enumerate(runs) for key in made}
    assert len(owner) == sum(map(len, runs))
    return [number for number, _ in groupby(sorted(owner), key=owner.__getitem__)]


@given(ends, ends, st.lists(st.integers(1, 200), min_size=2, max_size=3), seeds)
def test_albums_added_at_one_place_at_once_stay_whole(before, after, counts, rng):
    try:
        runs = [run(before, after, count, random.Random(rng.random())) for count in counts]
    except NoRoom:
        return
    assert len(blocks(runs)) == len(runs)


@given(st.integers(0, 5), st.integers(0, 5), seeds)
def test_albums_stay_whole_when_one_device_has_not_seen_the_others_tracks(mine, theirs, rng):
    shared = between(None, None, rng)
    runs = []
    for unseen in (mine, theirs):
        last = shared
        for _ in range(unseen):
            last = between(last, None, rng)
        runs += [run(last, None, 12, rng), run(shared, last if last > shared else None, 12, rng)]
    singles = [[between(shared, None, rng)] for _ in range(5)]
    assert len(blocks(runs + singles)) == len(runs) + len(singles)


class Counting(random.Random):
    def __init__(self):
        super().__init__(3)
        self.choices = []

    def randrange(self, start, stop=None, step=1):
        self.choices.append(stop - start)
        return super().randrange(start, stop, step)


@given(ends, ends)
def test_the_prefix_of_a_run_is_drawn_at_once_from_tens_of_billions(before, after):
    rng = Counting()
    try:
        made = run(before, after, 10, rng)
    except NoRoom:
        return
    assert len(rng.choices) == 1
    assert rng.choices[0] >= 2**35
    assert len({key[:-2] for key in made}) == 1


@pytest.mark.parametrize("count", [1, 2, 12, 100, 10_000])
def test_the_keys_of_a_run_are_short_evenly_spaced_and_leave_room(count):
    rng = random.Random(5)
    made = run("a5xxxxx", "a6yyyyy", count, rng)
    assert len({len(key) for key in made}) == 1
    assert len(made[0]) <= 11
    numbers = [positions._value(key[-3:]) for key in made]
    gaps = [later - earlier for earlier, later in pairwise(numbers)]
    assert all(gap >= 4 for gap in gaps)
    assert not gaps or max(gaps) <= min(gaps) + 2
    for earlier, later in pairwise(made[:50]):
        assert len(between(earlier, later, rng)) <= len(earlier) + 5


def test_ten_thousand_appends_and_prepends_stay_at_nine_bytes():
    rng = random.Random(7)
    appended = [between(None, None, rng)]
    prepended = appended[:]
    for _ in range(10_000):
        appended.append(between(appended[-1], None, rng))
        prepended.append(between(None, prepended[-1], rng))
    assert in_order(appended)
    assert in_order(prepended[::-1])
    assert {len(key) for key in appended[:62]} == {7}
    assert max(map(len, appended + prepended)) == 9


def test_two_devices_appending_at_one_place_make_different_keys():
    made = {between("a1xxxxx", None, random.Random(seed)) for seed in range(2_000)}
    made |= {between("a1xxxxx", "a1xxxxy", random.Random(-seed - 1)) for seed in range(2_000)}
    assert len(made) == 4_000


@pytest.mark.parametrize(
    ("key", "above", "below"),
    [
        ("a01", "a1", "Zz"), ("az1", "b00", "ay"), ("b001", "b01", "az"), ("bzz1", "c000", "bzy"),
        ("Zz1", "a0", "Zy"), ("Z01", "Z1", "Yzz"), ("Yzz1", "Z0", "Yzy"),
    ],
)  # fmt: skip
def test_the_ends_step_by_one_integer_whatever_its_length(key, above, below):
    rng = random.Random(1)
    assert between(key, None, rng).startswith(above)
    assert between(None, key, rng).startswith(below)
    assert run(key, None, 2, rng)[0].startswith(above)
    assert len(between(key, None, rng)) == len(above) + 5


@pytest.mark.parametrize("last", ["z" * 27, "zz", "5", "9" * 60, "A" + "0" * 26 + "1", "Q1"])
def test_the_ends_split_the_gap_where_a_hostile_key_leaves_no_integer_to_step_to(last):
    rng = random.Random(1)
    assert last < between(last, None, rng)
    assert between(None, last, rng) < last


def insert_all(count: int, where) -> tuple[list[str], int]:
    rng = random.Random(11)
    made = [between(None, None, rng)]
    made.append(between(made[0], None, rng))
    moved = 0
    for _ in range(count):
        at = where(made)
        made.insert(at, between(made[at - 1], made[at], rng))
        if needs_rebalance(made[at]):
            new = rebalance(made, at, rng)
            assert at in new
            moved += len(new)
            for index, key in new.items():
                made[index] = key
    return made, moved


@pytest.mark.parametrize(
    "where",
    [lambda made: 1, lambda made: len(made) - 1, lambda made: len(made) // 2],
    ids=["after one track", "before one track", "in the middle"],
)
def test_ten_thousand_inserts_into_one_gap_stay_short_by_rebalancing_few(where):
    made, moved = insert_all(10_000, where)
    assert in_order(made)
    assert max(map(len, made)) <= LONG_BYTES
    assert moved < 30_000


def test_ten_thousand_random_moves_of_a_hundred_tracks_keep_keys_short():
    rng = random.Random(13)
    made = run(None, None, 100, rng)
    for _ in range(10_000):
        made.pop(rng.randrange(0, 100))
        at = rng.randrange(0, 100)
        new, moved = place(made, at, 1, rng)
        assert not moved
        made[at:at] = new
    assert in_order(made)
    assert max(map(len, made)) <= 32


@given(st.lists(keys, min_size=1, max_size=40).map(sorted), st.integers(0, 1_000), seeds)
def test_a_rebalance_keeps_the_order_and_makes_the_key_short_whatever_peers_wrote(made, at, rng):
    index = at % len(made)
    new = rebalance(made, index, rng)
    assert index in new
    assert all(len(key) <= 45 for key in new.values())
    window = sorted(new)
    assert window == list(range(window[0], window[-1] + 1))
    around = made[max(0, window[0] - 1) : window[0]] + [new[i] for i in window] + made[window[-1] + 1 :][:1]
    assert in_order(around)


def test_a_rebalance_moves_only_what_it_must():
    rng = random.Random(17)
    made = [between(None, None, rng)]
    for _ in range(999):
        made.append(between(made[-1], None, rng))
    made[500] = made[499] + "0" * 80 + "1"
    assert set(rebalance(made, 500, rng)) == {500}


def test_a_list_of_equal_keys_is_spread_out_without_delay():
    new = rebalance(["V" * MAX_BYTES] * 20_000, 10_000, random.Random(19))
    assert sorted(new) == list(range(10_001))
    assert in_order([new[i] for i in range(10_001)] + ["V" * MAX_BYTES])
    assert max(map(len, new.values())) <= 16


@pytest.mark.parametrize("index", [-1, 3])
def test_outside_the_list_nothing_is_rebalanced_or_placed(index):
    with pytest.raises(IndexError):
        rebalance(["a1", "a2", "a3"], index, random.Random(1))
    with pytest.raises(IndexError):
        place(["a1", "a2"], index, 1, random.Random(1))


@given(st.lists(keys, max_size=30).map(sorted), st.integers(0, 1_000), st.integers(1, 30), seeds)
def test_place_finds_room_exactly_where_it_was_asked_whatever_peers_wrote(made, at, count, rng):
    index = at % (len(made) + 1)
    new, moved = place(made, index, count, rng)
    after = [moved.get(i, key) for i, key in enumerate(made)]
    after[index:index] = new
    assert len(new) == count
    assert not any(map(needs_rebalance, new))
    around = after[max(0, index - 1) : index + count + 1]
    assert in_order(around)
    assert after == sorted(after)


def test_place_moves_nothing_in_an_ordinary_list():
    rng = random.Random(23)
    made: list[str] = []
    for count in (1, 12, 1, 5):
        for index in (0, len(made) // 2, len(made)):
            new, moved = place(made, index, count, rng)
            assert not moved
            made[index:index] = new
    assert in_order(made)
