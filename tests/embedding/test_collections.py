import sys
from pathlib import Path

import pytest
import trio

sys.path.insert(0, str(Path(__file__).parents[1] / "playlists"))

from playlist_devices import Circle

from whatnext.embedding.collection import Collection
from whatnext.errors import NotFound, NotPermitted, UserError
from whatnext.rxdb.collections import COLLECTIONS
from whatnext.rxdb.master import Master


class Program:
    def __init__(self, device):
        master = Master(device.here)
        for name in COLLECTIONS:
            setattr(self, name, Collection(device.here, master, name))


@pytest.fixture
def circle():
    return Circle()


@pytest.fixture
def ann(circle):
    return Program(circle.ann)


def test_inserted_tracks_go_to_the_end_of_their_playlist(circle, ann):
    for title in ("One", "Two", "Three"):
        ann.entries.insert({"playlistId": circle.id, "title": title})
    assert [d["title"] for d in ann.entries.find({"playlistId": circle.id})] == ["One", "Two", "Three"]
    assert circle.ann.titles(circle.id) == ["One", "Two", "Three"]


def test_a_patch_changes_only_the_fields_it_names(circle, ann):
    made = ann.entries.insert({"playlistId": circle.id, "title": "One", "album": "A"})
    patched = ann.entries.patch(made["id"], {"title": "Uno"})
    assert (patched["title"], patched["album"]) == ("Uno", "A")
    assert ann.entries.find_one(made["id"]) == patched


def test_a_removed_document_is_found_no_more(circle, ann):
    made = ann.entries.insert({"playlistId": circle.id, "title": "One"})
    ann.entries.remove(made["id"])
    assert ann.entries.find() == []
    assert ann.entries.find_one(made["id"]) is None
    with pytest.raises(NotFound):
        ann.entries.patch(made["id"], {"title": "Uno"})


def test_what_is_there_already_is_not_inserted_again(circle, ann):
    made = ann.entries.insert({"playlistId": circle.id, "title": "One"})
    with pytest.raises(UserError, match="patch"):
        ann.entries.insert({**made, "title": "Two"})
    assert ann.entries.find_one(made["id"])["title"] == "One"


def test_a_vote_can_be_given_changed_taken_back_and_given_again(circle, ann):
    entry = ann.entries.insert({"playlistId": circle.id, "title": "One"})
    vote = {"playlistId": circle.id, "entryId": entry["id"]}
    made = ann.votes.insert({**vote, "value": 1})
    for value in (-1, 1, -1):
        assert ann.votes.patch(made["id"], {"value": value})["value"] == value
    ann.votes.remove(made["id"])
    assert ann.votes.find() == []
    assert ann.votes.insert({**vote, "value": 1})["value"] == 1
    assert circle.ann.show(circle.id).entries[0].votes == 1


def test_a_removed_track_that_is_inserted_again_is_as_inserted(circle, ann):
    made = ann.entries.insert({"playlistId": circle.id, "title": "One", "album": "A"})
    ann.entries.remove(made["id"])
    again = ann.entries.insert({"id": made["id"], "playlistId": circle.id, "title": "Uno"})
    assert (again["title"], again["album"], again["_deleted"]) == ("Uno", "", False)


@pytest.mark.parametrize("field", ["id", "version", "playlistId", "addedBy", "colour", "_deleted"])
def test_a_field_that_is_not_the_users_cannot_be_patched(circle, ann, field):
    made = ann.entries.insert({"playlistId": circle.id, "title": "One"})
    with pytest.raises(UserError, match=field):
        ann.entries.patch(made["id"], {field: "x"})


def test_selectors_order_and_limit(circle, ann):
    for title, length in (("A", 100), ("B", 300), ("C", None)):
        ann.entries.insert({"playlistId": circle.id, "title": title, "durationMs": length})

    def titles(selector, **more):
        return [d["title"] for d in ann.entries.find(selector, **more)]

    assert titles({"durationMs": {"$gte": 100}}) == ["A", "B"]
    assert titles({"durationMs": None}) == ["C"]
    assert titles({"title": {"$in": ["A", "C"], "$ne": "A"}}) == ["C"]
    assert titles({}, sort=[{"durationMs": "desc"}], limit=2) == ["B", "A"]
    assert titles({"playlistId": "a" * 32}) == []


@pytest.mark.parametrize(
    ("selector", "word"), [({"colour": 1}, "colour"), ({"title": {"$like": "x"}}, "like")]
)
def test_a_selector_that_makes_no_sense_is_named(ann, selector, word):
    with pytest.raises(UserError, match=word):
        ann.entries.find(selector)


def test_votes_and_comments_are_made_in_this_devices_name(circle, ann):
    made = ann.entries.insert({"playlistId": circle.id, "title": "One"})
    ann.votes.insert({"playlistId": circle.id, "entryId": made["id"], "value": 1})
    ann.comments.insert({"playlistId": circle.id, "entryId": made["id"], "text": "Loud!"})
    view = circle.ann.show(circle.id)
    assert view.entries[0].voters == {circle.ann.peer: 1}
    assert view.comments[0].author == circle.ann.peer


def test_a_viewer_is_told_what_it_may_not(circle):
    bob = circle.friend("Bob", "viewer")
    with pytest.raises(NotPermitted, match="viewer"):
        Program(bob).entries.insert({"playlistId": circle.id, "title": "Mine"})


def test_playlists_are_not_made_by_inserting(ann):
    with pytest.raises(UserError, match="use node"):
        ann.playlists.insert({"playlistId": "a" * 32, "name": "x"})


@pytest.mark.parametrize("fields", [{"title": "x"}, {"playlistId": "a" * 32, "title": "x"}])
def test_an_insert_needs_a_playlist_that_is_here(ann, fields):
    with pytest.raises(UserError, match="playlist"):
        ann.entries.insert(fields)


async def test_a_live_query_tells_what_fits_and_then_what_changes(circle, ann):
    first = ann.entries.insert({"playlistId": circle.id, "title": "One"})
    with ann.entries.watch({"title": {"$ne": "hidden"}}) as live:
        assert [d["title"] for d in (await anext(live)).changed] == ["One"]
        second = ann.entries.insert({"playlistId": circle.id, "title": "Two"})
        assert [d["id"] for d in (await anext(live)).changed] == [second["id"]]
        ann.entries.patch(first["id"], {"title": "hidden"})
        ann.entries.remove(second["id"])
        step = await anext(live)
        assert step.changed == []
        assert sorted(step.gone) == sorted([first["id"], second["id"]])


async def test_a_slow_reader_is_told_once_what_changed_often(circle, ann):
    made = ann.entries.insert({"playlistId": circle.id, "title": "One"})
    with ann.entries.watch() as live:
        await anext(live)
        for number in range(100):
            ann.entries.patch(made["id"], {"title": f"Title {number}"})
        assert [d["title"] for d in (await anext(live)).changed] == ["Title 99"]


async def test_a_live_query_sleeps_while_nothing_it_wants_changes(circle, ann, autojump_clock):
    with ann.entries.watch({"title": "Wanted"}) as live:
        assert (await anext(live)).changed == []
        ann.entries.insert({"playlistId": circle.id, "title": "Other"})
        with trio.move_on_after(5) as patience:
            await anext(live)
        assert patience.cancelled_caught
        ann.entries.insert({"playlistId": circle.id, "title": "Wanted"})
        assert len((await anext(live)).changed) == 1


async def test_more_changes_than_one_step_reads_are_looked_at_anew(circle, ann, monkeypatch):
    monkeypatch.setattr("whatnext.embedding.watching.MAX_STEP", 2)
    with ann.entries.watch({"playlistId": circle.id}) as live:
        await anext(live)
        added = circle.ann.add(circle.id, "A", "B", "C")
        assert len((await anext(live)).changed) == 3
        circle.ann.do("playlist.remove", playlist=circle.id, entries=added)
        assert len((await anext(live)).gone) == 3
