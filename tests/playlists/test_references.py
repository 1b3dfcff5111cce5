import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.errors import Ambiguous, NotFound, UserError
from whatnext.playlists import references
from whatnext.records import ids


def listed(*entries):
    return [(entry, f"a{n}V") for n, entry in enumerate(entries)]


def test_a_playlist_is_found_by_id_beginning_and_name_in_any_case(circle):
    for text in (circle.id, circle.id[:1], circle.id[:9].upper(), "Road trip", "ROAD TRIP"):
        assert references.playlist(circle.ann.here, text) == circle.playlist


@pytest.mark.parametrize("text", ["", "nothing", "trip", "1", "z" * 32, "a\x1b[2J"])
def test_what_fits_no_playlist_says_where_to_look(circle, text):
    with pytest.raises(NotFound, match="`whatnext playlist list` shows") as caught:
        references.playlist(circle.ann.here, text)
    assert "\x1b" not in str(caught.value)


def test_two_playlists_of_one_name_are_told_apart_by_id_or_case(circle):
    second = circle.ann.do("playlist.create", name="Road Trip").id
    with pytest.raises(Ambiguous, match="fits several playlists") as caught:
        references.playlist(circle.ann.here, "road trip")
    assert circle.id[:12] in str(caught.value)
    assert second[:12] in str(caught.value)
    assert ids.to_text(references.playlist(circle.ann.here, "Road Trip")) == second
    assert ids.to_text(references.playlist(circle.ann.here, second[:6])) == second


def test_a_name_wins_over_the_beginning_of_another_id(circle):
    short = circle.id[:2]
    named = circle.ann.do("playlist.create", name=short).id
    assert ids.to_text(references.playlist(circle.ann.here, short)) == named


def test_a_beginning_that_fits_many_names_some_and_counts_the_rest(circle):
    for n in range(1000):  # so many that surely more than eight share the first of 32 letters
        circle.ann.do("playlist.create", name=f"No. {n}")
    with pytest.raises(Ambiguous, match=r"and [0-9]+ more\. Use more of the id"):
        references.playlist(circle.ann.here, circle.id[:1])


def test_an_entry_is_found_by_id_beginning_and_number():
    order = listed("abcdefghijklmnop", "abdefghijklmnopq", "2345672345672345")
    assert references.entry(order, "abcdefghijklmnop") == 0
    assert references.entry(order, "ABD") == 1
    assert references.entry(order, "2") == 1
    assert references.entry(order, "2345672345672345") == 2
    with pytest.raises(Ambiguous, match=r"1 \(abcdefghijklmnop\), 2 \(abdefghijklmnopq\)"):
        references.entry(order, "ab")
    with pytest.raises(NotFound, match="there is no entry 23: the playlist has 3"):
        references.entry(order, "23")  # a number, though the third id begins so


@pytest.mark.parametrize("text", ["0", "4", "-1", "٣", "1.5", "", "9" * 5000, "zz"])
def test_what_fits_no_entry_is_refused(text):
    with pytest.raises(NotFound):
        references.entry(listed("a" * 16, "b" * 16, "c" * 16), text)


@given(st.lists(st.binary(min_size=10, max_size=10), min_size=1, max_size=20, unique=True), st.data())
def test_whatever_is_found_really_fits_and_is_the_only_one(raw, data):
    order = listed(*(ids.to_text(each) for each in raw))
    text = data.draw(
        st.one_of(
            st.text("abcdefghijklmnopqrstuvwxyz234567", max_size=4),
            st.sampled_from([entry for entry, _ in order]).map(lambda e: e[:3]),
            st.integers(-3, 30).map(str),
        )
    )
    fits = [at for at, (entry, _) in enumerate(order) if text and entry.startswith(text)]
    try:
        at = references.entry(order, text)
    except Ambiguous:
        assert len(fits) > 1
    except NotFound:
        assert not fits or text.isdecimal()
    else:
        assert fits == [at] or text == str(at + 1)


def test_several_entries_come_in_the_order_of_the_list_each_once():
    order = listed("a" * 16, "b" * 16, "c" * 16)
    assert references.entries(order, ["3", "a", "c", "3"]) == [0, 2]
    with pytest.raises(UserError, match="no entry is named"):
        references.entries(order, [])


def test_a_peer_is_found_by_id_either_end_of_it_and_unique_name(circle):
    bob = circle.friend("Bob")
    here = circle.ann.here
    for text in (bob.peer, bob.peer[:20], bob.peer[-6:], "Bob", "bob"):
        assert references.peer(here, circle.playlist, text) == bob.peer
    with pytest.raises(Ambiguous, match=r"fits several members.*'Ann'.*'Bob'|'Bob'.*'Ann'"):
        references.peer(here, circle.playlist, "12D3KooW")
    with pytest.raises(NotFound, match="`whatnext members list` shows who is"):
        references.peer(here, circle.playlist, "Dan")
    other = circle.friend("BOB")
    with pytest.raises(Ambiguous):
        references.peer(here, circle.playlist, "Bob")
    assert references.peer(here, circle.playlist, other.peer[-8:]) == other.peer


def test_invites_and_comments_are_found_by_their_beginnings(circle):
    ann, here = circle.ann, circle.ann.here
    first, second = (ann.do("invite.create", playlist=circle.id).id for _ in range(2))
    assert references.invite(here, circle.playlist, first[:8]) == first
    assert references.invite(here, circle.playlist, second) == second
    with pytest.raises(NotFound, match="no invite 'x0'"):
        references.invite(here, circle.playlist, "x0")
    said = ann.do("playlist.comment", playlist=circle.id, text="hm").ids[0]
    for text in (said, said.partition(":")[2], said.partition(":")[2][:3]):
        assert references.comment(here, circle.playlist, text) == said
    with pytest.raises(NotFound, match="no comment"):
        references.comment(here, circle.playlist, "1")


def test_the_beginning_of_a_name_is_enough_when_no_other_name_begins_so(circle):
    assert references.playlist(circle.ann.here, "road") == circle.playlist
    circle.ann.do("playlist.create", name="Roadworks")
    with pytest.raises(Ambiguous, match="fits several playlists"):
        references.playlist(circle.ann.here, "road")
