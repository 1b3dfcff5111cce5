"""Members of one playlist in browsers on real nodes: what the owner and the others do to each other."""

import pytest

pytestmark = pytest.mark.real


def shared(nodes):
    """Ada's playlist of two tracks, with Ben in it: both pages' links, and its id."""
    ada, ben = nodes("ada"), nodes("ben")
    for node, name in ((ada, "Ada"), (ben, "Ben")):
        node.ask("profile.name", name=name)
    playlist = ada.ask("playlist.create", name="Party")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": title} for title in ("One", "Two")])
    ben.ask("join", link=ada.ask("invite.create", playlist=playlist)["link"])
    return {name: node.ask("node.browse")["url"] for name, node in (("ada", ada), ("ben", ben))} | {
        "playlist": playlist
    }


def test_who_is_removed_reads_it_and_can_be_let_back_in(scene, nodes):
    assert scene("removed", **shared(nodes)) == []


def test_what_somebody_is_writing_stays_when_a_friend_changes_the_same_field(scene, nodes):
    assert scene("atOnce", **shared(nodes)) == []


def test_hundreds_of_pasted_tracks_are_taken_back_at_once(scene, nodes):
    ada = nodes("ada")
    ada.ask("profile.name", name="Ada")
    playlist = ada.ask("playlist.create", name="Party")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": title} for title in ("One", "Two")])
    assert scene("pasted", link=ada.ask("node.browse")["url"], playlist=playlist) == []
