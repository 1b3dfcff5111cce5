"""People in browsers on real nodes: what they do, what they see, and that nothing is lost."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import audio
import pytest
from browser_control import obeying

from whatnext.bench.nodes import Node

pytestmark = pytest.mark.real


def link_to(node: Node) -> str:
    """A one-time link to a node's pages."""
    return node.ask("node.browse")["url"]


def with_tracks(node: Node, name: str, count: int) -> str:
    playlist = node.ask("playlist.create", name=name)["id"]
    for begin in range(0, count, 2000):
        tracks = [
            {"title": f"Track {n}", "artists": ["Band"], "durationMs": 200_000}
            for n in range(begin, min(count, begin + 2000))
        ]
        node.ask("playlist.add", playlist=playlist, tracks=tracks)
    return playlist


def test_a_browser_without_a_link_sees_how_to_get_one_and_nothing_else(scene, ada):
    with_tracks(ada, "Secret songs", 3)
    seen = scene("strangers", url=ada.url)
    assert seen["axe"] == seen["complaints"] == []
    assert "Secret songs" not in seen["body"]


def test_the_node_knows_whether_somebody_looks_at_a_page(scene, nodes):
    scene("looking", link=link_to(nodes("ada")))


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 360)])
def test_every_page_is_accessible_and_asks_nobody_else(scene, ada, scheme, width):
    playlist = with_tracks(ada, "Kitchen", 40)
    entry = ada.ask("playlist.show", playlist=playlist)["entries"][0]["id"]
    ada.ask("playlist.vote", playlist=playlist, entry=entry, value=1)
    ada.ask("playlist.comment", playlist=playlist, entry=entry, text="Yes.")
    ada.ask("playlist.comment", playlist=playlist, text="All of you?")
    ada.ask("playlist.tag", playlist=playlist, add=["breakfast", "slow"])
    seen = scene("everyPage", link=link_to(ada), playlist=playlist, scheme=scheme, width=width)
    assert seen["axe"] == []
    assert seen["complaints"] == []


def test_two_people_go_from_the_first_run_to_one_list_that_both_change(scene, nodes):
    ada, ben = nodes("ada"), nodes("ben")
    seen = scene("sharing", ada=link_to(ada), ben=link_to(ben))
    assert seen["complaints"] == []


def test_one_looks_back_at_an_earlier_list_and_takes_back_one_change(scene, ada):
    playlist = ada.ask("playlist.create", name="Then")["id"]
    tracks = [{"title": title} for title in ("First", "Second", "Third")]
    ada.ask("playlist.add", playlist=playlist, tracks=tracks)
    ada.ask("playlist.move", playlist=playlist, entries=["2"], to=1)
    ada.ask("playlist.remove", playlist=playlist, entries=["3"])
    assert scene("lookBack", link=link_to(ada), playlist=playlist) == []


def shared(ada: Node, ben: Node, *titles: str) -> str:
    """A playlist of Ada's with tracks of the Fridge, which Ben joins."""
    for node, name in ((ada, "Ada"), (ben, "Ben")):
        node.ask("profile.name", name=name)
    playlist = ada.ask("playlist.create", name="Noises")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": t, "artists": ["Fridge"]} for t in titles])
    ben.ask("join", link=ada.ask("invite.create", playlist=playlist)["link"])
    return playlist


def test_own_files_are_played_and_the_others_see_who_listens_to_what(scene, nodes, tmp_path):
    ada, ben = nodes("ada"), nodes("ben")
    playlist = shared(ada, ben, "Hum", "Silence", "Buzz")
    audio.write(tmp_path / "music" / "1.wav", "Hum", "Fridge", seconds=2)
    audio.write(tmp_path / "music" / "2.wav", "Buzz", "Fridge", seconds=20)
    links = {"ada": link_to(ada), "ben": link_to(ben)}
    assert scene("playing", **links, playlist=playlist, folder=str(tmp_path / "music")) == []
    assert ada.ask("notifications.show") == {"on": False}


def test_who_comes_back_sees_what_others_did_meanwhile_and_they_talk(scene, nodes):
    ada, ben = nodes("ada"), nodes("ben")
    for node, name in ((ada, "Ada"), (ben, "Ben")):
        node.ask("profile.name", name=name)
    ben.ask("playlist.create", name="Other")
    playlist = ada.ask("playlist.create", name="Party")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": title} for title in ("One", "Two", "Three")])
    ben.ask("join", link=ada.ask("invite.create", playlist=playlist)["link"])
    assert scene("catchUp", ada=link_to(ada), ben=link_to(ben), playlist=playlist) == []
    history = [item["what"] for item in ben.ask("playlist.history", playlist=playlist)]
    assert "commented: “Who brings the speakers?”" in history
    assert "set the tags to night" in history


def test_a_malformed_link_gets_the_sentence_that_says_what_is_wrong(scene, ada):
    said = scene("badLink", link=link_to(ada), bad="whtnxt://dance/12D3KooW")
    assert said == "The link asks for 'dance'; this WhatNext knows “connect” and “join”: update it"


def test_everything_goes_by_keyboard_alone(scene, ada):
    scene("keyboardOnly", link=link_to(ada))


def control_of(node: Node, meanwhile: Callable[[], object] = object) -> AbstractContextManager[str]:
    """A server where the browser's driver has the node killed and started again; it takes the port it had."""

    def do(path: str) -> bool:
        if path == "/kill":
            node.kill()
        else:
            node.start()
            meanwhile()
        return True

    return obeying(do)


def test_a_friend_is_left_met_blocked_and_found_again_and_the_page_says_how_that_stands(scene, nodes):
    ada, ben = nodes("ada"), nodes("ben")
    shared(ada, ben, "Hum")
    with control_of(ben) as control:
        seen = scene("friends", ada=link_to(ada), control=control)
    assert seen["axe"] == seen["complaints"] == []


def test_a_page_that_missed_events_reads_anew_who_listens(scene, nodes):
    ada, ben = nodes("ada"), nodes("ben")
    playlist = shared(ada, ben, "Hum")
    entry = ada.ask("playlist.show", playlist=playlist)["entries"][0]["id"]
    scene("missedEvents", ada=link_to(ada), ben=link_to(ben), playlist=playlist, entry=entry)


def test_tabs_in_the_background_take_no_connection_from_the_one_that_is_looked_at(scene, ada):
    playlist = ada.ask("playlist.create", name="Tabs")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": "Hum"}])
    assert scene("manyTabs", link=link_to(ada), playlist=playlist) == []


def test_what_is_changed_while_the_node_is_dead_is_kept_and_goes_out_when_it_is_back(scene, nodes):
    ada = nodes("ada")
    ada.ask("profile.name", name="Ada")
    playlist = ada.ask("playlist.create", name="Fragile")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": "Before"}])
    with control_of(ada) as control:
        seen = scene("outage", link=link_to(ada), playlist=playlist, control=control)
    assert seen["complaints"] == []
    print(f"the page had caught up {seen['back']} ms after the node was back")  # measured by test_kills.py
    kept = [entry["title"] for entry in ada.ask("playlist.show", playlist=playlist)["entries"]]
    assert kept == ["Before", "While away", "Back again"]


def test_what_waits_when_the_page_is_closed_goes_out_when_it_is_opened_again(scene, nodes):
    ada = nodes("ada")
    ada.ask("profile.name", name="Ada")
    playlist = ada.ask("playlist.create", name="Fragile")["id"]
    tracks = [{"title": title} for title in ("Stays", "Goes", "Edited")]
    *_, edited = ada.ask("playlist.add", playlist=playlist, tracks=tracks)["ids"]

    def meanwhile():
        ada.ask("playlist.edit", playlist=playlist, entry=edited, album="Elsewhere")
        ada.ask("playlist.tag", playlist=playlist, add=["jazz"])

    with control_of(ada, meanwhile) as control:
        seen = scene("closed", link=link_to(ada), playlist=playlist, control=control)
    assert seen == {"left": [], "complaints": []}
    whole = ada.ask("playlist.show", playlist=playlist)
    assert whole["tags"] == ["jazz", "late"]
    shown = whole["entries"]
    assert [entry["title"] for entry in shown] == ["Stays", "Edited", "While away"]
    assert [entry["votes"] for entry in shown] == [1, 0, 0]
    # The page wrote only what it changed, so the album, written before it came back, stands beside its note.
    assert (shown[1]["note"], shown[1]["album"]) == ("from the page", "Elsewhere")


def test_what_waits_in_a_page_that_is_closed_is_taken_over_by_one_that_was_open_already(scene, nodes):
    ada = nodes("ada")
    ada.ask("profile.name", name="Ada")
    playlist = ada.ask("playlist.create", name="Fragile")["id"]
    ada.ask("playlist.add", playlist=playlist, tracks=[{"title": "Both"}])
    with control_of(ada) as control:
        assert scene("handedOver", link=link_to(ada), playlist=playlist, control=control) == []
    both, *others = ada.ask("playlist.show", playlist=playlist)["entries"]
    assert [entry["title"] for entry in others] == ["One", "Two"]
    # Of one track that both pages changed each field is as the page that is still there has it, else as the other had.
    assert (both["album"], both["note"]) == ("of the second", "of the first too")


def test_what_waited_and_may_not_be_done_any_more_is_told_and_forgotten(scene, nodes):
    ada, ben = nodes("ada"), nodes("ben")
    playlist = shared(ada, ben, "Goes not", "Renamed")

    def meanwhile():
        ada.ask("members.role", playlist=playlist, peer=ben.peer, role="viewer")
        eventually(lambda: roles(ben, playlist).get(ben.peer) == "viewer")

    with control_of(ben, meanwhile) as control:
        assert scene("tooLate", link=link_to(ben), playlist=playlist, control=control) == []
    shown = ada.ask("playlist.show", playlist=playlist)["entries"]
    assert [(entry["title"], entry["note"]) for entry in shown] == [("Goes not", ""), ("Renamed", "")]


def roles(node: Node, playlist: str) -> dict[str, str]:
    return {member["peer"]: member["role"] for member in node.ask("members.list", playlist=playlist)}


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_a_list_of_a_thousand_is_painted_within_a_second(scene, ada):
    playlist = with_tracks(ada, "Thousand", 1000)
    path = f"{ada.url}/#/playlist/{playlist}"
    # The best of three: what else this machine does is not the page's.
    took_ms = [scene("firstPaint", link=link_to(ada), path=path) for _ in range(3)]
    print(f"first rows of 1,000 after {took_ms} ms")
    assert min(took_ms) < 1000


@pytest.fixture(scope="module")
def everything(ada):
    return with_tracks(ada, "Everything", 10_000)


def test_ten_thousand_rows_scroll_smoothly_with_a_few_in_the_page(scene, ada, everything):
    # The best of four: what else this machine does is not the page's.
    for _ in range(4):
        seen = scene("longList", link=link_to(ada), playlist=everything, count=10_000)
        print(seen)
        assert seen["rows"] < 60
        if seen["framesPerSecond"] >= 50:
            return
    pytest.fail("it did not scroll at 50 frames a second in any of four tries")


def test_five_thousand_of_ten_thousand_rows_are_moved_removed_and_brought_back_at_once(
    scene, ada, everything
):
    before = len(ada.ask("playlist.history", playlist=everything, limit=1000))
    print(scene("moveThousands", link=link_to(ada), playlist=everything), "ms")
    # Three acts, each sent by 2,000 rows and signed in records of at most 2,000 or 100 new tracks.
    assert len(ada.ask("playlist.history", playlist=everything, limit=1000)) - before <= 3 * 3 + 50
    titles = [entry["title"] for entry in ada.ask("playlist.show", playlist=everything)["entries"]]
    moved = [f"Track {n}" for n in range(1, 5001)]
    assert titles == ["Track 0", *(f"Track {n}" for n in range(5001, 10_000)), *moved]
