"""Rows glide, pages do not jump, what matters is in sight, and what is not there yet is said."""

import pytest

pytestmark = pytest.mark.real

MOST_JUMP = 0.02  # of the window, as browsers measure layout shifts: a fifth of what they call good


def link_to(node):
    """A one-time link to a node's pages."""
    return node.ask("node.browse")["url"]


@pytest.fixture
def playlist(ada):
    made = ada.ask("playlist.create", name="Looks", tags=["late"])["id"]
    ada.ask("playlist.add", playlist=made, tracks=[{"title": f"Track {n}"} for n in range(6)])
    return made


@pytest.mark.parametrize(("motion", "at_least", "at_most"), [("no-preference", 4, 99), ("reduce", 2, 2)])
def test_a_row_that_is_moved_glides_unless_less_motion_is_wanted(
    scene, ada, playlist, motion, at_least, at_most
):
    entry = ada.ask("playlist.show", playlist=playlist)["entries"][-1]["id"]
    tops = scene("glides", link=link_to(ada), playlist=playlist, entry=entry, reducedMotion=motion)
    assert tops == sorted(tops, reverse=True)
    assert at_least <= len(tops) <= at_most


@pytest.mark.parametrize("width", [1240, 390])
def test_no_page_jumps_while_it_comes_nor_when_its_panel_opens(scene, ada, playlist, width):
    found = scene("jumps", link=link_to(ada), playlist=playlist, width=width)
    assert len(found) == 4
    assert {page: jump for page, jump in found.items() if jump > MOST_JUMP} == {}


def test_the_code_of_an_invite_is_in_sight_in_a_low_window(scene, ada, playlist):
    scene("inviteInSight", link=link_to(ada), playlist=playlist)


def test_who_joins_while_nobody_is_there_is_told_that_it_waits(scene, nodes):
    ada, ben = nodes("ada"), nodes("ben")
    for node, name in ((ada, "Ada"), (ben, "Ben")):
        node.ask("profile.name", name=name)
    playlist = ada.ask("playlist.create", name="Later")["id"]
    invite = ada.ask("invite.create", playlist=playlist)["link"]
    ada.kill()
    scene("joinsNobody", link=link_to(ben), invite=invite, name="Ben")


def test_a_name_of_500_characters_does_not_fill_a_phones_screen(scene, ada):
    name = "Every song of that one long summer " * 14 + "by the sea"
    assert len(name) == 500
    playlist = ada.ask("playlist.create", name=name)["id"]
    assert scene("longName", link=link_to(ada), playlist=playlist, name=name) < 150


def test_the_history_offers_no_undo_for_what_is_never_undone(scene, ada, playlist):
    ada.ask("invite.create", playlist=playlist)
    (offered,) = scene("offersUndo", link=link_to(ada), playlist=playlist)
    assert "added 6 tracks" in offered
