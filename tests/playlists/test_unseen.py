import sqlite3

import pytest

from whatnext.playlists import unseen
from whatnext.records.codec import Meta, Write
from whatnext.store import schema, seen
from whatnext.store.database import Database


@pytest.fixture
def ben(circle):
    ben = circle.friend("Ben")
    look(circle.ann)
    look(ben)
    return ben


def news(device):
    return device.do("playlist.news")


def look(device):
    for each in news(device):
        device.do("playlist.seen", playlist=each.playlist, upto=each.upto)


def test_what_a_friend_adds_moves_edits_or_says_is_news_until_somebody_looked(circle, ben):
    one, two = circle.ann.add(circle.id, "One", "Two")
    for act, request in (
        ("playlist.move", {"entries": [two], "to": 1}),
        ("playlist.edit", {"entry": two, "note": "live"}),
        ("playlist.comment", {"entry": two, "text": "Yes."}),
        ("playlist.remove", {"entries": [two]}),
    ):
        circle.meet(circle.ann, ben)
        look(ben)
        circle.ann.do(act, playlist=circle.id, **request)
        circle.meet(circle.ann, ben)
        (told,) = news(ben)
        assert (told.playlist, told.changes, told.peers, told.entries) == (
            circle.id,
            1,
            [circle.ann.peer],
            [two],
        )
        look(ben)
        assert news(ben) == []
    assert one not in told.entries


def test_own_changes_and_votes_are_no_news(circle, ben):
    (one,) = circle.ann.add(circle.id, "One")
    circle.meet(circle.ann, ben)
    look(ben)
    circle.ann.do("playlist.vote", playlist=circle.id, entry=one, value=1)
    ben.add(circle.id, "Two")
    circle.meet(circle.ann, ben)
    assert news(ben) == []


def test_a_comment_on_the_playlist_and_a_new_name_are_news_without_a_track(circle, ben):
    (comment,) = circle.ann.do("playlist.comment", playlist=circle.id, text="Who brings the speakers?").ids
    circle.ann.do("playlist.rename", playlist=circle.id, name="Road trips")
    circle.meet(circle.ann, ben)
    (told,) = news(ben)
    assert (told.changes, told.entries, told.comments) == (2, [], [comment])


def test_a_playlist_nobody_has_looked_at_is_news_without_marks_on_its_tracks(circle):
    circle.ann.add(circle.id, "One")
    ben = circle.friend("Ben")
    (told,) = news(ben)
    assert told.changes == 2
    assert told.entries == told.comments == []


def test_what_comes_while_somebody_looks_stays_news(circle, ben):
    circle.ann.add(circle.id, "One")
    circle.meet(circle.ann, ben)
    (before,) = news(ben)
    circle.ann.add(circle.id, "Two")
    circle.meet(circle.ann, ben)
    ben.do("playlist.seen", playlist=circle.id, upto=before.upto)
    assert [each.changes for each in news(ben)] == [1]
    ben.do("playlist.seen", playlist=circle.id, upto=10**9)
    ben.do("playlist.seen", playlist=circle.id, upto=0)
    assert news(ben) == []


def test_no_number_marks_what_has_not_come_yet(circle, ben):
    ben.do("playlist.seen", playlist=circle.id, upto=10**9)
    circle.ann.add(circle.id, "One")
    circle.meet(circle.ann, ben)
    assert [each.changes for each in news(ben)] == [1]


def test_what_this_device_signed_for_an_rxdb_peer_is_news_here(circle, ben):
    by = Meta(by=ben.peer)
    writes = [Write("comments", f"{circle.ann.peer}:abcdefghijklmnop", {"text": "From my page."})]
    circle.ann.library.write(circle.playlist, writes, by)
    assert [each.peers for each in news(circle.ann)] == [[ben.peer]]


def test_a_deleted_playlist_has_no_news(circle, ben):
    circle.ann.do("playlist.delete", playlist=circle.id)
    circle.meet(circle.ann, ben)
    assert news(ben) == []


def test_only_so_many_changes_are_looked_through(circle, ben, monkeypatch):
    monkeypatch.setattr(unseen, "LOOKED_AT", 3)
    for n in range(5):
        circle.ann.add(circle.id, str(n))
    circle.meet(circle.ann, ben)
    assert [each.changes for each in news(ben)] == [3]
    look(ben)
    assert news(ben) == []


def test_many_own_changes_are_looked_through_once(circle, ben, monkeypatch):
    monkeypatch.setattr(unseen, "_WORTH_A_MARK", 2)
    for n in range(3):
        ben.add(circle.id, str(n))
    assert news(ben) == []
    assert seen.upto(ben.library, circle.playlist) == seen.newest(ben.library, circle.playlist)


@pytest.mark.parametrize("number", [-1, 2**63, 2**70, -(2**70)])
def test_a_number_that_was_never_told_marks_no_more_than_there_is(circle, ben, number):
    circle.ann.add(circle.id, "One")
    circle.meet(circle.ann, ben)
    upto = ben.do("playlist.seen", playlist=circle.id, upto=number).upto
    assert (news(ben) == []) == (number > 0)
    assert 0 < upto <= seen.newest(ben.library, circle.playlist)


def test_a_database_of_before_has_seen_everything(tmp_path):
    path = tmp_path / "w.db"
    old = sqlite3.connect(path)
    old.executescript("".join(schema.MIGRATIONS[:5]))
    old.execute("INSERT INTO playlists VALUES (x'01', 'here', NULL, 7)")
    old.execute("INSERT INTO logs VALUES (1, x'01', x'02', x'03', 1, x'04', NULL)")
    old.execute("INSERT INTO records VALUES (9, 1, 1, x'04', 0, 0, x'', x'')")
    old.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    old.execute("PRAGMA user_version = 5")
    old.commit()
    old.close()
    database = Database(path)
    assert database.connection.execute("SELECT * FROM seen").fetchall() == [(b"\1", 9)]
    database.close()
