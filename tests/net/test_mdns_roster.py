"""The list of neighbours that people look at, when peers come and go."""

from hypothesis import given
from hypothesis import strategies as st

from whatnext.net.mdns import Found, Lost, Quiet, Roster, State
from whatnext.net.mdns.roster import MAX_GONE

A1, A2 = ("/ip4/10.0.0.1/tcp/1",), ("/ip4/10.0.0.1/tcp/2",)


def states(roster: Roster, now: float, **options: bool) -> dict[str, State]:
    return {row.peer: row.state for row in roster.listing(now, **options)}


def test_a_neighbour_comes_goes_quiet_and_comes_back():
    roster = Roster()
    roster.take(Found("anna", A1, True), 0)
    roster.take(Quiet("anna"), 70)
    assert states(roster, 71) == {"anna": State.QUIET}
    roster.take(Found("anna", A1, True), 80)
    (row,) = roster.listing(81)
    assert (row.state, row.first_seen, row.since) == (State.HERE, 0, 80)


def test_who_left_is_gone_within_five_seconds_and_off_the_list_after_a_minute():
    roster = Roster()
    roster.take(Found("anna", A1, True), 0)
    roster.take(Lost("anna"), 10)
    assert states(roster, 10 + 4.9) == {"anna": State.GONE}
    assert states(roster, 10 + 61) == {}


def test_a_restart_does_not_make_the_list_flicker():
    roster = Roster()
    roster.take(Found("anna", A1, True), 0)
    roster.take(Lost("anna"), 10)
    assert states(roster, 11) == {"anna": State.QUIET}
    roster.take(Found("anna", A2, True), 12)
    (row,) = roster.listing(12)
    assert (row.state, row.addresses, row.first_seen) == (State.HERE, A2, 0)


def test_who_was_gone_and_returns_is_new():
    roster = Roster()
    roster.take(Found("anna", A1, True), 0)
    roster.take(Lost("anna"), 10)
    roster.take(Found("anna", A1, True), 30)
    assert roster.listing(30)[0].first_seen == 30


def test_foreign_nodes_are_listed_only_on_request():
    roster = Roster()
    roster.take(Found("kubo", A1, False), 0)
    assert states(roster, 1) == {}
    assert states(roster, 1, foreign=True) == {"kubo": State.HERE}


def test_who_is_here_stands_first_and_the_longest_known_before_the_others():
    roster = Roster()
    for now, peer in enumerate(["a", "b", "c", "d"]):
        roster.take(Found(peer, A1, True), now)
    roster.take(Quiet("a"), 70)
    roster.take(Lost("b"), 71)
    assert [row.peer for row in roster.listing(80)] == ["c", "d", "a", "b"]


def test_word_of_an_unknown_peer_changes_nothing():
    roster = Roster()
    roster.take(Lost("anna"), 0)
    roster.take(Quiet("anna"), 0)
    assert roster.listing(0, foreign=True) == []


def test_a_flood_of_departures_is_bounded():
    roster = Roster()
    for number in range(MAX_GONE * 3):
        roster.take(Found(str(number), A1, True), 0)
        roster.take(Lost(str(number)), 0)
    assert len(roster.listing(1)) == MAX_GONE


events = st.tuples(
    st.one_of(
        st.builds(Found, st.sampled_from("abc"), st.sampled_from([A1, A2]), st.booleans()),
        st.builds(Quiet, st.sampled_from("abc")),
        st.builds(Lost, st.sampled_from("abc")),
    ),
    st.floats(0, 40),
)


@given(st.lists(events, max_size=30))
def test_the_list_ends_as_the_last_word_of_each_peer_says_and_says_when_it_changes(history):
    roster, now, last = Roster(), 0.0, {}
    for event, wait in history:
        roster.take(event, now)
        last[event.peer] = event if isinstance(event, Found) or event.peer in last else None
        now += wait
        before, wake = states(roster, now, foreign=True), roster.next_change(now)
        if wake is not None:
            assert wake > 0
            assert states(roster, now + wake * 0.999, foreign=True) == before
            assert states(roster, now + wake, foreign=True) != before
    now += 100
    here = {peer for peer, state in states(roster, now, foreign=True).items() if state is State.HERE}
    assert here == {peer for peer, event in last.items() if isinstance(event, Found)}
