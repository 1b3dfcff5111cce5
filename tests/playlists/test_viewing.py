import random

import msgspec
import pytest
from playlist_devices import Device, Wall

from whatnext.errors import LimitExceeded, UserError
from whatnext.playlists.requests import TrackInput


def test_what_is_shown_does_not_depend_on_the_order_of_arrival(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, *"abc")
    circle.meet(ann, bob)
    for device, at in ((ann, 1), (bob, 2), (ann, 3), (bob, 1)):
        device.do("playlist.vote", playlist=circle.id, entry=str(at), value=1)
        device.do("playlist.comment", playlist=circle.id, text=f"{at}", entry=str(at))
        device.do("playlist.move", playlist=circle.id, entries=[str(at)], to=3)
    circle.meet(ann, bob)
    cleo = circle.friend("Cleo", "viewer")
    circle.meet(ann, bob, cleo)
    shuffled = Device("Dan", 99, Wall())
    records = [record.signed for record in ann.library.records(circle.playlist)]
    random.Random(1).shuffle(records)
    for record in records:
        shuffled.library.receive(circle.playlist, [record])
    assert shuffled.library.heads(circle.playlist) == ann.library.heads(circle.playlist)
    shown = {device.bytes(circle.id) for device in (ann, bob, cleo, shuffled)}
    assert len(shown) == 1


def test_who_added_a_track_and_when_comes_from_its_first_record(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    circle.wall.ms += 5_000
    bob.add(circle.id, "a")
    added = circle.wall.ms
    circle.wall.ms += 5_000
    circle.meet(ann, bob)
    ann.do("playlist.edit", playlist=circle.id, entry="1", title="A")
    view = ann.show(circle.id)
    assert (view.entries[0].added_by, abs(view.entries[0].added_at - added) < 5) == (bob.peer, True)
    assert view.created_at < view.entries[0].added_at < view.updated_at <= circle.wall.ms
    assert ann.do("playlist.list")[0].updated_at == view.updated_at


def test_comments_of_removed_tracks_are_hidden_with_them_and_come_back(circle):
    ann = circle.ann
    ann.add(circle.id, "a", "b")
    ann.do("playlist.comment", playlist=circle.id, entry="1", text="on a")
    ann.do("playlist.comment", playlist=circle.id, text="on all")
    ann.do("playlist.remove", playlist=circle.id, entries=["1"])
    assert [c.text for c in ann.show(circle.id).comments] == ["on all"]
    ann.do("playlist.undo", playlist=circle.id)
    view = ann.show(circle.id)
    assert [(c.text, c.entry_id) for c in view.comments] == [("on a", view.entries[0].id), ("on all", None)]


def test_the_list_sums_up_every_playlist(circle):
    ann, _ = circle.ann, circle.friend("Bob")
    tracks = [
        TrackInput(title="a", duration_ms=1000),
        TrackInput(title="b", duration_ms=500),
        TrackInput(title="c"),
    ]
    ann.do("playlist.add", playlist=circle.id, tracks=tracks)
    ann.do("playlist.remove", playlist=circle.id, entries=["2"])
    listed = ann.do("playlist.list")[0]
    assert (listed.name, listed.role, listed.state, listed.owner) == ("Road trip", "owner", "here", ann.peer)
    assert (listed.entries, listed.duration_ms, listed.members) == (2, 1000, 2)


def test_a_new_playlist_has_what_it_was_given_and_costs_one_record(circle):
    created = circle.ann.do("playlist.create", name="  Été ", description="a\r\nb", tags=["x", "x", " ", "y"])
    view = circle.ann.show(created.id)
    assert (view.name, view.description, view.tags, view.mode, view.cover) == (
        "Été",
        "a\nb",
        ["x", "y"],
        "free",
        None,
    )
    assert [(m.name, m.role) for m in view.members] == [("Ann", "owner")]
    assert [
        each["what"] for each in msgspec.to_builtins(circle.ann.do("playlist.history", playlist=created.id))
    ] == ["began the playlist “Été”"]


@pytest.mark.parametrize("operation", ["playlist.create", "playlist.rename"])
def test_a_name_has_1_to_500_characters(circle, operation):
    more = {"playlist": circle.id} if operation == "playlist.rename" else {}
    circle.ann.do(operation, name="é" * 500, **more)
    with pytest.raises(LimitExceeded, match="the name has 501 characters; at most 500"):
        circle.ann.do(operation, name="é" * 501, **({"playlist": "é" * 500} if more else {}))
    with pytest.raises(UserError, match="the name is empty"):
        circle.ann.do(operation, name=" \n", **({"playlist": "é" * 500} if more else {}))


def test_setting_what_is_set_is_no_change(circle):
    ann, p = circle.ann, circle.id
    for operation, request in (
        ("playlist.rename", {"name": "Road trip"}),
        ("playlist.describe", {"description": ""}),
        ("playlist.tag", {"remove": ["x"]}),
        ("playlist.set", {"mode": "free", "cover": ""}),
    ):
        assert ann.do(operation, playlist=p, **request).record is None
    with pytest.raises(UserError, match="nothing to set"):
        ann.do("playlist.set", playlist=p)
    with pytest.raises(UserError, match="is no colour"):
        ann.do("playlist.set", playlist=p, cover="red")
    assert len(ann.library.records(circle.playlist)) == 1


def test_tags_are_at_most_200(circle):
    circle.ann.do("playlist.tag", playlist=circle.id, add=[str(n) for n in range(150)])
    with pytest.raises(LimitExceeded, match="at most 200 tags; these would be 300"):
        circle.ann.do("playlist.tag", playlist=circle.id, add=[str(-n) for n in range(1, 151)])


def test_search_finds_every_word_in_any_case_and_accent_in_all_playlists(circle):
    ann = circle.ann
    ann.do("playlist.add", playlist=circle.id, tracks=[TrackInput(title="Déjà vu", artists=["Beyoncé"])])
    ann.add(circle.id, "Other")
    second = ann.do("playlist.create", name="Deja vus").id
    ann.add(second, "x", "Beyonce says deja")
    ann.do("playlist.vote", playlist=second, entry="2", value=1)
    hits = ann.do("playlist.search", text="BEYONCE déja")
    assert {(h.playlist_name, h.number, h.entry.title, h.entry.votes) for h in hits} == {
        ("Road trip", 1, "Déjà vu", 0),
        ("Deja vus", 2, "Beyonce says deja", 1),
    }
    assert [h.playlist_name for h in ann.do("playlist.search", text="vus")] == ["Deja vus"]
    assert ann.do("playlist.search", text="vus")[0].entry is None
    assert ann.do("playlist.search", text="100%") == []
    with pytest.raises(UserError, match="nothing to search for"):
        ann.do("playlist.search", text="  ")


def test_search_finds_as_many_as_asked_for_behind_those_of_deleted_playlists(circle):
    ann = circle.ann
    for _ in range(4):
        gone = ann.do("playlist.create", name="gone").id
        ann.add(gone, *(f"song {n}" for n in range(20)))
        ann.do("playlist.delete", playlist=gone)
    ann.add(circle.id, *(f"song {n}" for n in range(5)))
    assert len(ann.do("playlist.search", text="song", limit=3)) == 3
    assert len(ann.do("playlist.search", text="song", limit=10)) == 5
    with pytest.raises(UserError, match="from 1 to 1,000"):
        ann.do("playlist.search", text="song", limit=0)
