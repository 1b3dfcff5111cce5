import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import NOW_MS, World, is_early

from whatnext.clock import HybridClock
from whatnext.identity import Identity
from whatnext.records.codec import Write
from whatnext.records.judge import Judgement, Refusal, judge
from whatnext.records.merge import fold
from whatnext.store import Library

SCRIPTS = st.lists(
    st.tuples(st.integers(0, 13), st.integers(0, 3), st.integers(0, 31)), min_size=1, max_size=40
)


def play(seed: int, script: list[tuple[int, int, int]]) -> World:
    world = World(seed)
    world.invite(0, "editor")
    world.admit(1, 0)
    world.word(2, "editor", 0)
    for step in script:
        world.step(*step)
    return world


def verdict(world: World) -> Judgement:
    return judge(world.playlist, world.records, is_early)


def documents(library: Library, playlist: bytes) -> dict:
    kinds = ("playlists", "entries", "votes", "comments", "invites", "profiles")
    return {
        (kind, stored.id): stored.document
        for kind in kinds
        for stored in library.documents.in_playlist(playlist, kind, gone=True)
    }


def library_now() -> Library:
    return Library(Identity(b"\x01" * 32), HybridClock(lambda: NOW_MS))


@given(st.integers(0, 2**16), SCRIPTS, st.randoms(use_true_random=False))
@settings(max_examples=250, deadline=None)
def test_any_order_any_duplication_any_split_gives_the_state_and_the_refusals_of_the_definition(
    seed, script, rng
):
    world = play(seed, script)
    expected = verdict(world)
    library = library_now()
    stream = [r.signed for r in world.records] + [r.signed for r in rng.choices(world.records, k=5)]
    rng.shuffle(stream)
    while stream:
        size = rng.randint(1, 8)
        batch, stream = stream[:size], stream[size:]
        library.receive(world.playlist, batch)
    counted = {r for chain in expected.counted.values() for r in chain}
    assert set(library.records(world.playlist)) == counted
    assert dict(library.heads(world.playlist)) == expected.heads
    assert documents(library, world.playlist) == fold(counted)
    assert library.governance(world.playlist).members() == expected.governance.members()
    for record, why in expected.refused.items():
        receipt = library.receive(world.playlist, [record.signed])
        assert receipt.refused == [(record.log, record.seq, why)]


@given(st.integers(0, 2**16), SCRIPTS, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_a_restart_at_any_moment_and_resending_what_is_missing_changes_nothing(seed, script, rng):
    world = play(seed, script)
    path = Path(tempfile.mkdtemp()) / "whatnext.db"

    order = list(world.records)
    rng.shuffle(order)
    for _ in range(2):  # what only waited in memory is sent again, as sync does
        for cut in (len(order) // 2, len(order)):
            library = Library(Identity(b"\x01" * 32), HybridClock(lambda: NOW_MS), path)
            library.receive(world.playlist, [r.signed for r in order[:cut]])
            library.close()
    library = Library(Identity(b"\x01" * 32), HybridClock(lambda: NOW_MS), path)
    expected = verdict(world)
    assert dict(library.heads(world.playlist)) == expected.heads
    assert documents(library, world.playlist) == fold(r for chain in expected.counted.values() for r in chain)
    library.close()
    shutil.rmtree(path.parent)


@given(st.integers(0, 2**16), SCRIPTS)
@settings(max_examples=80, deadline=None)
def test_two_devices_that_hold_different_parts_agree_after_exchanging_what_the_other_lacks(seed, script):
    world = play(seed, script)
    one, two = library_now(), library_now()
    one.receive(world.playlist, [r.signed for r in world.records[::2]])
    two.receive(world.playlist, [r.signed for r in world.records[:1] + world.records[1::2]])
    for _ in range(200):
        before = dict(one.heads(world.playlist)), dict(two.heads(world.playlist))
        for source, target in ((one, two), (two, one)):
            batch = source.missing(
                world.playlist, target.heads(world.playlist), max_records=8, max_bytes=10**6
            )
            target.receive(world.playlist, batch)
        if before == (dict(one.heads(world.playlist)), dict(two.heads(world.playlist))):
            break
    assert dict(one.heads(world.playlist)) == dict(two.heads(world.playlist))
    assert documents(one, world.playlist) == documents(two, world.playlist)


def test_nothing_authored_after_a_removal_counts_backdated_or_not():
    world = World(1)
    world.word(1, "editor", 0)
    kept = world.edit(1, 0)
    world.word(1, "removed", 0)
    late = world.edit(1, 1)
    backdated = world.edit(1, 2, hlc=1)
    judgement = verdict(world)
    assert kept in judgement.counted[kept.log]
    assert judgement.refused[late] is Refusal.REMOVED
    assert judgement.refused[backdated] is Refusal.GAP


def test_a_new_log_does_not_help_a_removed_member():
    world = World(1)
    world.word(1, "editor", 0)
    world.edit(1, 0)
    world.word(1, "removed", 0)
    world.step(10, 1, 0)
    fresh = world.edit(1, 1, hlc=1)
    assert verdict(world).refused[fresh] is Refusal.REMOVED


def test_a_proven_fork_ends_the_log_at_the_same_number_whoever_saw_which_side_first():
    world = World(1)
    world.word(1, "editor", 0)
    for number in range(4):
        world.edit(1, number % 3)
    world._fork(1, 2)
    judgement = verdict(world)
    log = world.pens[1][0]
    head = judgement.heads[log.written[0].log]
    assert (head.seq, head.fork_at) == (2, 3)


def test_the_owners_word_outranks_an_invite_that_still_stands():
    world = World(1)
    world.invite(0, "editor")
    world.admit(1, 0)
    world.word(1, "removed", 0)
    world.admit(1, 0)
    assert verdict(world).governance.standing(world.devices[1].public_key) == "removed"


def test_revoking_an_invite_voids_every_admission_it_does_not_name():
    world = World(1)
    world.invite(0, "editor")
    world.admit(1, 0)
    world.admit(2, 0)
    world.edit(2, 0)
    world.revoke(0, [1])
    governance = verdict(world).governance
    assert governance.standing(world.devices[1].public_key) == "editor"
    assert governance.standing(world.devices[2].public_key) is None


def test_an_overheard_proof_admits_nobody_else():
    world = World(1)
    world.invite(0, "editor")
    proof = world.admit(1, 0).body.writes[0].fields
    stolen = world.write(2, Write("members", world.peer(2), dict(proof)))
    assert verdict(world).refused[stolen] is Refusal.NOT_ADMITTED


def test_concurrent_moves_of_one_track_leave_one_track():
    world = World(1)
    world.word(1, "editor", 0)
    world.write(0, Write("entries", world.entries[0], {"title": "One", "position": "a0V"}))
    world.write(0, Write("entries", world.entries[0], {"position": "a5V"}))
    world.write(1, Write("entries", world.entries[0], {"position": "a9V"}))
    counted = [r for chain in verdict(world).counted.values() for r in chain]
    entries = [d for (kind, _), d in fold(counted).items() if kind == "entries"]
    assert [d.fields["position"] for d in entries] == ["a9V"]
