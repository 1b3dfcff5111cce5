"""The rules of starting a node again: no process, no clock of its own."""

from hypothesis import given
from hypothesis import strategies as st

from whatnext.desktop.supervisor import (
    CRASH_WINDOW_S,
    LONGEST_PAUSE_S,
    MAX_CRASHES,
    MAX_FAILED_STARTS,
    Finished,
    GaveUp,
    Restart,
    Supervisor,
)

KILLED = -9


def life(supervisor: Supervisor, now: float, status: int = KILLED, port: int | None = 4000):
    """One life from launch to end; ready at `port`, or never. The port asked for, and the verdict."""
    asked = supervisor.launch()
    if port is not None:
        supervisor.ready(port)
    return asked, supervisor.ended(now, status)


def test_a_node_that_was_told_to_stop_stays_stopped():
    assert life(Supervisor(), 0, status=0)[1] == Finished()
    assert life(Supervisor(), 0, status=0, port=None)[1] == Finished()


def test_a_node_that_was_ready_is_started_again_at_once_where_pages_expect_it():
    supervisor = Supervisor()
    assert life(supervisor, 0, port=4321) == (0, Restart(0.0))
    assert life(supervisor, 1, port=4321) == (4321, Restart(0.0))


def test_pauses_between_failed_starts_double_until_there_is_no_point():
    supervisor = Supervisor()
    verdicts = [life(supervisor, now, status=5, port=None)[1] for now in range(MAX_FAILED_STARTS)]
    assert verdicts[:-1] == [Restart(0.25 * 2**n) for n in range(MAX_FAILED_STARTS - 1)]
    assert verdicts[-1] == GaveUp("it ended 6 times in a row before it was ready")


def test_a_start_that_fails_three_times_for_one_reason_is_not_tried_again():
    def fails(*reasons: str | None):
        supervisor = Supervisor()
        verdicts = []
        for now, reason in enumerate(reasons):
            supervisor.launch()
            verdicts.append(supervisor.ended(now, 5, reason))
        return verdicts[-1]

    full = "the disk is full"
    assert fails(full, full, full) == GaveUp("it did not start 3 times, each time for the same reason")
    assert fails(full, full, "settings are damaged") == Restart(1.0)
    assert fails(full, full, None) == fails(None, None, None) == Restart(1.0)
    assert fails(full, full, None, full) == Restart(2.0)


def test_a_start_that_went_well_forgets_why_others_did_not():
    supervisor = Supervisor()
    for port in (None, None, 4000, None, None):
        supervisor.launch()
        if port is not None:
            supervisor.ready(port)
        verdict = supervisor.ended(0, 5, "the disk is full")
    assert verdict == Restart(0.5)


def test_two_failed_starts_let_go_of_the_port_and_one_does_not():
    supervisor = Supervisor()
    life(supervisor, 0, port=4321)
    assert life(supervisor, 1, port=None)[0] == 4321
    assert life(supervisor, 2, port=None)[0] == 4321
    assert supervisor.launch() == 0


def test_one_good_start_forgives_the_failed_ones():
    supervisor = Supervisor()
    for now in range(MAX_FAILED_STARTS - 1):
        life(supervisor, now, port=None)
    assert life(supervisor, 10)[1] == Restart(0.0)
    assert life(supervisor, 11, port=None)[1] == Restart(0.25)


def test_a_node_that_dies_again_and_again_is_given_up_even_when_it_gets_ready():
    supervisor = Supervisor()
    verdicts = [life(supervisor, float(now))[1] for now in range(MAX_CRASHES + 1)]
    assert set(verdicts[:-1]) == {Restart(0.0)}
    assert verdicts[-1] == GaveUp("it ended 31 times within 10 minutes")


def test_crashes_of_long_ago_do_not_count():
    supervisor = Supervisor()
    apart = CRASH_WINDOW_S / MAX_CRASHES
    assert all(life(supervisor, n * apart)[1] == Restart(0.0) for n in range(MAX_CRASHES * 3))


@given(st.lists(st.tuples(st.floats(0, 60), st.booleans(), st.sampled_from([1, 5, -9, -11])), max_size=120))
def test_whatever_happens_it_ends_or_waits_a_bounded_time(lives):
    supervisor, now, failed = Supervisor(), 0.0, 0
    for lasted, was_ready, status in lives:
        now += lasted
        _, verdict = life(supervisor, now, status, 4000 if was_ready else None)
        failed = 0 if was_ready else failed + 1
        if isinstance(verdict, GaveUp):
            return
        assert isinstance(verdict, Restart)
        assert failed < MAX_FAILED_STARTS
        assert 0 <= verdict.after_s <= LONGEST_PAUSE_S
