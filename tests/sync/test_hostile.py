"""Peers that lie, flood or fall silent: what they cost, what they get, and that honest links do not notice."""

from contextlib import suppress

import msgspec
import pytest
import trio
from network import network
from raw import Raw

from whatnext.errors import ConnectionLost
from whatnext.records.codec import SignedRecord, Write
from whatnext.records.invites import InviteKey
from whatnext.records.judge import Head
from whatnext.sync import frames, limits
from whatnext.sync.discipline import OffenceKind
from whatnext.sync.events import LinkEnded, Offence
from whatnext.sync.frames import Ack, AuthorHeads, HeadRow, Heads, Hello, Interest, Join, Records, Refuse


def offences(device):
    return [event.kind for event in device.happened(Offence)]


async def admitted(net, role="editor", entries=2):
    """An honest owner and a hand-driven member of its playlist, linked and past the heads."""
    anna = net.device("anna")
    playlist = anna.create(entries=entries)
    raw = Raw(net, anna)
    anna.set_role(playlist, raw, role)
    heads = await raw.share(playlist)
    return anna, playlist, raw, heads


async def test_a_bad_signature_is_not_stored_and_ends_the_link(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net)
        good = raw.sign(playlist, [anna.entry("forged")])
        before = dict(anna.library.heads(playlist))
        await raw.send(Records(0, [SignedRecord(good.signed.body, b"x" * 64)]))
        refusal = await raw.expect(Refuse)
        assert (refusal.code, refusal.serial) == ("invalid_record", 0)
        goodbye = await raw.read_to_end()
        assert goodbye.code == "offence"
        assert anna.library.heads(playlist) == before
        assert offences(anna) == [OffenceKind.INVALID_RECORD]


async def test_repeated_garbage_blocks_the_peer_for_a_while_that_grows(autojump_clock):
    async with network() as net:
        anna, _, raw, _ = await admitted(net)
        for _ in range(2):
            await raw.end.send_all(b"\xff\xff\xff\xff")
            await raw.read_to_end()
            raw = Raw(net, anna, raw.identity)
        await raw.read_to_end()
        await net.until(lambda: anna.happened(LinkEnded)[-1].code == "blocked")
        first = anna.hub.discipline.blocked_for(raw.peer, trio.current_time())
        assert 50 < first <= 60
        await trio.sleep(61)
        for _ in range(2):
            raw = Raw(net, anna, raw.identity)
            await raw.end.send_all(b"\xff\xff\xff\xff")
            await raw.read_to_end()
        assert anna.hub.discipline.blocked_for(raw.peer, trio.current_time()) > 110


async def test_a_write_without_right_is_refused_by_number_and_the_link_lives(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net, role="viewer")
        wrong = raw.sign(playlist, [anna.entry("a viewer's")])
        await raw.give(wrong, serial=7)
        ack = await raw.expect(Ack)
        assert ack.serial == 7
        assert [(r.author, r.seq, r.code) for r in ack.refused] == [(raw.identity.public_key, 1, "no_right")]
        assert frames.ungroup(ack.authors)[wrong.log] == Head(0, b"")
        assert offences(anna) == [OffenceKind.NO_RIGHT]
        assert "a viewer's" not in anna.titles(playlist)
        assert anna.link(raw).phase == "handshaken"


async def test_forwarding_anothers_write_without_right_is_no_offence(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net)
        other = Raw(net, anna)
        anna.set_role(playlist, other, "viewer")
        await raw.give(other.sign(playlist, [anna.entry()]))
        ack = await raw.expect(Ack)
        assert [r.code for r in ack.refused] == ["no_right"]
        assert offences(anna) == []


async def test_a_replayed_record_changes_nothing_however_often_it_comes(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net)
        record = raw.sign(playlist, [anna.entry("once")])
        await raw.give(record)
        await raw.expect(Ack)
        heads = dict(anna.library.heads(playlist))
        for _ in range(50):
            await raw.give(record)
            assert (await raw.expect(Ack)).refused == []
        assert anna.library.heads(playlist) == heads
        assert anna.titles(playlist).count("once") == 1
        assert anna.link(raw).traffic.duplicates_in == 50


async def test_a_record_of_another_playlist_in_a_batch_is_refused(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net)
        other = anna.create()
        stray = raw.sign(other, [anna.entry("stray")])
        raw.written.clear()
        await raw.give(raw.sign(playlist, [anna.entry("fine")]), stray)
        ack = await raw.expect(Ack)
        assert [row.code for row in ack.refused] == ["wrong_playlist"]
        assert anna.titles(other) == []
        assert "fine" in anna.titles(playlist)


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff\xff", b"\x80\x80\x41", b"\x00", b"\x01\xc1", b"\x02\x91\x63", b"\x03\x91\x07\x07"],
    ids=["endless length", "giant frame", "empty frame", "no msgpack", "unknown message", "wrong fields"],
)
async def test_bytes_that_are_no_frame_end_the_link_with_a_reason(autojump_clock, data):
    async with network() as net:
        anna, _, raw, _ = await admitted(net)
        await raw.end.send_all(data)
        goodbye = await raw.read_to_end()
        assert goodbye.code == "protocol_violation"
        assert goodbye.reason
        assert offences(anna) == [OffenceKind.VIOLATION]


async def test_a_frame_that_is_never_finished_costs_no_more_than_its_limit(autojump_clock):
    async with network() as net:
        anna, _, raw, _ = await admitted(net)
        await raw.end.send_all(b"\xff\xff\x3f" + b"x" * (limits.MAX_FRAME_BYTES - 100))
        await trio.sleep(1)
        session = anna.hub._links[raw.peer].session
        assert session.buffered <= limits.MAX_FRAME_BYTES
        await raw.end.close()
        await net.until(lambda: anna.happened(LinkEnded))
        assert anna.happened(LinkEnded)[0].code == "connection_lost"


async def test_our_own_interest_hashes_echoed_back_match_nothing(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        playlist = anna.create(entries=1)
        raw = Raw(net, anna)
        anna.set_role(playlist, raw, "editor")
        ours = await raw.greet()
        await raw.send(Interest(ours.tags))
        await trio.sleep(5)
        assert anna.link(raw).playlists == []


async def test_interest_hashes_heard_on_another_link_match_nothing(autojump_clock):
    async with network() as net:
        anna, ben = net.trio_of("anna", "ben")
        playlist = anna.create(entries=1)
        ben.join(playlist, anna.invite(playlist))
        spy = Raw(net, ben)
        heard = await spy.greet()
        raw = Raw(net, anna, spy.identity)
        await raw.greet()
        await raw.send(Interest(heard.tags))
        await trio.sleep(5)
        assert anna.link(raw).playlists == []


async def test_whoever_has_not_shown_a_playlist_is_answered_as_if_it_were_not_here(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        playlist = anna.create(entries=1)
        raw = Raw(net, anna)
        anna.set_role(playlist, raw, "editor")
        await raw.greet()
        record = raw.sign(playlist, [anna.entry()])
        for asked in (playlist, b"n" * 20):
            await raw.send(Join(asked, record.signed))
            assert (await raw.expect(Refuse)).code == "not_here"
        await raw.give(record)
        refusal = await raw.expect(Refuse)
        assert (refusal.code, refusal.serial) == ("not_here", 0)


async def test_an_answer_to_no_batch_is_a_violation(autojump_clock):
    async with network() as net:
        _, _, raw, _ = await admitted(net)
        await raw.send(Ack(5, [], []))
        assert (await raw.read_to_end()).code == "protocol_violation"


async def test_a_peer_that_takes_nothing_is_sent_each_batch_once(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net, entries=30)
        await raw.send(Heads(playlist, [], partial=False, more=False))
        batch = await raw.expect(Records)
        authors = [AuthorHeads(anna.identity.public_key, [HeadRow(anna.library.database.epoch, 0, b"")])]
        await raw.send(Ack(batch.serial, authors, []))
        await trio.sleep(300)
        anna.add(playlist)
        await trio.sleep(300)
        assert anna.link(raw).traffic.records_out == len(batch.records)
        assert anna.link(raw).phase == "handshaken"


async def test_acks_that_go_back_and_forth_do_not_make_us_send_forever(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net, entries=30)
        log = anna.library.database.epoch
        await raw.send(Heads(playlist, [], partial=False, more=False))
        batches = 0
        with trio.move_on_after(50):
            while True:
                batch = await raw.expect(Records)
                batches += 1
                row = HeadRow(log, batches % 3, bytes([batches % 256]) * 32)
                await raw.send(Ack(batch.serial, [AuthorHeads(anna.identity.public_key, [row])], []))
        assert batches <= 2


async def test_heads_that_go_back_and_forth_end_the_link(autojump_clock):
    async with network() as net:
        anna, playlist, raw, told = await admitted(net, entries=30)
        with suppress(ConnectionLost):
            for _ in range(200):
                await raw.send(Heads(playlist, told.authors, partial=False, more=False))
                await raw.send(Heads(playlist, [], partial=False, more=False))
                batch = await raw.expect(Records)
                await raw.send(Ack(batch.serial, [], []))
        assert set(offences(anna)) == {OffenceKind.REWIND}
        assert anna.happened(LinkEnded)[-1].code == "offence"
        assert len(offences(anna)) <= 60


async def test_a_peer_that_never_says_hello_is_let_go_after_ten_seconds(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        raw = Raw(net, anna)
        await trio.sleep(9.9)
        assert anna.link(raw).phase == "connected"
        goodbye = await raw.read_to_end()
        assert goodbye.code == "timeout"
        assert trio.current_time() == pytest.approx(limits.HELLO_TIMEOUT_S, abs=0.1)


async def test_a_peer_that_never_acks_is_let_go_after_thirty_seconds(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net)
        await raw.send(Heads(playlist, [], partial=False, more=False))
        await raw.expect(Records)
        begun = trio.current_time()
        goodbye = await raw.read_to_end()
        assert goodbye.code == "timeout"
        assert trio.current_time() - begun == pytest.approx(limits.ANSWER_TIMEOUT_S, abs=0.1)
        assert anna.happened(LinkEnded)[0].reason == "the peer did not confirm a batch within 30 s"


async def test_messages_before_hello_and_a_second_hello_are_violations(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        raw = Raw(net, anna)
        await raw.send(Interest([]))
        assert (await raw.read_to_end()).reason == "interest while connected"
        raw = Raw(net, anna)
        await raw.greet()
        await raw.send(Hello("raw/1", "Raw", [], b"y" * 16, 0))
        assert (await raw.read_to_end()).reason == "hello while handshaken"


async def test_our_own_nonce_sent_back_is_a_violation(autojump_clock):
    async with network() as net:
        raw = Raw(net, net.device("anna"))
        hello = await raw.expect(Hello)
        await raw.send(msgspec.structs.replace(hello, name="mirror"))
        assert (await raw.read_to_end()).code == "protocol_violation"


async def test_a_flood_of_frames_is_read_slowly_and_other_links_stay_quick(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net)
        ben = net.device("ben")
        ben.join(playlist, anna.invite(playlist))
        net.connect(anna, ben)
        await net.in_sync(playlist, anna, ben)
        started = anna.link(raw).traffic.frames_in
        one = frames.encode(Refuse(playlist, "not_here", ""))
        net.spawn(raw.repeat, one * 1000)
        begun = trio.current_time()
        await trio.sleep(10)
        anna.add(playlist, "through the flood")
        await net.until(lambda: "through the flood" in ben.titles(playlist), within=1)
        seconds = trio.current_time() - begun
        taken = anna.link(raw).traffic.frames_in - started
        # One read may hold a whole burst: what is allowed, and what one read of 64 KiB brings.
        allowed = limits.COST_BURST + seconds * limits.COST_PER_S + 65536 / len(one)
        assert 1000 < taken <= allowed


async def test_a_flood_of_interests_is_an_offence(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        raw = Raw(net, anna)
        await raw.greet()
        for _ in range(60):
            await raw.send(Interest([]))
        await raw.read_to_end()
        assert OffenceKind.FLOOD in offences(anna)


async def test_endless_attempts_to_join_are_cut_off(autojump_clock):
    async with network() as net:
        anna = net.device("anna")
        playlist = anna.create(entries=1)
        raw = Raw(net, anna)
        anna.invite(playlist)
        await raw.greet(playlist)
        codes = []
        for number in range(30):
            secret = InviteKey(bytes([number]) * 32)
            proof = secret.prove(playlist, raw.identity.public_key)
            admission = raw.sign(
                playlist, [Write("members", raw.peer, {"invite": secret.id, "proof": proof})], seq=1
            )
            with suppress(ConnectionLost):
                await raw.send(Join(playlist, admission.signed))
                codes.append((await raw.expect(Refuse)).code)
        assert codes[:20] == ["unknown_invite"] * 20
        assert "too_many" in codes
        assert anna.happened(LinkEnded)[0].code == "offence"
        assert anna.library.standing(playlist, raw.peer) is None


async def test_a_reader_that_stops_reading_costs_bounded_memory_and_is_let_go(autojump_clock):
    async with network() as net:
        anna, playlist, raw, _ = await admitted(net, entries=3000)
        session = anna.hub._links[raw.peer].session
        await raw.send(Heads(playlist, [], partial=False, more=False))
        record = raw.sign(playlist, [anna.entry()])
        worst = 0
        net.spawn(raw.repeat, frames.encode(Records(0, [record.signed])) * 100)
        for _ in range(100):
            anna.add(playlist)
            await trio.sleep(0.2)
            worst = max(worst, session.buffered)
        assert worst <= limits.OUTBOX_BYTES + limits.MAX_FRAME_BYTES
        assert raw.cable.back.most_under_way <= raw.cable.back.window
        await net.until(lambda: anna.happened(LinkEnded))
        assert anna.happened(LinkEnded)[0].code == "stalled"
