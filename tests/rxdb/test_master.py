import random

import pytest
from rxdb_client import Client

from whatnext.errors import ProtocolViolation, StoreUnwritable
from whatnext.records import positions, schema
from whatnext.records.merge import Document
from whatnext.rxdb import limits
from whatnext.rxdb.collections import COLLECTIONS
from whatnext.rxdb.master import Master
from whatnext.rxdb.peers import Peers
from whatnext.rxdb.readers import Member, Profile
from whatnext.rxdb.rows import Place, Row, RowRefused, write_of
from whatnext.rxdb.session import Trouble
from whatnext.store.pushes import ANOTHER, Pusher, PushTable

NEW_ENTRY = "abcdefghijklmnop"


def entry(circle, key=NEW_ENTRY, **fields):
    return {
        "id": f"{circle.id}:{key}",
        "playlistId": circle.id,
        "position": "a0V",
        "title": "New",
        "artists": [],
        "album": "",
        "durationMs": None,
        "isrc": None,
        "mbid": None,
        "links": [],
        "note": "",
        "addedBy": "",
        "addedAt": 0,
        "version": "",
        "_deleted": False,
        **fields,
    }


def only(documents):
    (document,) = documents.values()
    return document


def test_a_pull_brings_every_document_with_all_its_fields(circle, own):
    circle.ann.add(circle.id, "One", "Two")
    entries = own.all("entries")
    assert sorted(d["title"] for d in entries.values()) == ["One", "Two"]
    one = next(iter(entries.values()))
    assert set(one) == set(entry(circle))
    assert one["addedBy"] == circle.ann.peer
    assert one["playlistId"] == circle.id
    playlist = only(own.all("playlists"))
    assert (playlist["id"], playlist["name"], playlist["owner"]) == (circle.id, "Road trip", circle.ann.peer)


def test_batches_are_full_until_the_last_one_and_bring_each_document_once(circle, own):
    circle.ann.add(circle.id, *map(str, range(7)))
    checkpoint, sizes, seen = None, [], []
    while not sizes or sizes[-1] == 3:
        result = own.pull("entries", checkpoint, 3)
        checkpoint = result["checkpoint"]
        sizes.append(len(result["documents"]))
        seen += [d["id"] for d in result["documents"]]
    assert sizes == [3, 3, 1]
    assert len(set(seen)) == 7


def test_a_checkpoint_of_another_feed_starts_from_the_beginning(circle, own):
    circle.ann.add(circle.id, "One")
    now = own.pull("entries")["checkpoint"]
    assert own.pull("entries", now)["documents"] == []
    assert len(own.pull("entries", {**now, "epoch": "another"})["documents"]) == 1


def test_an_inserted_entry_becomes_a_track_of_the_playlist(circle, own):
    answer = own.push("entries", (None, entry(circle, artists=["Prince"])))
    assert answer["result"] == []
    (track,) = circle.ann.show(circle.id).entries
    assert (track.title, track.artists, track.added_by) == ("New", ["Prince"], circle.ann.peer)


def test_the_author_of_a_change_is_told_it_as_well(circle, own):
    own.subscribe("entries")
    own.push("entries", (None, entry(circle)))
    (event,) = own.everything()
    (told,) = event["result"]["documents"]
    assert told["addedBy"] == circle.ann.peer
    assert told["version"]


def test_edits_of_different_fields_merge_whoever_comes_last(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    circle.ann.do("playlist.edit", playlist=circle.id, entry=believed["id"].split(":")[1], album="The Album")
    assert own.edit("entries", believed, title="Uno")["result"] == []
    now = only(own.all("entries"))
    assert (now["title"], now["album"]) == ("Uno", "The Album")


def test_tags_put_on_and_taken_off_by_two_at_once_are_all_counted(circle, own):
    circle.ann.do("playlist.tag", playlist=circle.id, add=["jazz", "slow"])
    before = only(own.all("playlists"))
    circle.ann.do("playlist.tag", playlist=circle.id, add=["night"], remove=["slow"])
    own.push("playlists", (before, {**before, "tags": ["slow", "live"]}))
    assert circle.ann.show(circle.id).tags == ["night", "live"]


def test_tags_that_are_no_list_are_refused_and_not_merged(circle, own):
    circle.ann.do("playlist.tag", playlist=circle.id, add=["jazz"])
    before = only(own.all("playlists"))
    answer = own.push("playlists", (before, {**before, "tags": [["jazz"], 1]}))
    assert only({d["id"]: d for d in answer["result"]})["tags"] == ["jazz"]


class Compared(str):
    """Text that counts how often it is compared."""

    times = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Compared.times += 1
        return str.__eq__(self, other)


@pytest.mark.parametrize("many", ["new", "assumed"])
def test_tags_without_number_are_not_compared_one_with_the_other(monkeypatch, many):
    """One message may hold hundreds of thousands: to compare each with each would hold up the node for minutes."""
    monkeypatch.setattr(Compared, "times", 0)
    tags = {"new": ["jazz"], "assumed": ["slow"]} | {many: [Compared(n) for n in range(5000)]}
    place, current = Place(bytes(20), "playlists", ""), Document()
    current.fields["tags"] = [f"tag {n}" for n in range(schema.MAX_LIST)]
    row = Row(new={"tags": tags["new"]}, assumed={"tags": tags["assumed"]})
    if many == "new":
        with pytest.raises(RowRefused, match="tags"):
            write_of(COLLECTIONS["playlists"], place, row, current)
    else:
        assert write_of(COLLECTIONS["playlists"], place, row, current).fields == {"tags": ["jazz"]}
    assert Compared.times < 100


def test_of_two_edits_of_one_field_the_later_stays_everywhere(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    circle.ann.do("playlist.edit", playlist=circle.id, entry=believed["id"].split(":")[1], title="Eins")
    own.edit("entries", believed, title="Uno")
    assert only(own.all("entries"))["title"] == "Uno"


def test_a_push_repeated_after_a_lost_answer_does_not_undo_what_others_did_since(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    own.edit("entries", believed, title="Uno")
    circle.ann.do("playlist.edit", playlist=circle.id, entry=believed["id"].split(":")[1], title="Eins")
    own.reconnect()
    own.edit("entries", believed, title="Uno")  # the answer was lost: the same row again
    assert only(own.all("entries"))["title"] == "Eins"
    own.reconnect()
    own.edit("entries", believed, title="Uno", album="Further")  # and again, with a further edit
    now = only(own.all("entries"))
    assert (now["title"], now["album"]) == ("Eins", "Further")


def test_a_removed_track_stays_removed_when_its_insert_is_repeated(circle, own):
    own.push("entries", (None, entry(circle)))
    circle.ann.do("playlist.remove", playlist=circle.id, entries=["1"])
    own.tag = "after a reload"  # nothing of this client is remembered
    own.push("entries", (None, entry(circle)))
    assert circle.ann.show(circle.id).entries == []


def test_a_repeated_insert_keeps_what_others_edited_since(circle, own):
    own.push("entries", (None, entry(circle)))
    circle.ann.do("playlist.edit", playlist=circle.id, entry=NEW_ENTRY, title="Renamed")
    own.tag = "after a reload"
    own.push("entries", (None, entry(circle, album="Also mine")))
    now = only(own.all("entries"))
    assert (now["title"], now["album"]) == ("Renamed", "Also mine")


def test_a_deleted_document_is_a_removed_track_and_can_come_back(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    own.push("entries", (believed, {**believed, "_deleted": True}))
    assert circle.ann.show(circle.id).entries == []
    gone = only(own.all("entries"))
    assert gone["_deleted"]
    assert gone["title"] == "One"
    own.push("entries", (gone, {**gone, "_deleted": False}))
    assert circle.ann.titles(circle.id) == ["One"]


def test_a_push_that_changes_nothing_makes_no_record_and_tells_its_client_the_true_state(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    circle.ann.do("playlist.edit", playlist=circle.id, entry=believed["id"].split(":")[1], title="Uno")
    own.subscribe("entries")
    before = circle.ann.library.heads(circle.playlist)
    own.edit("entries", believed, title="Uno")
    assert circle.ann.library.heads(circle.playlist) == before
    (event,) = own.everything()
    assert event["result"]["documents"][0]["title"] == "Uno"


def test_a_move_is_one_write_of_the_position(circle, own):
    circle.ann.add(circle.id, "One", "Two")
    entries = sorted(own.all("entries").values(), key=lambda d: d["position"])
    fresh = positions.between(None, entries[0]["position"], random.Random(1))
    own.edit("entries", entries[1], position=fresh)
    assert circle.ann.titles(circle.id) == ["Two", "One"]
    record = circle.ann.library.records(circle.playlist)[-1]
    assert record.body.writes[0].fields == {"position": fresh}


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"title": 7}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"position": "a b"}, "position"),
        ({"durationMs": -1}, "durationMs"),
        ({"artists": "Prince"}, "artists"),
        ({"isrc": "nonsense"}, "isrc"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_the_schema_does_not_take_is_refused_with_the_reason(circle, own, fields, word):
    answer = own.push("entries", (None, entry(circle, **fields)))
    assert answer["result"][0]["_deleted"] is True
    assert word in answer["error"]["rows"][f"{circle.id}:{NEW_ENTRY}"]
    assert circle.ann.show(circle.id).entries == []


def test_a_refused_edit_gives_the_client_the_masters_state(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    answer = own.edit("entries", believed, title="x" * 501)
    assert answer["result"] == [believed]


@pytest.mark.parametrize("key", ["", "nonsense", "a" * 32, f"{'a' * 32}:{NEW_ENTRY}", None, 7])
def test_a_document_of_no_playlist_here_is_refused(circle, own, key):
    answer = own.push("entries", (None, {**entry(circle), "id": key}))
    assert all(document["_deleted"] for document in answer["result"])
    assert own.all("entries") == {}


def test_a_viewers_edit_is_refused_and_its_client_gets_the_true_state(circle, remote):
    bob = remote("Bob", role="viewer")
    circle.ann.add(circle.id, "One")
    believed = only(bob.all("entries"))
    answer = bob.edit("entries", believed, title="Mine")
    assert answer["result"] == [believed]
    assert "viewer" in answer["error"]["message"]
    assert circle.ann.titles(circle.id) == ["One"]


def test_an_editors_change_is_signed_by_the_node_and_marked_with_the_peer(circle, remote):
    bob = remote("Bob")
    assert bob.push("entries", (None, entry(circle)))["result"] == []
    record = circle.ann.library.records(circle.playlist)[-1]
    assert record.body.author == circle.ann.library.identity.public_key
    assert record.body.meta.by == bob.peer
    assert circle.ann.show(circle.id).entries[0].added_by == bob.peer
    assert only(bob.all("entries"))["addedBy"] == bob.peer


def test_a_remote_editor_cannot_use_the_nodes_own_rights(circle, remote):
    bob = remote("Bob")
    added = circle.ann.add(circle.id, "One")[0]
    circle.ann.do("playlist.vote", playlist=circle.id, entry=added, value=1)
    circle.ann.do("playlist.comment", playlist=circle.id, text="Mine")
    vote, comment = only(bob.all("votes")), only(bob.all("comments"))
    playlist = only(bob.all("playlists"))
    assert bob.edit("votes", vote, value=-1)["result"] == [vote]
    assert bob.edit("comments", comment, text="Theirs")["result"] == [comment]
    assert bob.push("playlists", (playlist, {**playlist, "_deleted": True}))["result"] == [playlist]
    assert bob.edit("profiles", bob.all("profiles")[f"{circle.id}:{circle.ann.peer}"], name="Fool")["error"]


def test_votes_and_comments_of_this_device_are_written_as_its_own(circle, own):
    added = circle.ann.add(circle.id, "One")[0]
    vote = {
        "id": f"{circle.id}:{added}:{circle.ann.peer}",
        "playlistId": circle.id,
        "entryId": f"{circle.id}:{added}",
        "peerId": circle.ann.peer,
        "value": 1,
        "version": "",
        "_deleted": False,
    }
    comment = {
        "id": f"{circle.id}:{circle.ann.peer}:{NEW_ENTRY}",
        "playlistId": circle.id,
        "entryId": f"{circle.id}:{added}",
        "author": circle.ann.peer,
        "text": "Loud!",
        "createdAt": 0,
        "version": "",
        "_deleted": False,
    }
    assert own.push("votes", (None, vote))["result"] == []
    assert own.push("comments", (None, comment))["result"] == []
    view = circle.ann.show(circle.id)
    assert view.entries[0].votes == 1
    assert (view.comments[0].text, view.comments[0].entry_id) == ("Loud!", added)
    told = only(own.all("votes"))
    own.push("votes", (told, {**told, "_deleted": True}))
    assert circle.ann.show(circle.id).entries[0].votes == 0


def test_a_stranger_sees_nothing_and_writes_nothing(circle, remote):
    circle.ann.add(circle.id, "One")
    mallory = remote("Bob")
    mallory.reader = Member(circle.ann.library, circle.device("Mallory").peer)
    mallory.reconnect()
    for collection in ("playlists", "entries", "votes", "comments", "members", "profiles"):
        assert mallory.all(collection) == {}
    answer = mallory.push("entries", (None, entry(circle)))
    assert answer["result"][0]["_deleted"]
    assert circle.ann.titles(circle.id) == ["One"]
    mallory.subscribe("entries")
    circle.ann.add(circle.id, "Two")
    assert mallory.everything() == []


def test_who_is_let_into_a_playlist_is_told_to_pull_all_of_it(circle):
    circle.ann.add(circle.id, "Old")
    device = circle.device("Carol")
    carol = Client(Master(circle.ann.here), Member(circle.ann.library, device.peer))
    carol.subscribe("entries")
    before = carol.pull("entries")["checkpoint"]
    circle.let_in(device, circle.ann.do("invite.create", playlist=circle.id, role="viewer").link)
    assert [event["result"] for event in carol.everything()] == ["RESYNC"]
    assert [d["title"] for d in carol.pull("entries", before)["documents"]] == ["Old"]


def test_a_playlist_that_this_device_leaves_disappears_from_its_user_interface(circle):
    bob = circle.friend("Bob")
    circle.ann.add(circle.id, "One")
    circle.meet(circle.ann, bob)
    page = Client(Master(bob.here), Profile(bob.library))
    checkpoint = page.pull("entries")["checkpoint"]
    bob.do("playlist.leave", playlist=circle.id)  # nobody is reachable who could hear of it
    (gone,) = page.pull("entries", checkpoint)["documents"]
    assert gone["_deleted"]
    assert all(document["_deleted"] for document in page.all("playlists").values())
    circle.ann.add(circle.id, "Too late")
    circle.give(circle.ann, bob)
    assert all(document["_deleted"] for document in page.all("entries").values())


def test_more_changes_than_an_event_holds_are_told_as_resync(circle, own, monkeypatch):
    monkeypatch.setattr(limits, "MAX_EVENT", 3)
    own.subscribe("entries")
    circle.ann.add(circle.id, "One", "Two", "Three", "Four")
    assert [event["result"] for event in own.everything()] == ["RESYNC"]
    circle.ann.add(circle.id, "Five")
    assert own.everything() == []  # it owes a pull
    assert len(own.all("entries")) == 5
    assert [d["title"] for d in own.everything()[0]["result"]["documents"]] == ["Five"]
    circle.ann.add(circle.id, "One more")
    (event,) = own.everything()
    assert [d["title"] for d in event["result"]["documents"]] == ["One more"]


def test_a_slow_client_is_told_once_of_a_document_that_changed_often(circle, own):
    added = circle.ann.add(circle.id, "One")[0]
    own.subscribe("entries")
    for number in range(50):
        circle.ann.do("playlist.edit", playlist=circle.id, entry=added, title=f"Title {number}")
    (event,) = own.everything()
    assert [d["title"] for d in event["result"]["documents"]] == ["Title 49"]


def test_what_cannot_be_answered_is_an_error_in_version_one_point_one(circle, own):
    answer = own.ask("nothing", "masterChangesSince", None, 10)
    assert answer["error"]["code"] == "unknown_collection"
    assert "result" not in answer
    assert own.ask("entries", "masterChangesSince", None, 5001)["error"]["code"] == "too_many"
    assert own.ask("entries", "explode")["error"]["code"] == "unknown_method"


def test_what_cannot_be_answered_ends_the_channel_of_version_one(circle, remote):
    old = remote("Bob", has_errors=False)
    with pytest.raises(Trouble):
        old.ask("nothing", "masterChangesSince", None, 10)


def test_a_refusal_in_version_one_is_a_conflict_alone(circle, remote):
    old = remote("Bob", role="viewer", has_errors=False)
    answer = old.push("entries", (None, entry(circle)))
    assert answer["result"][0]["_deleted"]
    assert "error" not in answer


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b'{"id":1}',
        b'{"id":"x","method":7}',
        b'{"id":"' + b"x" * 300 + b'","method":"auth"}',
        b"\xff",
    ],
)
def test_what_is_no_message_breaks_the_protocol(own, message):
    with pytest.raises(ProtocolViolation):
        own.session.receive(message)


def test_rows_that_are_none_break_the_protocol(own):
    with pytest.raises(ProtocolViolation):
        own.ask("entries", "masterWrite", [7])
    with pytest.raises(ProtocolViolation):
        own.ask("entries", "masterWrite")


def test_the_stock_clients_auth_is_taken_and_ignored(own):
    own.send({"id": "1", "collection": "entries", "method": "auth", "params": ["token"]})
    assert own.everything() == []


def test_one_push_cannot_write_a_document_twice(circle, own):
    answer = own.push("entries", (None, entry(circle)), (None, entry(circle, title="Other")))
    assert "twice" in answer["error"]["message"]
    assert circle.ann.titles(circle.id) == ["New"]


def test_pushes_are_remembered_over_a_restart(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    own.edit("entries", believed, title="Uno")
    table = PushTable(circle.ann.library.database)
    uno, other = {**believed, "title": "Uno"}, {**believed, "title": "x"}
    key = believed["id"]
    again = Pusher("own|tag", "another connection")
    assert table.base(again, key, believed, uno)["title"] == "Uno"
    assert table.base(again, key, believed, other)["title"] is ANOTHER
    assert table.base(again, key, other, uno) is other
    assert table.base(Pusher("own|other", "one"), key, None, uno) is None


def test_an_answered_push_is_not_continued_by_what_a_late_event_brought_back(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    own.push("entries", (believed, {**believed, "_deleted": True}))
    own.edit("entries", believed, note="late")  # an event that was older put the client back for a moment
    assert circle.ann.show(circle.id).entries == []


def test_what_was_kept_before_the_disk_failed_is_not_done_again(circle, own, monkeypatch):
    circle.ann.add(circle.id, "One")
    second = circle.ann.do("playlist.create", name="Other").id
    circle.ann.add(second, "Two")
    one, two = sorted(own.all("entries").values(), key=lambda d: d["title"])
    library, real = circle.ann.library, circle.ann.library.write_all

    def full(playlist, *rest, **more):
        if playlist != circle.playlist:
            raise StoreUnwritable("the disk is full")
        return real(playlist, *rest, **more)

    monkeypatch.setattr(library, "write_all", full)
    rows = [(one, {**one, "title": "Uno"}), (two, {**two, "title": "Due"})]
    assert own.push("entries", *rows)["error"]["code"] == "store_unwritable"
    monkeypatch.undo()
    circle.ann.do("playlist.edit", playlist=circle.id, entry=one["id"].split(":")[1], title="Eins")
    assert own.push("entries", *rows)["result"] == []
    assert sorted(d["title"] for d in own.all("entries").values()) == ["Due", "Eins"]


def test_what_is_remembered_of_a_push_is_small_however_long_its_fields_are(circle, own):
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    long = {**believed, "note": "x" * 60_000, "addedBy": "y" * 1_000_000}
    assert own.push("entries", (believed, long))["result"] == []
    (kept,) = circle.ann.library.database.connection.execute("SELECT length(state) FROM pushes").fetchall()
    assert kept[0] < 1000
    circle.ann.do("playlist.edit", playlist=circle.id, entry=believed["id"].split(":")[1], note="Short")
    own.reconnect()
    own.push("entries", (believed, long))  # the answer was lost
    assert only(own.all("entries"))["note"] == "Short"


def test_a_vote_taken_back_and_given_again_before_the_answer_came_stands(circle, own):
    added = circle.ann.add(circle.id, "One")[0]
    circle.ann.do("playlist.vote", playlist=circle.id, entry=added, value=1)
    vote = only(own.all("votes"))
    own.push("votes", (vote, {**vote, "_deleted": True}))
    own.reconnect()
    own.push("votes", (vote, vote))  # the answer was lost, and the person thought again
    assert circle.ann.show(circle.id).entries[0].votes == 1


def test_a_row_too_many_costs_the_other_rows_nothing(circle, own, monkeypatch):
    monkeypatch.setattr(schema, "MAX_ENTRIES", 2)
    circle.ann.add(circle.id, "One")
    believed = only(own.all("entries"))
    new = [entry(circle, "c" * 15 + letter) for letter in "abc"]
    answer = own.push("entries", *((None, each) for each in new), (believed, {**believed, "title": "Uno"}))
    assert [d["id"] for d in answer["result"]] == [new[1]["id"], new[2]["id"]]
    assert sorted(circle.ann.titles(circle.id)) == ["New", "Uno"]


def test_a_client_that_has_not_pulled_is_told_nothing_and_reminded(circle, own):
    own.listen("entries")
    circle.ann.add(circle.id, "One")
    assert own.everything() == []
    assert own.session.owes_pull
    own.session.remind()
    assert [event["result"] for event in own.everything()] == ["RESYNC"]
    assert own.all("entries")
    assert not own.session.owes_pull
    assert len(own.everything()) == 1


def test_nothing_is_told_between_the_batches_of_a_pull(circle, own):
    circle.ann.add(circle.id, "One", "Two", "Three")
    own.listen("entries")
    first = own.pull("entries", None, 2)
    told = first["documents"][0]
    own.edit("entries", told, title="Uno")
    assert own.everything() == []
    own.pull("entries", first["checkpoint"], 2)
    assert own.everything() == []  # the last batch was full: there may be more
    own.pull("entries", own.pull("entries", first["checkpoint"], 2)["checkpoint"], 2)
    assert [d["title"] for d in own.everything()[0]["result"]["documents"]] == ["Uno"]


def test_listening_again_on_one_channel_skips_nothing(circle, own):
    own.subscribe("entries")
    circle.ann.add(circle.id, "One")
    own.subscribe("entries")
    assert [d["title"] for d in own.everything()[0]["result"]["documents"]] == ["One"]


@pytest.mark.parametrize("seq", [10**30, 2**63, -1, 10**6, True, 1.5, "1", None, []])
def test_a_checkpoint_that_cannot_be_ours_starts_from_the_beginning(circle, own, seq):
    circle.ann.add(circle.id, "One")
    now = own.pull("entries")["checkpoint"]
    assert len(own.pull("entries", {**now, "seq": seq})["documents"]) == 1


def test_requests_that_wait_are_bounded_in_bytes_too(own):
    row = {"newDocumentState": {"id": "x", "note": "y" * 400_000}}
    for number in range(3):
        assert not own.session.is_full
        own.send({"id": f"a|{number}", "collection": "entries", "method": "masterWrite", "params": [[row]]})
    assert own.session.is_full
    own.everything()
    assert not own.session.is_full


def test_peers_that_went_are_forgotten_in_the_end(monkeypatch):
    monkeypatch.setattr(limits, "MAX_GONE_PEERS", 3)
    around = [{"id": str(number)} for number in range(10)]
    peers = Peers("epoch", lambda: around)
    peers.look()
    around.clear()
    peers.look()
    told = peers.pull(None, 100).documents
    assert [d["_deleted"] for d in told] == [True] * 3


def test_what_a_change_is_in_is_looked_up_once_for_all_collections_and_clients(circle):
    (added,) = circle.ann.add(circle.id, "One")
    master = Master(circle.ann.here)
    clients = [Client(master, Profile(circle.ann.library)) for _ in range(2)]
    for client in clients:
        client.subscribe("playlists", "entries", "votes", "comments")
    circle.ann.do("playlist.edit", playlist=circle.id, entry=added, note="new")
    asked: list[str] = []
    connection = circle.ann.library.database.connection
    connection.set_trace_callback(asked.append)
    told = [client.everything() for client in clients]
    connection.set_trace_callback(None)
    assert [len(messages) for messages in told] == [1, 1]
    assert sum("DISTINCT collection" in query for query in asked) == 1
    assert sum("AND feed >" in query for query in asked) == 2


def test_a_client_far_behind_is_told_what_it_missed_in_every_collection(circle):
    circle.ann.add(circle.id, "One")
    client = Client(Master(circle.ann.here), Profile(circle.ann.library))
    client.subscribe("entries", "votes")
    added = circle.ann.add(circle.id, *map(str, range(150)))
    circle.ann.do("playlist.vote", playlist=circle.id, entry=added[0], value=1)
    told = {message["collection"]: message["result"]["documents"] for message in client.everything()}
    assert {name: len(documents) for name, documents in told.items()} == {"entries": 150, "votes": 1}
