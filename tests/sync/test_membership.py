"""Who gets a playlist: joiners, members nobody has heard of yet, removed ones, and those who never were members."""

import pytest
import trio
from network import network

from whatnext.sync.events import JoinAccepted, JoinRefused, PlaylistRefused

HOUR_MS = 3_600_000


async def test_a_joiner_comes_in_through_another_member_while_the_owner_is_away(autojump_clock):
    async with network() as net:
        anna, ben, cleo = net.trio_of("anna", "ben", "cleo")
        playlist = anna.create(entries=3)
        key = anna.invite(playlist)
        ben.join(playlist, key)
        cable = net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        cable.cut()
        cleo.join(playlist, key)
        net.connect(ben, cleo)
        await net.in_sync(playlist, ben, cleo)
        cleo.add(playlist, "cleo's")
        await net.in_sync(playlist, ben, cleo)
        net.connect(anna, ben)
        await net.in_sync(playlist)
        assert "cleo's" in anna.titles(playlist)


async def test_two_members_that_never_heard_of_each_other_introduce_themselves(autojump_clock):
    async with network() as net:
        anna, ben, cleo = net.trio_of("anna", "ben", "cleo")
        playlist = anna.create(entries=3)
        ben.join(playlist, anna.invite(playlist))
        first = net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        first.cut()
        cleo.join(playlist, anna.invite(playlist))
        second = net.connect(anna, cleo)
        await net.in_sync(playlist, anna, cleo)
        second.cut()
        ben.add(playlist, "ben's")
        cleo.add(playlist, "cleo's")
        net.connect(ben, cleo)
        await net.in_sync(playlist, ben, cleo)
        assert {"ben's", "cleo's"} <= set(ben.titles(playlist))


async def test_two_members_of_whom_neither_knows_the_other_introduce_themselves(autojump_clock):
    async with network() as net:
        anna, ben, cleo, dora = net.trio_of("anna", "ben", "cleo", "dora")
        playlist = anna.create(entries=3)
        key = anna.invite(playlist)

        async def meet(a, b):
            cable = net.connect(a, b)
            await net.in_sync(playlist, a, b)
            cable.cut()
            await net.over(cable)

        for first, second in ((anna, dora), (anna, ben), (dora, cleo)):
            second.join(playlist, key)
            await meet(first, second)
        assert ben.library.standing(playlist, cleo.peer) is None
        assert cleo.library.standing(playlist, ben.peer) is None
        ben.add(playlist, "ben's")
        cleo.add(playlist, "cleo's")
        await meet(ben, cleo)
        assert {"ben's", "cleo's"} <= set(ben.titles(playlist))


async def test_a_member_that_is_not_known_yet_sees_only_the_owners_logs(autojump_clock):
    async with network() as net:
        anna, ben, mallory = net.trio_of("anna", "ben", "mallory")
        playlist = anna.create(entries=3)
        ben.join(playlist, anna.invite(playlist))
        cable = net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        cable.cut()
        ben.add(playlist)
        # Mallory knows the id, from a link say, and nothing that admits it.
        mallory.join(playlist, anna.invite(playlist))
        net.connect(ben, mallory)
        await net.until(lambda: mallory.happened(JoinRefused))
        await trio.sleep(60)
        assert mallory.happened(JoinRefused)[0].code == "unknown_invite"
        assert mallory.library.records(playlist) == []
        assert ben.link(mallory).traffic.records_out <= 1, "its own admission and nothing else"
        assert mallory.library.heads(playlist) == {}
        mallory_sees = mallory.hub._links[ben.peer].session._conversation.rota.share(playlist).theirs or {}
        assert {log.author for log in mallory_sees} <= {anna.identity.public_key}


async def test_a_joiner_whose_invite_is_not_known_yet_is_let_in_once_it_is(autojump_clock):
    async with network() as net:
        anna, ben, cleo = net.trio_of("anna", "ben", "cleo")
        playlist = anna.create()
        ben.join(playlist, anna.invite(playlist))
        cable = net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        cable.cut()
        cleo.join(playlist, anna.invite(playlist))
        net.connect(ben, cleo)
        await net.until(lambda: cleo.happened(JoinRefused))
        refusal = cleo.happened(JoinRefused)[0]
        assert refusal.retryable
        assert (
            refusal.sentence == "this member has not heard of the invite yet: it is asked again when it has"
        )
        net.connect(anna, ben)
        await net.in_sync(playlist)
        assert len(cleo.happened(JoinAccepted)) == 1


@pytest.mark.parametrize(("code", "sentence"), [("expired", "expired"), ("revoked", "revoked")])
async def test_an_invite_that_no_longer_holds_lets_nobody_in_and_says_why(autojump_clock, code, sentence):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = anna.create(entries=2)
        key = anna.invite(playlist, expires_ms=anna.wall() + HOUR_MS)
        ben.join(playlist, key)
        if code == "expired":
            await trio.sleep(2 * HOUR_MS / 1000)
        else:
            anna.revoke(playlist, key)
        net.connect(anna, ben)
        await net.until(lambda: ben.happened(JoinRefused))
        refusal = ben.happened(JoinRefused)[0]
        assert (refusal.code, refusal.retryable) == (code, False)
        assert sentence in refusal.sentence
        assert ben.library.records(playlist) == []
        assert ben.share(anna, playlist).state == "refused"
        assert anna.library.standing(playlist, ben.peer) is None


async def test_an_expired_invite_cannot_be_passed_off_as_an_old_admission(autojump_clock):
    async with network() as net:
        anna, ben, liar = net.trio_of("anna", "ben", "liar")
        playlist = anna.create(entries=2)
        key = anna.invite(playlist, expires_ms=anna.wall() + HOUR_MS)
        ben.join(playlist, key)
        cable = net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        cable.cut()
        await trio.sleep(2 * HOUR_MS / 1000)
        # The liar got all records from somewhere and admits itself on its own, too late.
        for batch in (anna.library.missing(playlist, {}, max_records=99, max_bytes=1 << 20),):
            liar.library.receive(playlist, batch)
        liar.join(playlist, key)
        liar.library.receive(playlist, [])
        net.connect(ben, liar)
        await net.until(lambda: liar.happened(PlaylistRefused) or liar.happened(JoinRefused))
        assert ben.library.standing(playlist, liar.peer) is None
        assert ben.library.standing(playlist, ben.peer) == "editor"


async def test_a_member_turned_away_by_old_news_brings_the_newer_ones_itself(autojump_clock):
    async with network() as net:
        anna, ben, cleo, dora = net.trio_of("anna", "ben", "cleo", "dora")
        playlist = anna.create(entries=1)
        key = anna.invite(playlist)
        for member in (ben, dora):
            member.join(playlist, anna.invite(playlist))
            cable = net.connect(anna, member)
            await net.in_sync(playlist, anna, member)
            cable.cut()
            await net.over(cable)
        cleo.join(playlist, key)
        cable = net.connect(dora, cleo)
        await net.in_sync(playlist, dora, cleo)
        cable.cut()
        await net.over(cable)
        anna.revoke(playlist, key)  # the owner does not know that somebody came by it
        cable = net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        cable.cut()
        await net.over(cable)
        net.connect(ben, cleo)
        await net.until(lambda: cleo.happened(PlaylistRefused))
        assert cleo.happened(PlaylistRefused)[0].code == "revoked"
        assert cleo.share(ben, playlist).refused == "revoked"
        anna.revoke(playlist, key, [cleo])
        net.connect(anna, cleo)
        await net.in_sync(playlist, anna, ben, cleo)
        assert cleo.share(ben, playlist).refused is None


async def test_a_removed_member_gets_nothing_and_gives_nothing(autojump_clock):
    async with network() as net:
        anna, ben, cleo = net.trio_of("anna", "ben", "cleo")
        playlist = anna.create(entries=2)
        key = anna.invite(playlist)
        ben.join(playlist, key)
        cleo.join(playlist, key)
        net.connect(anna, ben)
        net.connect(anna, cleo)
        net.connect(ben, cleo)
        await net.in_sync(playlist)
        before = len(ben.library.records(playlist))
        anna.set_role(playlist, ben, "removed")
        anna.add(playlist, "after the removal")
        await net.until(lambda: "after the removal" in cleo.titles(playlist))
        await net.until(lambda: ben.happened(PlaylistRefused, None))
        ben.add(playlist, "the removed one's")
        await trio.sleep(60)
        assert "after the removal" not in ben.titles(playlist)
        assert len(ben.library.records(playlist)) == before + 1
        assert "the removed one's" not in anna.titles(playlist) + cleo.titles(playlist)
        refusal = ben.happened(PlaylistRefused)[0]
        assert refusal.code == "removed"
        assert refusal.sentence.startswith("the owner removed this device")
        assert ben.share(anna, playlist).state == "refused"
        assert anna.share(ben, playlist).state == "refused"
        assert ben.link(anna).phase == "handshaken"


async def test_a_member_that_is_taken_back_catches_up_on_the_same_link(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = anna.create(entries=2)
        ben.join(playlist, anna.invite(playlist))
        net.connect(anna, ben)
        await net.in_sync(playlist)
        anna.set_role(playlist, ben, "removed")
        await net.until(lambda: ben.happened(PlaylistRefused))
        anna.add(playlist, "meanwhile")
        await trio.sleep(5)
        assert "meanwhile" not in ben.titles(playlist)
        anna.set_role(playlist, ben, "editor")
        await net.in_sync(playlist)
        assert "meanwhile" in ben.titles(playlist)


async def test_a_demoted_members_later_edits_are_refused_without_a_busy_loop(autojump_clock):
    async with network() as net:
        anna, ben, cleo = net.trio_of("anna", "ben", "cleo")
        playlist = anna.create(entries=1)
        key = anna.invite(playlist)
        ben.join(playlist, key)
        cleo.join(playlist, key)
        to_ben = net.connect(anna, ben)
        net.connect(anna, cleo)
        await net.in_sync(playlist)
        to_ben.cut()
        anna.set_role(playlist, ben, "viewer")
        ben.add(playlist, "written while demoted")
        link = net.connect(ben, cleo)
        await net.until(lambda: not cleo.link(anna) or cleo.share(anna, playlist).pending_in == 0)
        await trio.sleep(30)
        frames_before = link.there.sent, link.back.sent
        await trio.sleep(600)
        assert (link.there.sent, link.back.sent) == frames_before
        net.connect(anna, ben)
        await net.in_sync(playlist)
        assert "written while demoted" not in ben.titles(playlist)


async def test_someone_who_knows_no_playlist_of_ours_learns_of_none(autojump_clock):
    async with network() as net:
        anna, stranger = net.trio_of("anna", "stranger")
        anna.create()
        anna.create()
        stranger.create()
        net.connect(anna, stranger)
        await net.until(lambda: anna.link(stranger) and anna.link(stranger).phase == "handshaken")
        await trio.sleep(5)
        assert anna.link(stranger).playlists == []
        assert stranger.link(anna).playlists == []


async def test_leaving_a_playlist_ends_its_sharing_and_nothing_else(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        first, second = anna.create(), anna.create()
        for playlist in (first, second):
            ben.join(playlist, anna.invite(playlist))
        net.connect(anna, ben)
        await net.in_sync(first)
        await net.in_sync(second)
        ben.library.leave(first)
        ben.library.departed(first)
        await net.until(lambda: anna.share(ben, first) is None)
        anna.add(first, "unheard")
        anna.add(second, "heard")
        await net.in_sync(second)
        assert ben.library.playlists() == [second]
