"""Friends that introduce friends: what is answered to whom, and what of an answer is believed."""

import contextlib

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.net.finding import introductions
from whatnext.net.finding.introductions import (
    BURST,
    MAX_ANSWER,
    PROTOCOL,
    Answer,
    Introducer,
    Question,
    ThroughFriends,
)
from whatnext.net.framing import framed, read_message
from whatnext.net.identify.host import MAX_REMEMBERED, IdentifyingHost
from whatnext.net.identify.messages import About
from whatnext.net.peer_records import MAX_BYTES, seal
from whatnext.net.standing import Standing

pytestmark = pytest.mark.real

ADDRESS, OLD = "/ip4/192.0.2.9/tcp/4001", "/ip4/192.0.2.1/tcp/4001"
LOCAL = NetConfig(listen=("/ip4/127.0.0.1/tcp/0",))


def bare(network):
    return [address.rpartition("/p2p/")[0] for address in network.addresses()]


def asking(network, *friends):
    return ThroughFriends(network, lambda peer: [friend.peer for friend in friends])


async def test_a_friend_of_both_tells_where_the_third_one_is(node, eventually):
    async with node() as common, node() as anna, node() as ben:
        asked = []
        Introducer(common, lambda one, other: asked.append((one, other)) or True)
        for network in (anna, ben):
            await network.dial(common.peer, common.addresses())
        await eventually(lambda: common.record_of(ben.peer))
        found = await asking(anna, common).find(ben.peer)
        assert set(found) == set(bare(ben))
        assert asked == [(anna.peer, ben.peer)]
        assert (await anna.dial(ben.peer, found)).peer == ben.peer
        absent = Identity.generate().peer_id
        assert await asking(anna, common).find(absent) == ()


async def test_whose_business_it_is_not_hears_what_he_hears_of_a_peer_nobody_knows(node, eventually):
    async with node() as common, node() as anna, node() as ben:
        Introducer(common, lambda one, other: False)
        for network in (anna, ben):
            await network.dial(common.peer, common.addresses())
        await eventually(lambda: common.record_of(ben.peer))
        answers = []
        for peer in (ben.peer, Identity.generate().peer_id):
            async with await anna.open_stream(common.peer, [PROTOCOL]) as stream:
                await stream.send_all(framed(msgspec.msgpack.encode(Question(peer))))
                answers.append(await read_message(stream, MAX_ANSWER))
        assert answers == [msgspec.msgpack.encode(Answer(b""))] * 2


async def test_who_asks_in_a_hurry_hears_nothing_any_more(node, eventually, monkeypatch):
    monkeypatch.setattr(introductions, "PER_S", 0.001)
    async with node() as common, node() as anna, node() as ben:
        Introducer(common, lambda one, other: True)
        for network in (anna, ben):
            await network.dial(common.peer, common.addresses())
        await eventually(lambda: common.record_of(ben.peer))
        found = [await asking(anna, common).find(ben.peer) for _ in range(BURST + 1)]
        assert all(found[:-1])
        assert found[-1] == ()


def telling(*sealed):
    """A handler that answers each question with the next of these records."""
    waiting = list(sealed)

    async def tell(stream):
        await read_message(stream, 128)
        await stream.send_all(framed(msgspec.msgpack.encode(Answer(waiting.pop(0)))))

    return tell


async def test_the_newest_of_the_peers_own_records_counts_and_no_other(node):
    ben, mallory = Identity.generate(), Identity.generate()
    old, new = (seal(ben.peer_id, ben.sign, [at], seq).sealed for seq, at in ((1, OLD), (2, ADDRESS)))
    another = seal(mallory.peer_id, mallory.sign, [OLD], 3).sealed
    forged = seal(ben.peer_id, mallory.sign, [OLD], 4).sealed
    liars = [{PROTOCOL: telling(told)} for told in (another, forged, old)]
    async with node(liars[0]) as a, node(liars[1]) as b, node(liars[2]) as c, node() as anna:
        honest = {PROTOCOL: telling(new)}
        async with node(honest) as d:
            for friend in (a, b, c, d):
                await anna.dial(friend.peer, friend.addresses())
            assert await asking(anna, a, b, c, d).find(ben.peer_id) == (ADDRESS,)


async def test_friends_that_are_silent_or_older_or_gone_are_not_waited_for_long(node, monkeypatch):
    monkeypatch.setattr(introductions, "ANSWER_S", 0.3)
    peer = Identity.generate().peer_id

    async def silent(stream):
        await trio.sleep_forever()

    async with node({PROTOCOL: silent}) as mute, node() as older, node() as gone, node() as anna:
        for friend in (mute, older):
            await anna.dial(friend.peer, friend.addresses())
        with trio.fail_after(5):
            assert await asking(anna, mute, older, gone).find(peer) == ()


@pytest.mark.parametrize("said", [b"", b"\x05hello", b"\xff\xff\xff\xff\x7f", framed(b"\x91" * 100)])
async def test_nonsense_ends_its_stream_and_nothing_else(node, eventually, caplog, said):
    async with node() as common, node() as anna:
        Introducer(common, lambda one, other: True)
        await anna.dial(common.peer, common.addresses())
        stream = await anna.open_stream(common.peer, [PROTOCOL])
        await stream.send_all(said)
        await stream.close()
        with pytest.raises(ConnectionLost):
            await read_message(stream, MAX_ANSWER)
        assert await asking(anna, common).find(anna.peer) != ()
        assert not [each for each in caplog.records if each.levelname == "ERROR"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_violation(body):
    for kind in (Question, Answer):
        with contextlib.suppress(ProtocolViolation):
            assert isinstance(introductions._decoded(body, kind), kind)


async def test_records_are_kept_of_the_newest_peers_and_none_that_is_too_long(node):
    async with node() as anna:
        host = anna.host
        assert isinstance(host, IdentifyingHost)
        about = About(agent="", public_key=b"", protocols=(), addresses=(), observed="", record=b"x")
        peers = [Identity.generate().peer_id for _ in range(MAX_REMEMBERED + 1)]
        for peer in peers:
            await host.learn(peer, about)
        assert list(host.records) == peers[1:]
        await host.learn(peers[0], msgspec.structs.replace(about, record=b"x" * (MAX_BYTES + 1)))
        assert anna.record_of(peers[0]) == b""


async def test_strangers_by_the_hundred_push_out_each_others_records_and_none_of_a_friend():
    friend, met = Identity.generate().peer_id, Identity.generate().peer_id
    standings = {friend: Standing.MEMBER, met: Standing.KNOWN}

    def judge(peer):
        return standings.get(peer, Standing.STRANGER)

    about = About(agent="a", public_key=b"", protocols=(), addresses=(), observed="", record=b"x")
    async with open_network(Identity.generate(), LOCAL, standing=judge) as anna:
        for peer in (met, friend):
            await anna.host.learn(peer, about)
        strangers = [Identity.generate().peer_id for _ in range(MAX_REMEMBERED)]
        for peer in strangers:
            await anna.host.learn(peer, about)
        assert list(anna.host.records) == list(anna.host.agents) == [met, friend, *strangers[2:]]
        standings |= dict.fromkeys(strangers, Standing.MEMBER)
        await anna.host.learn(strangers[0], about)
        assert not anna.record_of(met)
        await anna.host.learn(met, about)
        assert not anna.record_of(met)
        assert anna.record_of(friend)
