"""Clients on two nodes that sync with each other, edited at random over breaking paths, end equal with nothing lost."""

import pytest
from fuzzing import Fuzz

pytestmark = pytest.mark.real

PAGES = ((0, "page"), (0, "page"), (1, "page"))
FRIENDS = ((0, "friend"), (1, "friend"), (1, "page"))
WAYS = {"pages": PAGES, "friends": FRIENDS}


@pytest.mark.parametrize("way", WAYS)
def test_a_short_run_of_edits_and_losses_ends_with_everything_equal(tmp_path, way):
    with Fuzz(tmp_path, 7, *WAYS[way]).running() as fuzz:
        told = fuzz.run(400)
    assert told["wrong"] == [], told
    assert told["requests"] + told["answers"] > 0, "nothing was lost: the run shows nothing"


@pytest.mark.soak
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(1001, 1011))
def test_runs_of_two_thousand_edits_end_with_everything_equal(tmp_path, seed, way):
    with Fuzz(tmp_path, seed, *WAYS[way]).running() as fuzz:
        told = fuzz.run(2000)
    print(told)
    assert told["wrong"] == [], told


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2001, 2006))
def test_runs_during_which_nodes_are_killed_end_with_everything_equal(tmp_path, seed):
    with Fuzz(tmp_path, seed, *PAGES).running() as fuzz:
        told = fuzz.run(3000, loss=0.01, pause_ms=12, kill_every_s=2.5)
    print(told)
    assert told["wrong"] == [], told
    assert told["kills"] > 0
