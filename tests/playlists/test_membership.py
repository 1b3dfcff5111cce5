import msgspec
import pytest

from whatnext.errors import BadLink, NotFound, NotPermitted, UserError
from whatnext.playlists import links
from whatnext.records.codec import Write

DAY_S = 24 * 3600


def member(device, playlist, peer):
    return next(m for m in device.do("members.list", playlist=playlist) if m.peer == peer)


def test_joining_works_offline_and_is_done_when_a_member_lets_in(circle):
    bob = circle.device("Bob")
    link = circle.ann.do("invite.create", playlist=circle.id).link
    joined = bob.do("join", link=link, name="Robert")
    assert (joined.playlist, joined.state, joined.peers) == (circle.id, "joining", [circle.ann.peer])
    listed = bob.do("playlist.list")[0]
    assert (listed.state, listed.name, listed.role, listed.entries) == ("joining", "", None, 0)
    with pytest.raises(NotFound, match="has not arrived yet: it needs a member online"):
        bob.show(circle.id)
    assert bob.do("join", link=link).state == "joining"
    assert len(bob.library.joining()) == 1
    circle.let_in(bob, link)
    assert bob.do("playlist.list")[0].state == "here"
    assert bob.bytes(circle.id) == circle.ann.bytes(circle.id)
    assert member(circle.ann, circle.id, bob.peer).name == "Robert"


def test_a_link_tells_who_and_where_and_lists_further_members(circle):
    ann = circle.device(
        "Ann the second", addresses=["/ip4/10.0.0.7/tcp/4001", "/unix/x", "/dns4/a.example/tcp/9/ws"]
    )
    playlist = ann.do("playlist.create", name="x").id
    invite = ann.do("invite.create", playlist=playlist, role="viewer", expires_in_s=DAY_S)
    link = links.parse(invite.link)
    assert link.peers == (ann.peer,)
    assert link.addresses == ("/ip4/10.0.0.7/tcp/4001", "/dns4/a.example/tcp/9/ws")
    assert abs(invite.expires_at - (circle.wall.ms + DAY_S * 1000)) < 100
    assert ann.do("invite.list", playlist=playlist) == [msgspec.structs.replace(invite, link=None)]
    bob = circle.friend("Bob")
    shared = circle.ann.do("invite.create", playlist=circle.id, peers=["Bob"], expires_in_s=None)
    assert links.parse(shared.link).peers == (circle.ann.peer, bob.peer)
    assert shared.expires_at is None


def test_an_invite_shows_who_came_by_it(circle):
    invite = circle.ann.do("invite.create", playlist=circle.id)
    bob = circle.device("Bob")
    circle.let_in(bob, invite.link)
    assert circle.ann.do("invite.list", playlist=circle.id)[0].used_by == [bob.peer]
    assert member(bob, circle.id, bob.peer).joined_via == invite.id


def test_a_revoked_invite_lets_nobody_else_in_and_those_inside_stay(circle):
    invite = circle.ann.do("invite.create", playlist=circle.id)
    bob, cleo, dan = circle.device("Bob"), circle.device("Cleo"), circle.device("Dan")
    circle.let_in(bob, invite.link)
    circle.ann.do("invite.revoke", playlist=circle.id, invite=invite.id[:6])
    assert circle.ann.do("invite.revoke", playlist=circle.id, invite=invite.id).record is None
    cleo.do("join", link=invite.link)
    (_, admission) = cleo.library.joining()[0]
    assert circle.ann.library.check_join(circle.playlist, admission, circle.wall()) == "revoked"
    circle.ann.library.receive(circle.playlist, [admission])
    assert circle.ann.library.standing(circle.playlist, cleo.peer) is None
    circle.meet(circle.ann, bob)
    bob.add(circle.id, "still here")
    circle.meet(circle.ann, bob)
    assert circle.ann.titles(circle.id) == ["still here"]
    circle.let_in(dan, circle.ann.do("invite.create", playlist=circle.id).link)
    with pytest.raises(UserError, match="in the playlist already, as editor"):
        dan.do("join", link=invite.link)


def test_a_revoked_invite_keeps_even_more_members_than_a_record_names(circle, monkeypatch):
    monkeypatch.setattr("whatnext.records.schema.MAX_LIST", 1)
    invite = circle.ann.do("invite.create", playlist=circle.id)
    friends = [circle.device(name) for name in ("Bob", "Cleo", "Dan")]
    for friend in friends:
        circle.let_in(friend, invite.link)
    circle.ann.do("invite.revoke", playlist=circle.id, invite=invite.id)
    assert [circle.ann.library.standing(circle.playlist, f.peer) for f in friends] == ["editor"] * 3


def test_an_expired_invite_is_refused_by_the_member_and_by_a_device_that_knows(circle):
    invite = circle.ann.do("invite.create", playlist=circle.id, expires_in_s=60)
    late, back = circle.device("Late"), circle.friend("Back", "viewer")
    circle.wall.ms += 61_000
    late.do("join", link=invite.link)
    (_, admission) = late.library.joining()[0]
    assert circle.ann.library.check_join(circle.playlist, admission, circle.wall()) == "expired"
    circle.meet(circle.ann, back)
    with pytest.raises(NotPermitted, match="the invite has expired: ask for a new one"):
        back.do("join", link=invite.link)


def test_the_rule_at_the_door_names_every_fault(circle):
    bob, stranger, other = circle.friend("Bob"), circle.device("Stranger"), circle.device("Other")
    library = circle.ann.library
    invite = circle.ann.do("invite.create", playlist=circle.id)
    stranger.do("join", link=invite.link)
    (_, admission) = stranger.library.joining()[0]
    assert library.check_join(circle.playlist, admission, circle.wall()) is None
    assert bob.library.check_join(circle.playlist, admission, circle.wall()) == "unknown_invite"
    assert library.check_join(bytes(20), admission, circle.wall()) == "not_here"
    assert stranger.library.check_join(circle.playlist, admission, circle.wall()) == "not_here"
    forged = {"invite": invite.id, "proof": "1" * 87}
    other.library.admit_self(circle.playlist, Write("members", other.peer, forged), "x")
    assert library.check_join(circle.playlist, other.library.joining()[0][1], circle.wall()) == "bad_proof"
    no_admission = bob.library.records(circle.playlist)[-1].signed
    assert library.check_join(circle.playlist, no_admission, circle.wall()) == "bad_proof"
    circle.ann.do("members.remove", playlist=circle.id, peer="Bob")
    key = links.parse(invite.link).secret
    proof = links.InviteKey.from_text(key).prove(circle.playlist, bob.library.identity.public_key)
    again = bob.library.write(
        circle.playlist, [Write("members", bob.peer, {"invite": invite.id, "proof": proof})]
    )
    assert library.check_join(circle.playlist, again.signed, circle.wall()) == "removed"


def test_joining_what_is_ones_own_or_known_is_refused_with_the_reason(circle):
    bob = circle.friend("Bob")
    link = circle.ann.do("invite.create", playlist=circle.id).link
    with pytest.raises(UserError, match="your own playlist: send the link to somebody else"):
        circle.ann.do("join", link=link)
    with pytest.raises(UserError, match="already, as editor"):
        bob.do("join", link=link)
    circle.ann.do("members.remove", playlist=circle.id, peer="Bob")
    circle.meet(circle.ann, bob)
    with pytest.raises(NotPermitted, match="the owner removed this device"):
        bob.do("join", link=link)
    with pytest.raises(UserError, match="use `whatnext connect`"):
        bob.do("join", link=f"whtnxt://connect/{circle.ann.peer}")
    with pytest.raises(BadLink):
        bob.do("join", link="https://example.com")


def test_a_viewer_becomes_editor_by_an_editors_invite(circle):
    bob = circle.friend("Bob", "viewer")
    with pytest.raises(NotPermitted, match="as viewer of this playlist you cannot do that"):
        bob.add(circle.id, "x")
    invite = circle.ann.do("invite.create", playlist=circle.id, role="editor")
    circle.meet(circle.ann, bob)
    assert bob.do("join", link=invite.link).state == "here"
    bob.add(circle.id, "x")
    circle.meet(circle.ann, bob)
    assert circle.ann.titles(circle.id) == ["x"]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", {"vote", "comment", "uncomment", "history", "leave"}),
        ("editor", {"add", "rename", "move", "vote", "comment", "uncomment", "undo", "history", "leave"}),
    ],
)
def test_each_role_may_do_what_the_table_says_and_nothing_else(circle, role, may):
    circle.ann.add(circle.id, *"abc")
    circle.ann.do("playlist.rename", playlist=circle.id, name="Other")
    ann_renamed = circle.ann.library.records(circle.playlist)[-1].hash.hex()
    bob = circle.friend("Bob", role)
    p = {"playlist": circle.id}
    bob_said = bob.do("playlist.comment", **p, text="hm").ids[0]
    acts = {
        "add": lambda: bob.add(circle.id, "x"),
        "rename": lambda: bob.do("playlist.rename", **p, name="y"),
        "move": lambda: bob.do("playlist.move", **p, entries=["1"], to=3),
        "undo": lambda: bob.do("playlist.undo", **p, record=ann_renamed),
        "vote": lambda: bob.do("playlist.vote", **p, entry="1", value=1),
        "comment": lambda: bob.do("playlist.comment", **p, text="!"),
        "uncomment": lambda: bob.do("playlist.uncomment", **p, comment=bob_said),
        "history": lambda: bob.told(circle.id),
        "invite": lambda: bob.do("invite.create", **p),
        "role": lambda: bob.do("members.role", **p, peer=circle.ann.peer, role="viewer"),
        "remove": lambda: bob.do("members.remove", **p, peer=circle.ann.peer),
        "delete": lambda: bob.do("playlist.delete", **p),
        "leave": lambda: bob.do("playlist.leave", **p),
    }
    for name, act in acts.items():
        if name in may:
            act()
        else:
            with pytest.raises(NotPermitted):
                act()


def test_comments_of_others_are_removed_by_editors_only(circle):
    bob, vera = circle.friend("Bob"), circle.friend("Vera", "viewer")
    said = circle.ann.do("playlist.comment", playlist=circle.id, text="first!").ids[0]
    circle.meet(circle.ann, bob, vera)
    with pytest.raises(NotPermitted, match="its author, an editor or the owner"):
        vera.do("playlist.uncomment", playlist=circle.id, comment=said)
    bob.do("playlist.uncomment", playlist=circle.id, comment=said.partition(":")[2][:6])
    circle.meet(circle.ann, bob)
    assert circle.ann.show(circle.id).comments == []


def test_what_a_removed_member_wrote_before_stays_and_what_it_writes_after_does_not(circle):
    bob, cleo = circle.friend("Bob"), circle.friend("Cleo")
    bob.add(circle.id, "before")
    circle.meet(circle.ann, bob)
    circle.ann.do("members.remove", playlist=circle.id, peer="bob")
    bob.add(circle.id, "after, backdated or not")
    circle.meet(circle.ann, bob, cleo)
    assert circle.ann.titles(circle.id) == cleo.titles(circle.id) == bob.titles(circle.id) == ["before"]
    assert member(cleo, circle.id, bob.peer).role == "removed"
    with pytest.raises(NotPermitted, match="the owner removed this device"):
        bob.add(circle.id, "more")


def test_a_demotion_and_a_promotion_keep_what_was_written_in_each_role(circle):
    bob = circle.friend("Bob")
    for role, title in (("viewer", "one"), ("editor", None), ("viewer", "two")):
        if title:
            bob.add(circle.id, title)
            circle.meet(circle.ann, bob)
        circle.ann.do("members.role", playlist=circle.id, peer=bob.peer[-8:], role=role)
        circle.meet(circle.ann, bob)
        assert bob.do("playlist.list")[0].role == role
    assert circle.ann.titles(circle.id) == bob.titles(circle.id) == ["one", "two"]
    with pytest.raises(NotPermitted):
        bob.add(circle.id, "three")
    assert circle.ann.do("members.role", playlist=circle.id, peer="Bob", role="viewer").record is None


def test_a_removed_member_can_be_taken_back(circle):
    bob = circle.friend("Bob")
    circle.ann.do("members.remove", playlist=circle.id, peer="Bob")
    circle.meet(circle.ann, bob)
    circle.ann.do("members.role", playlist=circle.id, peer="Bob", role="editor")
    circle.meet(circle.ann, bob)
    bob.add(circle.id, "back")
    circle.meet(circle.ann, bob)
    assert circle.ann.titles(circle.id) == ["back"]


def test_very_many_logs_of_a_member_do_not_prevent_its_removal(circle, monkeypatch):
    monkeypatch.setattr("whatnext.playlists.membership._MAX_MARKS", 2)
    bob = circle.friend("Bob")
    for n in range(4):
        bob.library.database.renew_epoch()
        for _ in range(n + 1):
            bob.add(circle.id, f"log {n}")
    circle.meet(circle.ann, bob)
    circle.ann.do("members.remove", playlist=circle.id, peer="Bob")
    assert circle.ann.titles(circle.id) == ["log 3"] * 4


def test_votes_count_only_while_their_voter_is_a_member(circle):
    bob, cleo = circle.friend("Bob"), circle.friend("Cleo", "viewer")
    circle.ann.add(circle.id, "a")
    circle.meet(circle.ann, bob, cleo)
    for device in (circle.ann, bob, cleo):
        device.do("playlist.vote", playlist=circle.id, entry="1", value=1)
    circle.meet(circle.ann, bob, cleo)
    assert circle.ann.show(circle.id).entries[0].votes == 3
    circle.ann.do("members.remove", playlist=circle.id, peer="Bob")
    cleo.do("playlist.vote", playlist=circle.id, entry="1", value=-1)
    circle.meet(circle.ann, cleo)
    entry = circle.ann.show(circle.id).entries[0]
    assert (entry.votes, entry.voters) == (0, {circle.ann.peer: 1, cleo.peer: -1})
    cleo.library.write(circle.playlist, [Write("members", cleo.peer, {"left": True})])
    circle.meet(circle.ann, cleo)
    assert circle.ann.show(circle.id).entries[0].votes == 1


def test_leaving_forgets_the_playlist_here_and_a_new_invite_brings_it_back(circle):
    bob = circle.friend("Bob")
    circle.ann.add(circle.id, "a")
    circle.meet(circle.ann, bob)
    bob.do("playlist.leave", playlist="road trip")
    assert bob.do("playlist.list") == []
    with pytest.raises(NotFound, match="whatnext playlist list"):
        bob.show(circle.id)
    bob.do("join", link=circle.ann.do("invite.create", playlist=circle.id).link)
    circle.meet(circle.ann, bob)
    assert bob.titles(circle.id) == ["a"]
    assert not member(circle.ann, circle.id, bob.peer).left


def test_a_join_that_nobody_answered_can_be_given_up(circle):
    bob = circle.device("Bob")
    bob.do("join", link=circle.ann.do("invite.create", playlist=circle.id).link)
    bob.do("playlist.leave", playlist=circle.id[:8])
    assert bob.do("playlist.list") == []


def test_the_owner_cannot_leave_or_demote_itself(circle):
    with pytest.raises(UserError, match="`whatnext playlist delete` ends it"):
        circle.ann.do("playlist.leave", playlist=circle.id)
    for operation, more in (("members.role", {"role": "viewer"}), ("members.remove", {})):
        with pytest.raises(UserError, match="its own place cannot be changed"):
            circle.ann.do(operation, playlist=circle.id, peer="Ann", **more)


def test_a_deleted_playlist_is_hidden_everywhere_until_its_owner_undoes_it(circle):
    bob = circle.friend("Bob")
    circle.ann.add(circle.id, "a")
    circle.ann.do("playlist.delete", playlist=circle.id)
    circle.meet(circle.ann, bob)
    assert circle.ann.do("playlist.list") == bob.do("playlist.list") == []
    assert bob.do("playlist.search", text="a") == []
    with pytest.raises(NotFound, match="was deleted by its owner: `whatnext playlist undo"):
        circle.ann.show(circle.id)
    with pytest.raises(NotFound, match="was deleted by its owner: `whatnext playlist leave` forgets it"):
        bob.add(circle.id, "x")
    assert circle.ann.told(circle.id)[0] == "deleted the playlist"
    circle.ann.do("playlist.undo", playlist=circle.id)
    circle.meet(circle.ann, bob)
    assert bob.titles(circle.id) == ["a"]


@pytest.mark.parametrize("seconds", [0, -1, 10**12])
def test_an_invite_of_no_sensible_lifetime_is_refused(circle, seconds):
    with pytest.raises(UserError, match="at least a second"):
        circle.ann.do("invite.create", playlist=circle.id, expires_in_s=seconds)
