"""Timelines: bounded whatever happens, and a life is what a person would call one connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.node.timeline import (
    FIRST_STEPS,
    LAST_STEPS,
    MAX_LIVES,
    MAX_PEERS,
    MAX_TEXT,
    QUIET_S,
    Step,
    Timeline,
    Timelines,
)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def played(*steps):
    """A timeline of (seconds, kind) pairs."""
    timeline = Timeline()
    for at, kind in steps:
        timeline.add(Step(at, kind))
    return timeline


def shown(timeline):
    return [[step.kind for step in [*life.first, *life.last]] for life in timeline.lives]


def test_a_connection_and_all_that_led_to_it_is_one_life():
    told = [
        (0, "discovered"),
        (1, "dialling"),
        (1, "secured"),
        (1, "connected"),
        (500, "in sync"),
        (900, "lost"),
    ]
    timeline = played(*told)
    assert shown(timeline) == [[kind for _, kind in told]]
    assert not timeline.is_connected()


def test_what_follows_a_loss_is_another_life():
    timeline = played((0, "connected"), (1, "lost"), (1, "dialling"), (2, "connected"))
    assert shown(timeline) == [["connected", "lost"], ["dialling", "connected"]]
    assert [life.number for life in timeline.lives] == [1, 2]
    assert timeline.is_connected()


def test_a_pause_without_a_connection_separates_attempts_and_a_pause_with_one_does_not():
    assert shown(played((0, "dialling"), (QUIET_S + 1, "dialling"))) == [["dialling"], ["dialling"]]
    assert shown(played((0, "dialling"), (QUIET_S - 1, "dialling"))) == [["dialling", "dialling"]]
    assert shown(played((0, "connected"), (9999, "path"))) == [["connected", "path"]]


def test_a_thousand_failed_attempts_do_not_push_out_why_the_peer_was_lost():
    timeline = played((0, "connected"), (1, "lost"))
    for number in range(1000):
        timeline.add(Step(100.0 + 60 * number, "dialling"))
        timeline.add(Step(101.0 + 60 * number, "failed"))
    assert shown(timeline) == [["connected", "lost"], ["dialling", "failed"], ["dialling", "failed"]]
    lost, kept, newest = timeline.lives
    assert (lost.failed_before, kept.failed_before, newest.failed_before) == (0, 998, 0)


def test_a_long_life_keeps_its_beginning_and_its_end_and_counts_the_rest():
    timeline = played((0, "connected"), *((n, "path") for n in range(1, 100)), (100, "lost"))
    [life] = timeline.lives
    assert (len(life.first), len(life.last), life.skipped) == (
        FIRST_STEPS,
        LAST_STEPS,
        101 - FIRST_STEPS - LAST_STEPS,
    )
    assert (life.first[0].kind, life.last[-1].kind) == ("connected", "lost")


kinds = st.sampled_from(
    ["discovered", "dialling", "failed", "secured", "connected", "in sync", "path", "unlinked", "lost"]
)
histories = st.lists(st.tuples(st.floats(0, 30), kinds), max_size=300)


@given(histories)
def test_lives_are_bounded_ordered_and_never_mixed(history):
    timeline, now = Timeline(), 0.0
    for pause, kind in history:
        now += pause
        life = timeline.add(Step(now, kind))
        assert life is timeline.lives[-1]
        assert life.latest() == now
    assert len(timeline.lives) <= MAX_LIVES
    assert [life.number for life in timeline.lives] == sorted({life.number for life in timeline.lives})
    failed = [life for life in timeline.lives if not life.connected]
    assert len(failed) <= max(2, MAX_LIVES)
    for life in timeline.lives:
        steps = [*life.first, *life.last]
        assert len(steps) <= FIRST_STEPS + LAST_STEPS
        assert [step.at for step in steps] == sorted(step.at for step in steps)
        told = [step.kind for step in steps]
        assert set(told[told.index("lost") + 1 :] if "lost" in told else []) <= {"unlinked"}
        assert life.over or "lost" not in told
    for before, after in zip(timeline.lives, list(timeline.lives)[1:], strict=False):
        assert before.latest() <= after.began_at


@given(histories)
def test_no_step_is_lost_without_being_counted(history):
    timeline, now, lives = Timeline(), 0.0, {}
    for pause, kind in history:
        now += pause
        life = timeline.add(Step(now, kind))
        lives[life.number] = life
    assert sum(len(life.first) + len(life.last) + life.skipped for life in lives.values()) == len(history)
    assert sum(1 + life.failed_before for life in timeline.lives) <= len(lives)


def test_the_peers_silent_for_longest_make_room():
    clock, heard = Clock(), []
    timelines = Timelines(clock, lambda peer, life, step: heard.append((peer, life.number, step.kind)))
    timelines.add("first", "connected")
    for number in range(MAX_PEERS - 1):
        timelines.add(f"P{number}", "connected")
    timelines.add("first", "lost")
    timelines.add("one more", "connected")
    assert timelines.lives("first")
    assert timelines.lives("P0") == []
    assert heard[0] == ("first", 1, "connected")
    assert heard[-1] == ("one more", 1, "connected")
    timelines.forget("first")
    assert timelines.lives("first") == []


def test_peers_that_were_only_announced_do_not_push_out_one_that_was_met():
    timelines = Timelines(Clock())
    timelines.add("met", "connected")
    timelines.add("met", "lost")
    for number in range(3 * MAX_PEERS):
        timelines.add(f"P{number}", "discovered")
    assert timelines.lives("met")
    assert timelines.lives(f"P{3 * MAX_PEERS - 1}")
    assert sum(bool(timelines.lives(f"P{n}")) for n in range(3 * MAX_PEERS)) == MAX_PEERS - 1


@pytest.mark.parametrize("kind", ["connected", "lost"])
def test_words_of_a_peer_are_cut_short(kind):
    timelines = Timelines(Clock())
    timelines.add("P", kind, "x" * 10_000, address="/" * 10_000)
    [life] = timelines.lives("P")
    assert (len(life.first[0].text), len(life.first[0].address)) == (MAX_TEXT, MAX_TEXT)
    assert timelines.is_connected("P") == (kind == "connected")


def test_a_peer_is_being_dialled_until_every_attempt_ended_or_one_connected():
    clock = Clock()
    timelines = Timelines(clock)
    timelines.add("P", "discovered")
    assert not timelines.is_dialling("P")
    timelines.add("P", "dialling", address="/a")
    timelines.add("P", "dialling", address="/b")
    timelines.add("P", "failed", address="/a")
    assert timelines.is_dialling("P")
    timelines.add("P", "given up", address="/b")
    assert not timelines.is_dialling("P")
    timelines.add("P", "dialling", address="/a")
    timelines.add("P", "connected", address="/a")
    assert not timelines.is_dialling("P")
    timelines.add("Q", "dialling", address="/a")
    clock.now += QUIET_S + 1
    assert not timelines.is_dialling("Q"), "a dial takes ten seconds at most"
    assert not timelines.is_dialling("nobody")
