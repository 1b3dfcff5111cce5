import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playlist_devices import Circle, Device, Wall

from whatnext.errors import Ambiguous, NotFound, NotPermitted, UserError
from whatnext.records.codec import Meta, Write


def undo(device, playlist, **more):
    return device.do("playlist.undo", playlist=playlist, **more)


def newest(device, circle):
    return device.library.records(circle.playlist)[-1].hash.hex()


def test_undo_takes_back_the_newest_own_change_then_the_one_before(circle):
    ann, p = circle.ann, circle.id
    ann.add(p, *"abc")
    ann.do("playlist.move", playlist=p, entries=["3"], to=1)
    ann.do("playlist.edit", playlist=p, entry="1", title="C", note="n")
    ann.do("playlist.remove", playlist=p, entries=["2"])
    ann.do("playlist.rename", playlist=p, name="Other")
    said = [undo(ann, p).notes[0] for _ in range(5)]
    assert said == [
        "undid: renamed the playlist to “Other”",
        "undid: removed “a”",
        "undid: changed title and note of “C”",
        "undid: moved “c”",
        "undid: added 3 tracks: “a”, “b” and “c”",
    ]
    assert (ann.show(p).name, ann.titles(p)) == ("Road trip", [])
    with pytest.raises(UserError, match=r"began the playlist “Road trip”.*cannot be undone"):
        undo(ann, p)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_each_undo_restores_exactly_what_was_shown_before(circle, steps):
    ann, p = circle.ann, circle.id
    ann.add(p, *"abcd")
    changes = [
        lambda: ann.do("playlist.describe", playlist=p, description="for the road"),
        lambda: ann.do("playlist.tag", playlist=p, add=["x", "y"]),
        lambda: ann.do("playlist.vote", playlist=p, entry="2", value=-1),
        lambda: ann.do("playlist.set", playlist=p, mode="votes", cover="#00ff00"),
    ]
    shown = []
    for change in changes[:steps]:
        shown.append(content(ann, p))
        change()
    while shown:
        undo(ann, p)
        assert content(ann, p) == shown.pop()


def content(device, playlist):
    view = device.show(playlist)
    entries = [(e.title, e.position, e.votes, e.note) for e in view.entries]
    return (view.name, view.description, view.tags, view.cover, view.mode, entries, len(view.comments))


def test_undo_of_an_undo_does_the_change_again(circle):
    ann, p = circle.ann, circle.id
    ann.add(p, *"ab")
    ann.do("playlist.remove", playlist=p, entries=["1"])
    undone = undo(ann, p).record
    assert ann.titles(p) == ["a", "b"]
    undo(ann, p, record=undone[:10])
    assert ann.titles(p) == ["b"]
    items = ann.do("playlist.history", playlist=p)
    assert [(item.what, item.undone) for item in items[:3]] == [
        ("undid: brought back “a”", False),
        ("undid: removed “a”", True),
        ("removed “a”", False),
    ]
    undo(ann, p)
    assert ann.titles(p) == ["a", "b"]


def test_undo_of_an_added_track_can_be_undone_too(circle):
    ann, p = circle.ann, circle.id
    ann.add(p, "a")
    undone = undo(ann, p).record
    undo(ann, p, record=undone)
    assert ann.titles(p) == ["a"]


def test_what_others_changed_since_is_left_alone_and_said(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, "a", "b")
    ann.do("playlist.edit", playlist=circle.id, entry="1", title="A", album="One")
    circle.meet(ann, bob)
    bob.do("playlist.edit", playlist=circle.id, entry="1", title="AAA")
    circle.meet(ann, bob)
    notes = undo(ann, circle.id).notes
    assert notes[1:] == ["title of “AAA” was changed since by Bob and stays"]
    entry = ann.show(circle.id).entries[0]
    assert (entry.title, entry.album) == ("AAA", "")
    notes = undo(ann, circle.id).notes
    assert notes[1:] == ["“AAA” was changed since by Bob"]
    assert ann.titles(circle.id) == []


def test_nothing_is_written_when_others_changed_all_of_it(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.do("playlist.rename", playlist=circle.id, name="One")
    circle.meet(ann, bob)
    bob.do("playlist.rename", playlist=circle.id, name="Two")
    circle.meet(ann, bob)
    changed = undo(ann, circle.id)
    assert changed.record is None
    assert changed.notes == [
        "name of the playlist was changed since by Bob and stays",
        "nothing was left to undo",
    ]
    assert ann.show(circle.id).name == "Two"


def test_undoing_an_add_that_somebody_removed_already_changes_nothing(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, "a")
    circle.meet(ann, bob)
    bob.do("playlist.remove", playlist=circle.id, entries=["1"])
    circle.meet(ann, bob)
    assert undo(ann, circle.id).notes == ["“a” was removed already", "nothing was left to undo"]


def test_undo_goes_to_the_value_before_by_merge_order_even_when_it_arrived_later(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, "a")
    circle.meet(ann, bob)
    bob.do("playlist.edit", playlist=circle.id, entry="1", title="Bob's")
    ann.do("playlist.edit", playlist=circle.id, entry="1", title="Ann's")
    circle.meet(ann, bob)
    assert ann.titles(circle.id) == ["Ann's"]
    undo(ann, circle.id)
    assert ann.titles(circle.id) == ["Bob's"]


def test_an_editor_undoes_anothers_change_by_naming_it(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, *"ab")
    ann.do("playlist.remove", playlist=circle.id, entries=["1"])
    circle.meet(ann, bob)
    with pytest.raises(UserError, match=r"“joined as editor”.*whatnext playlist leave"):
        undo(bob, circle.id)
    undo(bob, circle.id, record=newest(ann, circle))
    circle.meet(ann, bob)
    assert ann.titles(circle.id) == ["a", "b"]
    assert ann.told(circle.id)[0] == "undid: removed “a”"


def test_votes_and_words_of_others_are_theirs(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, "a")
    circle.meet(ann, bob)
    bob.do("playlist.vote", playlist=circle.id, entry="1", value=1)
    vote = newest(bob, circle)
    said = bob.do("playlist.comment", playlist=circle.id, text="hm").ids[0]
    comment = newest(bob, circle)
    bob.library.write(circle.playlist, [Write("comments", said, {"text": "hmm"})])
    reworded = newest(bob, circle)
    circle.meet(ann, bob)
    with pytest.raises(NotPermitted, match="a vote belongs to its voter"):
        undo(ann, circle.id, record=vote)
    with pytest.raises(NotPermitted, match="words belong to its author"):
        undo(ann, circle.id, record=reworded)
    undo(ann, circle.id, record=comment)
    assert ann.show(circle.id).comments == []
    undo(bob, circle.id, record=vote)
    assert bob.show(circle.id).entries[0].votes == 0


def test_a_viewer_undoes_its_own_vote_and_comment_only(circle):
    vera = circle.friend("Vera", "viewer")
    circle.ann.add(circle.id, "a")
    circle.meet(circle.ann, vera)
    vera.do("playlist.vote", playlist=circle.id, entry="1", value=1)
    vera.do("playlist.comment", playlist=circle.id, text="hm")
    undo(vera, circle.id)
    undo(vera, circle.id)
    view = vera.show(circle.id)
    assert (view.comments, view.entries[0].votes) == ([], 0)
    with pytest.raises(NotPermitted, match="as viewer"):
        undo(vera, circle.id, record=newest(circle.ann, circle))


def test_membership_is_not_undone_but_the_way_to_change_it_is_named(circle):
    invite = circle.ann.do("invite.create", playlist=circle.id)
    with pytest.raises(UserError, match=r"“invited as editor”.*whatnext invite revoke"):
        undo(circle.ann, circle.id)
    bob = circle.device("Bob")
    circle.let_in(bob, invite.link)
    circle.ann.do("members.role", playlist=circle.id, peer="Bob", role="viewer")
    with pytest.raises(UserError, match=r"“made Bob viewer”.*whatnext members role"):
        undo(circle.ann, circle.id)
    circle.ann.do("profile.name", name="Anna")
    with pytest.raises(UserError, match="whatnext profile name"):
        undo(circle.ann, circle.id, record=newest(circle.ann, circle))


def test_changes_signed_for_an_rxdb_peer_are_not_taken_for_own_ones(circle):
    circle.ann.do("playlist.rename", playlist=circle.id, name="Mine")
    circle.ann.library.write(
        circle.playlist, [Write("playlists", "", {"description": "theirs"})], Meta(by="12D3KooWGuest")
    )
    undo(circle.ann, circle.id)
    view = circle.ann.show(circle.id)
    assert (view.name, view.description) == ("Road trip", "theirs")


def test_a_record_is_named_by_any_unambiguous_beginning(circle):
    for n in range(250):  # so many that the newest surely shares its first of 16 digits with another
        circle.ann.do("playlist.rename", playlist=circle.id, name=str(n))
    with pytest.raises(Ambiguous, match="fits several changes"):
        undo(circle.ann, circle.id, record=newest(circle.ann, circle)[:1])
    with pytest.raises(NotFound, match="whatnext playlist history"):
        undo(circle.ann, circle.id, record="xyz")


ACTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=12)


@settings(max_examples=120, deadline=None)
@given(ACTS)
def test_undoing_everything_in_turn_walks_back_through_every_state(script):
    ann = Device("Ann", 1, Wall())
    p = ann.do("playlist.create", name="x").id
    states = [content(ann, p)]
    for act, at in script:
        n = len(ann.titles(p))
        if act == 0 or not n:
            ann.add(p, f"T{at}", f"U{at}", first=at % 2 == 0)
        elif act == 1:
            ann.do("playlist.move", playlist=p, entries=[str(at % n + 1)], to=(at * 7) % n + 1)
        elif act == 2:
            ann.do("playlist.remove", playlist=p, entries=[str(at % n + 1)])
        elif act == 3:
            ann.do("playlist.edit", playlist=p, entry=str(at % n + 1), note=f"note {at}")
        elif act == 4:
            ann.do("playlist.vote", playlist=p, entry=str(at % n + 1), value=at % 3 - 1)
        else:
            ann.do("playlist.comment", playlist=p, text="hm")
        if (now := content(ann, p)) != states[-1]:
            states.append(now)
    while len(states) > 1:
        assert content(ann, p) == states.pop()
        undo(ann, p)
    assert content(ann, p) == states[0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 9)), max_size=15), st.randoms()
)
def test_undo_never_touches_what_another_device_said_last(script, rng):
    circle = Circle()
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, *"abcd")
    circle.meet(ann, bob)
    for who, place, value in script:
        device = (ann, bob)[who]
        device.do("playlist.edit", playlist=circle.id, entry=str(place + 1), note=f"{who}{value}")
        if rng.random() < 0.5:
            circle.meet(ann, bob)
    circle.meet(ann, bob)
    before = {e.id: e.note for e in ann.show(circle.id).entries}
    own = [
        r for r in ann.library.records(circle.playlist) if r.body.author == ann.library.identity.public_key
    ]
    for record in own:
        if any("note" in w.fields for w in record.body.writes):
            undo(ann, circle.id, record=record.hash.hex())
    for entry in ann.show(circle.id).entries:
        if before[entry.id].startswith("1"):
            assert entry.note == before[entry.id]


def test_tracks_added_by_hundreds_are_taken_back_together(circle):
    ann, p = circle.ann, circle.id
    ann.add(p, "first")
    circle.wall.ms += 60_000
    ann.add(p, *(f"t{n}" for n in range(250)))
    answer = undo(ann, p)
    assert ann.titles(p) == ["first"]
    assert len(answer.ids) == 250
    assert answer.notes[:2] == [
        "undid: added 50 tracks: “t200”, “t201” and 48 more",
        "with the 2 changes just before it, by which tracks were added as well",
    ]
    assert undo(ann, p).notes == ["undid: added “first”"]


def test_a_named_record_of_tracks_added_by_hundreds_is_taken_back_alone(circle):
    ann, p = circle.ann, circle.id
    ann.add(p, *(f"t{n}" for n in range(250)))
    undo(ann, p, record=newest(ann, circle))
    assert len(ann.titles(p)) == 200
    undo(ann, p)
    assert ann.titles(p) == []


def test_a_hundred_tracks_of_another_time_and_other_changes_stay(circle):
    ann, p = circle.ann, circle.id
    ann.add(p, *(f"t{n}" for n in range(100)))
    ann.do("playlist.rename", playlist=p, name="Other")
    undo(ann, p)
    assert len(ann.titles(p)) == 100
    circle.wall.ms += 60_000
    ann.add(p, "later")
    undo(ann, p)
    assert len(ann.titles(p)) == 100


def test_taking_back_hundreds_says_which_of_them_somebody_has_changed(circle):
    ann, p = circle.ann, circle.id
    bob = circle.friend("Bob")
    ann.add(p, *(f"t{n}" for n in range(150)))
    circle.meet(ann, bob)
    bob.do("playlist.edit", playlist=p, entry="1", note="mine")
    circle.meet(ann, bob)
    assert "“t0” was changed since by Bob" in undo(ann, p).notes
