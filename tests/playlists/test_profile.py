import os
import stat

import msgspec
import pytest

from whatnext import identity
from whatnext.errors import LocalError, UserError
from whatnext.playlists import requests
from whatnext.playlists.operations import OPERATIONS
from whatnext.store import Library


def names(device, playlist):
    return {member.peer: member.name for member in device.do("members.list", playlist=playlist)}


def test_a_name_is_told_in_every_playlist_and_kept_for_new_ones(circle):
    bob = circle.friend("Bob")
    own = bob.do("playlist.create", name="Bob's").id
    assert bob.do("profile.name", name="Robert", colour="#00FF00").colour == "#00ff00"
    circle.meet(circle.ann, bob)
    assert names(circle.ann, circle.id)[bob.peer] == "Robert"
    assert names(bob, own) == {bob.peer: "Robert"}
    assert names(bob, bob.do("playlist.create", name="new").id) == {bob.peer: "Robert"}
    before = len(bob.library.records(circle.playlist))
    bob.do("profile.name", name="Robert")
    assert len(bob.library.records(circle.playlist)) == before
    shown = bob.do("profile.show")
    assert (shown.peer, shown.name, shown.colour, shown.directory) == (bob.peer, "Robert", "#00ff00", None)
    assert bob.do("profile.name", name="Robert", colour="").colour is None


def test_a_device_introduces_itself_once_where_it_was_let_in(circle):
    bob = circle.device("Bob")
    bob.do("join", link=circle.ann.do("invite.create", playlist=circle.id).link)
    assert bob.here.introduce() == []
    for playlist, admission in bob.library.joining():
        circle.ann.library.receive(playlist, [admission])
    circle.meet(circle.ann, bob)
    assert bob.here.introduce() == [circle.playlist]
    assert bob.here.introduce() == []
    circle.meet(circle.ann, bob)
    assert names(circle.ann, circle.id)[bob.peer] == "Bob"


def test_a_first_change_introduces_the_device_and_a_nameless_one_stays_nameless(circle):
    bob, nobody = circle.device("Bob"), circle.device("")
    for device in (bob, nobody):
        device.here.introduce = list
        circle.let_in(device, circle.ann.do("invite.create", playlist=circle.id).link)
        device.do("playlist.comment", playlist=circle.id, text="hm")
        device.do("playlist.comment", playlist=circle.id, text="hm")
        circle.meet(circle.ann, device)
    assert names(circle.ann, circle.id)[bob.peer] == "Bob"
    assert names(circle.ann, circle.id)[nobody.peer] is None
    assert bob.told(circle.id)[:2] == ["commented: “hm”", "commented: “hm”"]


def test_a_backup_holds_everything_and_the_key_and_overwrites_nothing(circle, tmp_path):
    device = circle.device("Ann", directory=tmp_path)
    playlist = device.do("playlist.create", name="kept").id
    key = identity.load_or_create(tmp_path)
    target = tmp_path / "backup.db"
    made = device.do("backup.create", target=str(target))
    assert (made.path, made.bytes) == (str(target), target.stat().st_size)
    copy = tmp_path / "backup.db.key"
    assert made.key == str(copy)
    assert copy.read_bytes() == (tmp_path / identity.KEY_FILE).read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restored = Library(key, device.library.clock, target)
    assert [*restored.playlists()] == device.library.playlists()
    assert restored.documents.get(restored.playlists()[0], ("playlists", "")).fields["name"] == "kept"
    assert playlist
    with pytest.raises(LocalError, match="exists already: choose another name, nothing was overwritten"):
        device.do("backup.create", target=str(target))
    with pytest.raises(UserError, match="no absolute path"):
        device.do("backup.create", target="backup2.db")


def test_a_backup_that_would_overwrite_a_key_copies_nothing(circle, tmp_path):
    device = circle.device("Ann", directory=tmp_path)
    (tmp_path / "b.key").write_text("another device's")
    with pytest.raises(LocalError, match=r"b\.key exists already"):
        device.do("backup.create", target=str(tmp_path / "b"))
    assert sorted(os.listdir(tmp_path)) == ["b.key"]


def test_every_operation_of_the_brief_is_listed_once_with_types_that_have_a_schema():
    of_playlists = (
        "create list show rename describe tag set add edit move remove vote comment uncomment history past"
        " news seen undo search import export delete leave"
    )
    others = (
        "invite.create invite.list invite.revoke join members.list members.role members.remove"
        " profile.show profile.name profile.link peers.remember backup.create"
    )
    assert set(OPERATIONS) == {*(f"playlist.{verb}" for verb in of_playlists.split()), *others.split()}
    for name, operation in OPERATIONS.items():
        assert operation.name == name
        assert operation.summary
        assert issubclass(operation.request, requests.Request)
        msgspec.json.schema_components([operation.request, operation.response])


def test_requests_are_camel_case_and_take_no_unknown_fields():
    asked = msgspec.json.decode(b'{"title": "x", "durationMs": 5}', type=requests.TrackInput)
    assert asked.duration_ms == 5
    for operation in OPERATIONS.values():
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(b'{"unknown": 1}', type=operation.request)
