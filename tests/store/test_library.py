import random

import pytest

from whatnext.clock import HybridClock
from whatnext.errors import InvalidRecord, LimitExceeded, NotFound, NotPermitted
from whatnext.identity import Identity
from whatnext.records import ids, positions, schema
from whatnext.records.codec import SignedRecord, Write
from whatnext.records.governance import encode_marks
from whatnext.records.invites import InviteKey
from whatnext.records.judge import Refusal
from whatnext.store import Library

NOW_MS = 1_800_000_000_000


class Wall:
    """A wall clock that a test sets by hand."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def rng():
    return random.Random(5)


def new_library(seed: int, wall: Wall | None = None, path=":memory:") -> Library:
    return Library(Identity(bytes([seed]) * 32), HybridClock(wall or Wall()), path)


def entry(rng, title="Song", position="a0V") -> Write:
    return Write("entries", ids.to_text(rng.randbytes(10)), {"title": title, "position": position})


def join(library: Library, owner: Library, playlist: bytes, role="editor") -> None:
    key = InviteKey(b"\x07" * 32)
    owner.write(playlist, [Write("invites", key.id, {"role": role, "expiresAt": None})])
    proof = key.prove(playlist, library.identity.public_key)
    library.admit_self(
        playlist, Write("members", library.identity.peer_id, {"invite": key.id, "proof": proof}), "link"
    )
    exchange(library, owner, playlist)


def exchange(one: Library, two: Library, playlist: bytes) -> None:
    """Everything each has goes to the other; an admission that still waits goes along, as sync's `join` does."""
    for source, target in ((one, two), (two, one), (one, two)):
        waiting = [signed for known, signed in source.joining() if known == playlist]
        batch = source.missing(playlist, target.heads(playlist), max_records=10**6, max_bytes=10**9)
        target.receive(playlist, waiting + batch)


def titles(library: Library, playlist: bytes) -> list[str]:
    return [stored.document.fields["title"] for stored in library.documents.in_playlist(playlist, "entries")]


def test_a_playlist_is_named_by_the_hash_of_its_first_record(rng):
    library = new_library(1)
    playlist = library.create([Write("playlists", "", {"name": "Kitchen"})])
    assert library.records(playlist)[0].hash.startswith(playlist)
    assert library.playlists() == [playlist]


def test_a_joiner_ends_with_the_owners_heads_and_documents(rng):
    owner, guest = new_library(1), new_library(2)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})], [entry(rng, "One")])
    join(guest, owner, playlist)
    guest.write(playlist, [entry(rng, "Two", "a1V")])
    exchange(guest, owner, playlist)
    assert dict(guest.heads(playlist)) == dict(owner.heads(playlist))
    assert titles(guest, playlist) == titles(owner, playlist) == ["One", "Two"]
    assert guest.standing(playlist, guest.identity.peer_id) == "editor"


def test_writing_before_the_playlist_arrived_says_so(rng):
    owner, guest = new_library(1), new_library(2)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})])
    key = InviteKey(b"\x07" * 32)
    proof = key.prove(playlist, guest.identity.public_key)
    guest.admit_self(
        playlist, Write("members", guest.identity.peer_id, {"invite": key.id, "proof": proof}), "link"
    )
    with pytest.raises(NotFound, match="has not arrived yet"):
        guest.write(playlist, [entry(rng)])
    assert [known for known, _ in guest.joining()] == [playlist]


def test_a_pending_join_survives_a_restart(tmp_path):
    guest = new_library(2, path=tmp_path / "guest.db")
    playlist = b"\x05" * 20
    key = InviteKey(b"\x07" * 32)
    proof = key.prove(playlist, guest.identity.public_key)
    guest.admit_self(
        playlist, Write("members", guest.identity.peer_id, {"invite": key.id, "proof": proof}), "link"
    )
    before = guest.joining()
    guest.close()
    again = new_library(2, path=tmp_path / "guest.db")
    assert again.joining() == before
    assert again.links_to_join() == [(playlist, "link")]


def test_a_second_link_gets_a_joiner_in_when_the_first_was_revoked(rng):
    owner, guest = new_library(1), new_library(2)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})])
    for seed, revoked in ((7, True), (8, False)):
        key = InviteKey(bytes([seed]) * 32)
        fields = {"role": "editor", "revoked": revoked, "standing": []}
        owner.write(playlist, [Write("invites", key.id, fields)])
        proof = key.prove(playlist, guest.identity.public_key)
        guest.admit_self(
            playlist, Write("members", guest.identity.peer_id, {"invite": key.id, "proof": proof}), "link"
        )
    ((_, admission),) = guest.joining()
    assert owner.check_join(playlist, admission, NOW_MS) is None


def test_a_viewer_is_told_what_it_may_not_do(rng):
    owner, guest = new_library(1), new_library(2)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})])
    join(guest, owner, playlist, role="viewer")
    with pytest.raises(NotPermitted, match="as viewer"):
        guest.write(playlist, [entry(rng)])


def test_a_removed_members_later_changes_are_void_on_a_peer_that_already_had_them(rng):
    owner, guest, friend = new_library(1), new_library(2), new_library(3)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})])
    join(guest, owner, playlist)
    friend.receive(playlist, owner.missing(playlist, {}, max_records=99, max_bytes=10**6))
    guest.write(playlist, [entry(rng, "late")])
    friend.receive(playlist, guest.missing(playlist, friend.heads(playlist), max_records=99, max_bytes=10**6))
    assert titles(friend, playlist) == ["late"]
    word = {"role": "removed", "upto": encode_marks([])}
    owner.write(playlist, [Write("members", guest.identity.peer_id, word)])
    receipt = friend.receive(
        playlist, owner.missing(playlist, friend.heads(playlist), max_records=99, max_bytes=10**6)
    )
    assert receipt.reset
    assert titles(friend, playlist) == []
    assert dict(friend.heads(playlist)) == dict(owner.heads(playlist))


def test_the_device_that_was_voided_begins_a_new_log_when_it_may_write_again(rng):
    owner, guest = new_library(1), new_library(2)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})])
    join(guest, owner, playlist)
    guest.write(playlist, [entry(rng, "void")])
    peer = guest.identity.peer_id
    for role in ("removed", "viewer"):
        marks = [  # what the owner has of the guest's logs: its admission
            mark
            for log, head in owner.heads(playlist).items()
            if log.author == guest.identity.public_key
            for mark in [_mark(log, head)]
        ]
        owner.write(playlist, [Write("members", peer, {"role": role, "upto": encode_marks(marks)})])
    exchange(guest, owner, playlist)
    old = guest.database.epoch
    guest.write(playlist, [Write("profiles", peer, {"name": "Guest"})])
    exchange(guest, owner, playlist)
    assert guest.database.epoch != old
    assert dict(guest.heads(playlist)) == dict(owner.heads(playlist))
    assert titles(owner, playlist) == titles(guest, playlist) == []


def _mark(log, head):
    from whatnext.records.governance import Mark

    return Mark(log.epoch, head.seq, head.hash)


def test_a_record_stamped_ahead_waits_until_due(rng):
    wall, behind = Wall(), Wall()
    wall.ms += 120_000
    owner, friend = new_library(1, wall), new_library(3, behind)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})])
    receipt = friend.receive(playlist, owner.missing(playlist, {}, max_records=9, max_bytes=10**6))
    assert [why for _, _, why in receipt.refused] == [Refusal.EARLY]
    assert friend.owner(playlist) is None
    behind.ms += 120_000
    friend.receive_due()
    assert friend.owner(playlist) == owner.identity.public_key


def test_a_badly_signed_record_stores_nothing_and_loses_nothing_before_it(rng):
    owner, friend = new_library(1), new_library(3)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})], [entry(rng, "One")])
    genesis, one = owner.missing(playlist, {}, max_records=9, max_bytes=10**6)
    forged = SignedRecord(one.body, bytes(64))
    with pytest.raises(InvalidRecord, match="bad signature"):
        friend.receive(playlist, [genesis, forged])
    assert friend.owner(playlist) == owner.identity.public_key
    assert titles(friend, playlist) == []


def test_the_feed_tells_each_changed_document_once_with_its_newest_state(rng):
    library = new_library(1)
    playlist = library.create([Write("playlists", "", {"name": "Kitchen"})])
    mark = library.documents.last_feed()
    added = entry(rng, "One")
    library.write(playlist, [added])
    library.write(playlist, [Write("entries", added.id, {"title": "Uno"})])
    changes = library.documents.changes(mark, 10)
    assert [(c.collection, c.document.fields["title"]) for c in changes] == [("entries", "Uno")]
    assert library.documents.changes(changes[-1].feed, 10) == []


def test_search_finds_titles_in_any_case_and_without_accents(rng):
    library = new_library(1)
    playlist = library.create([Write("playlists", "", {"name": "Kitchen"})])
    library.write(playlist, [entry(rng, "Déjà vu"), entry(rng, "夜に駆ける")])
    assert [s.document.fields["title"] for s in library.documents.search("DEJA", 9)] == ["Déjà vu"]
    assert [s.document.fields["title"] for s in library.documents.search("夜に", 9)] == ["夜に駆ける"]
    assert library.documents.search("100%_", 9) == []


def test_leaving_lasts_until_a_member_heard_of_it_and_coming_back_finds_everything_again(rng):
    owner, guest = new_library(1), new_library(2)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})], [entry(rng, "One")])
    join(guest, owner, playlist)
    guest.leave(playlist)
    assert guest.playlists() == []
    assert guest.shared() == [playlist]
    guest.departed(playlist)
    assert guest.shared() == []
    assert titles(guest, playlist) == []
    key = InviteKey(b"\x07" * 32)
    proof = key.prove(playlist, guest.identity.public_key)
    guest.admit_self(
        playlist, Write("members", guest.identity.peer_id, {"invite": key.id, "proof": proof}), "link"
    )
    assert titles(guest, playlist) == ["One"]


def test_a_playlist_past_its_limit_refuses_the_next_entry_with_the_number(rng, monkeypatch):
    monkeypatch.setattr(schema, "MAX_ENTRIES", 2)
    library = new_library(1)
    playlist = library.create([Write("playlists", "", {"name": "Kitchen"})], [entry(rng), entry(rng)])
    with pytest.raises(LimitExceeded, match="at most 2 entries"):
        library.write(playlist, [entry(rng)])


def test_a_batch_of_changes_is_kept_whole_or_not_at_all(rng):
    library = new_library(1)
    playlist = library.create([Write("playlists", "", {"name": "Kitchen"})])
    heads = dict(library.heads(playlist))
    bad = Write("entries", "not an id", {"title": "x"})
    with pytest.raises(LimitExceeded, match="is no id in entries"):
        library.write_all(playlist, [[entry(rng)], [bad]])
    assert dict(library.heads(playlist)) == heads
    assert titles(library, playlist) == []


def test_pending_is_exactly_what_missing_would_send(rng):
    owner, friend = new_library(1), new_library(3)
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})], *[[entry(rng)] for _ in range(9)])
    while owner.pending(playlist, friend.heads(playlist)):
        before = owner.pending(playlist, friend.heads(playlist))
        batch = owner.missing(playlist, friend.heads(playlist), max_records=3, max_bytes=10**6)
        friend.receive(playlist, batch)
        assert owner.pending(playlist, friend.heads(playlist)) == before - len(batch)
    assert dict(owner.heads(playlist)) == dict(friend.heads(playlist))


def test_a_fork_that_began_long_ago_is_found_by_going_backwards(rng, tmp_path):
    """A profile copied behind our back: both copies go on with one log."""
    import shutil

    owner = new_library(1, path=tmp_path / "one.db")
    playlist = owner.create([Write("playlists", "", {"name": "Kitchen"})])
    epoch = owner.database.epoch
    owner.close()
    shutil.copy(tmp_path / "one.db", tmp_path / "two.db")
    one, two = new_library(1, path=tmp_path / "one.db"), new_library(1, path=tmp_path / "two.db")
    one.database.epoch = two.database.epoch = epoch  # as if the copy had not been noticed
    for number in range(200):
        one.write(playlist, [entry(rng, f"one {number}")])
        two.write(playlist, [entry(rng, f"two {number}")])
    friend, other = new_library(3), new_library(4)
    for library, source in ((friend, one), (other, two)):
        library.receive(playlist, source.missing(playlist, {}, max_records=10**6, max_bytes=10**9))
    for _ in range(10):
        for source, target in ((friend, other), (other, friend)):
            batch = source.missing(playlist, target.heads(playlist), max_records=10**6, max_bytes=10**9)
            target.receive(playlist, batch)
    assert dict(friend.heads(playlist)) == dict(other.heads(playlist))
    assert next(iter(friend.heads(playlist).values())).fork_at == 2
    assert titles(friend, playlist) == []


def test_appends_to_a_long_playlist_stay_quick_to_write():
    """Not a timing: the work per write must not grow with the list, so count statements instead."""
    rng = random.Random(1)
    library = new_library(1)
    playlist = library.create(
        [Write("playlists", "", {"name": "Kitchen"})],
        *[[entry(rng, position=key) for key in positions.run(None, None, 50, rng)] for _ in range(20)],
    )
    statements: list[str] = []
    library.write(playlist, [entry(rng)])  # counts the entries once
    library.database.connection.set_trace_callback(statements.append)
    library.write(playlist, [entry(rng)])
    assert len(statements) < 12, statements


def test_opening_a_library_does_not_read_its_records(tmp_path):
    rng = random.Random(1)
    library = new_library(1, path=tmp_path / "w.db")
    playlist = library.create([Write("playlists", "", {"name": "K"})], *[[entry(rng)] for _ in range(300)])
    library.close()
    again = new_library(1, path=tmp_path / "w.db")
    again.database.connection.set_trace_callback((read := []).append)
    assert len(again.heads(playlist)) == 1
    assert len(read) < 6, read
