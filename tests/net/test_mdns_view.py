"""What a node believes about its network, from records and a clock alone."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from whatnext.identity import Identity
from whatnext.net.mdns.sightings import Found, Lost, Quiet, Sighting, changes
from whatnext.net.mdns.txt import pack
from whatnext.net.mdns.view import MAX_INSTANCES, MAX_PER_PEER, View

OWN, ANNA, BEN = (Identity(letter * 32).peer_id for letter in (b"o", b"a", b"b"))
A1, A2, B1 = "/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/2", "/ip4/10.0.0.2/tcp/1"


def view() -> View:
    return View(OWN, Random(1))


def heard(
    seen: View, now: float, name: str = "a", peer: str = ANNA, address: str = A1, ttl: float = 120
) -> None:
    seen.texts(name, [pack(peer, [address])], ttl, now)


def asked(seen: View, until: float) -> list[float]:
    """Times at which the view asked anything, up to `until`."""
    times = []
    while (at := seen.next_tick()) is not None and at <= until:
        if seen.tick(at):
            times.append(at)
    return times


def test_an_announcement_makes_a_sighting_and_a_goodbye_ends_it():
    seen = view()
    heard(seen, 0)
    assert seen.sightings() == {ANNA: Sighting((A1,), True)}
    heard(seen, 1, ttl=0)
    assert seen.sightings() == {}


def test_our_own_announcement_is_not_a_neighbour():
    seen = view()
    heard(seen, 0, peer=OWN)
    assert seen.sightings() == {}


def test_a_pointer_without_its_text_is_asked_about_and_soon_forgotten():
    seen = view()
    seen.pointer("a", 0)
    assert asked(seen, 60) == [0, 0.25, 1.0, 2.5]
    assert seen.next_tick() is None


def test_a_pointer_to_a_known_instance_asks_nothing():
    seen = view()
    heard(seen, 0)
    seen.pointer("a", 1)
    assert seen.tick(2) == []


def test_a_silent_peer_is_asked_four_times_is_quiet_after_the_first_and_gone_at_its_ttl():
    seen = view()
    heard(seen, 0)
    first, second, third, fourth = asked(seen, 119)
    assert 60 <= first < second < third < fourth < 120
    assert seen.sightings()[ANNA].quiet
    seen.tick(120)
    assert seen.sightings() == {}

    seen = view()
    heard(seen, 0)
    seen.tick(first)
    assert not seen.sightings()[ANNA].quiet
    assert not seen.believes("a")
    seen.tick(second)
    assert seen.sightings()[ANNA].quiet
    heard(seen, second + 1)
    assert not seen.sightings()[ANNA].quiet
    assert seen.believes("a")


def test_a_peer_that_announces_itself_is_never_asked():
    seen = view()
    for now in range(0, 600, 40):
        heard(seen, now)
        assert asked(seen, now + 39) == []


def test_no_announcement_is_believed_longer_than_two_minutes():
    seen = view()
    heard(seen, 0, ttl=4500)
    seen.tick(119)
    assert ANNA in seen.sightings()
    seen.tick(120)
    assert seen.sightings() == {}


def test_after_a_change_of_network_whoever_says_nothing_is_gone_within_seconds():
    seen = view()
    heard(seen, 0)
    heard(seen, 0, "b", BEN, B1)
    seen.doubt(5)
    heard(seen, 6, "b", BEN, B1)
    assert asked(seen, 10.9) == [6, 7, 8.5]
    assert set(seen.sightings()) == {ANNA, BEN}
    seen.tick(11)
    assert set(seen.sightings()) == {BEN}


def test_a_restarted_peer_keeps_its_place_and_its_newest_address_comes_first():
    seen = view()
    heard(seen, 0, "a", ANNA, A1)
    heard(seen, 10, "a2", ANNA, A2)
    assert seen.sightings()[ANNA].addresses == (A2, A1)
    seen.tick(125)
    assert seen.sightings()[ANNA].addresses == (A2,)


def test_an_instance_that_changes_its_address_is_believed():
    seen = view()
    heard(seen, 0, address=A1)
    heard(seen, 1, address=A2)
    assert seen.sightings()[ANNA].addresses == (A2,)


def test_a_flood_of_names_fills_a_table_of_fixed_size_and_pushes_nobody_out():
    seen = view()
    heard(seen, 0)
    for number in range(MAX_INSTANCES * 2):
        seen.pointer(f"p{number}", 0)
        heard(seen, 0, f"t{number}", BEN, B1)
    assert MAX_INSTANCES / 2 < len(seen.tick(0.1)) < MAX_INSTANCES
    assert set(seen.sightings()) == {ANNA, BEN}


def test_many_instances_of_one_peer_replace_each_other():
    seen = view()
    for number in range(100):
        heard(seen, number * 0.01, f"n{number}", ANNA, f"/ip4/10.0.0.1/tcp/{number + 1}")
    assert len(seen.sightings()[ANNA].addresses) == MAX_PER_PEER
    assert seen.sightings()[ANNA].addresses[0] == "/ip4/10.0.0.1/tcp/100"


def test_changes_are_told_once_and_only_the_newest():
    here, quiet, moved = Sighting((A1,), True), Sighting((A1,), True, quiet=True), Sighting((A2,), True)
    assert list(changes({}, {ANNA: here})) == [Found(ANNA, (A1,), True)]
    assert list(changes({ANNA: here}, {ANNA: here})) == []
    assert list(changes({ANNA: here}, {ANNA: quiet})) == [Quiet(ANNA)]
    assert list(changes({ANNA: quiet}, {ANNA: here})) == [Found(ANNA, (A1,), True)]
    assert list(changes({ANNA: here}, {ANNA: moved})) == [Found(ANNA, (A2,), True)]
    assert list(changes({ANNA: here}, {})) == [Lost(ANNA)]
    assert list(changes({}, {ANNA: quiet})) == [Found(ANNA, (A1,), True)]


steps = st.lists(
    st.tuples(
        st.sampled_from(["heard", "bye", "pointer", "doubt", "wait"]),
        st.sampled_from("abcd"),
        st.sampled_from([ANNA, BEN]),
        st.floats(0, 90),
    ),
    max_size=30,
)


@given(steps)
def test_whatever_happens_nobody_is_believed_without_word_for_two_minutes_and_the_clock_ends(history):
    seen, now = view(), 0.0
    last: dict[str, float] = {}
    for what, name, peer, wait in history:
        if what == "heard":
            heard(seen, now, name, peer)
            last[peer] = now
        elif what == "bye":
            seen.goodbye(name)
        elif what == "pointer":
            seen.pointer(name, now)
        elif what == "doubt":
            seen.doubt(now)
        now += wait
        asked(seen, now)
        assert seen.tick(now) == []
        assert all(now - last[peer] < 120 for peer in seen.sightings())
        assert (seen.next_tick() or now + 1) > now
    asked(seen, now + 200)
    assert seen.sightings() == {}
    assert seen.next_tick() is None
