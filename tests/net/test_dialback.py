"""Dial-back: what a server dials for whom, hostile messages, and two real nodes."""

import ipaddress
import socket

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from whatnext.errors import ConnectionLost, ProtocolViolation, VersionMismatch
from whatnext.identity import Identity
from whatnext.net import dialback
from whatnext.net.dialback import (
    PROTOCOL,
    Answer,
    DialbackServer,
    Dialled,
    Outcome,
    Refusal,
    ask,
    messages,
    server,
    wishes,
)
from whatnext.net.dialback.knocking import Knocker
from whatnext.net.dialback.policy import ALL_BURST, EACH_BURST, EACH_S, MAX_IPS, Allowance, seen_ip, target
from whatnext.net.dialback.server import EACH_AT_ONCE
from whatnext.net.framing import framed, read_message
from whatnext.net.streams import Stream

HOME = ipaddress.ip_address("198.51.100.7")
V6 = ipaddress.ip_address("2001:db8::7")


# What a server dials


@pytest.mark.parametrize(
    ("wish", "dialled"),
    [
        ("/ip4/198.51.100.7/tcp/4001", "/ip4/198.51.100.7/tcp/4001"),
        ("/ip4/0.0.0.0/tcp/4001/ws", "/ip4/198.51.100.7/tcp/4001/ws"),
        ("/ip4/198.51.100.8/tcp/4001", None),
        ("/ip4/127.0.0.1/tcp/22", None),
        ("/ip4/198.51.100.7/tcp/0", None),
        ("/ip4/198.51.100.7/tcp/65536", None),
        ("/ip4/198.51.100.7/udp/4001/quic-v1", None),
        ("/dns4/example.org/tcp/4001", None),
        ("/ip4/198.51.100.7/tcp/4001/p2p/12D3KooWx/p2p-circuit", None),
        ("/ip6/::/tcp/4001", None),
        ("/ip4/198.51.100.7/tcp/4001\n", None),
        ("/ip4/0198.51.100.7/tcp/1", None),
        ("", None),
    ],
)
def test_only_the_ip_the_asker_is_seen_at_is_dialled(wish, dialled):
    assert target(HOME, wish) == dialled


def test_ipv6_is_dialled_for_who_is_seen_there():
    assert target(V6, "/ip6/::/tcp/4001") == "/ip6/2001:db8::7/tcp/4001"
    assert target(V6, "/ip6/2001:DB8::7/tcp/4001") == "/ip6/2001:db8::7/tcp/4001"
    assert target(V6, "/ip4/0.0.0.0/tcp/4001") is None


@given(st.text(max_size=60) | st.from_regex(r"/ip[46]/[0-9a-f:.]{1,20}/tcp/[0-9]{1,6}(/ws)?", fullmatch=True))
def test_whatever_is_wished_nobody_else_is_dialled(wish):
    found = target(HOME, wish)
    assert found is None or found.startswith("/ip4/198.51.100.7/tcp/")


@pytest.mark.parametrize(
    ("observed", "ip"),
    [
        ("/ip4/198.51.100.7/tcp/51000", "198.51.100.7"),
        ("/ip4/192.168.1.7/tcp/51000/ws", "192.168.1.7"),
        ("/ip4/198.51.100.7/udp/4001/quic-v1", "198.51.100.7"),
        ("/ip6/::ffff:198.51.100.7/tcp/51000", "198.51.100.7"),
        ("/ip4/198.51.100.7/tcp/4001/p2p/12D3KooWx/p2p-circuit", None),  # that IP is the relay's
        ("/ip4/127.0.0.1/tcp/51000/ws", None),  # a reverse proxy stands before us
        ("/ip6/::1/tcp/51000", None),
        ("/ip6/fe80::1/tcp/51000", None),
        ("/ip4/0.0.0.0/tcp/1", None),
        ("/dns4/example.org/tcp/1", None),
        ("", None),
    ],
)
def test_who_comes_through_a_relay_or_from_this_device_is_not_dialled_at_all(observed, ip):
    found = seen_ip(observed)
    assert (None if found is None else str(found)) == ip


def test_one_ip_may_ask_a_few_times_and_then_now_and_then():
    allowance = Allowance(0.0)
    assert [allowance.take(HOME, 0.0) for _ in range(EACH_BURST + 1)] == [Refusal.NONE] * EACH_BURST + [
        Refusal.TOO_OFTEN
    ]
    assert allowance.take(HOME, EACH_S + 0.01) is Refusal.NONE
    household = ipaddress.ip_address("2001:db8::1:2:3:4"), ipaddress.ip_address("2001:db8::4:3:2:1")
    answers = [allowance.take(each, 0.0) for each in household for _ in range(EACH_BURST)]
    assert Refusal.TOO_OFTEN in answers


def test_all_together_are_bounded_and_a_crowd_costs_no_memory():
    allowance = Allowance(0.0)
    crowd = [ipaddress.ip_address(0x0A000000 + at) for at in range(3 * MAX_IPS)]
    answers = [allowance.take(each, 0.0) for each in crowd]
    assert answers.count(Refusal.NONE) == ALL_BURST
    assert len(allowance._each) == MAX_IPS


# Messages


@given(st.binary(max_size=200))
def test_garbage_is_a_violation_never_anything_else(payload):
    for decode in (messages.decode_question, messages.decode_answer):
        try:
            decode(payload)
        except ProtocolViolation:
            continue


@given(st.lists(st.text(max_size=40), max_size=8))
def test_what_is_encoded_is_decoded_and_later_elements_are_ignored(addresses):
    question = messages.Question(addresses)
    assert messages.decode_question(messages.encode(question)) == question
    longer = msgspec.msgpack.encode([addresses, "from a later version"])
    assert messages.decode_question(longer) == question


@pytest.mark.parametrize("payload", [["/a"] * 9, ["/" + "a" * 300]])
def test_too_many_or_too_long_addresses_are_a_violation(payload):
    with pytest.raises(ProtocolViolation):
        messages.decode_question(msgspec.msgpack.encode([payload]))


def test_deep_nesting_is_a_violation():
    with pytest.raises(ProtocolViolation):
        messages.decode_answer(b"\x93" + b"\x91" * 4000)


def test_every_port_of_ours_is_asked_for_where_we_are_seen_and_public_addresses_as_they_are():
    announced = [
        "/ip4/192.168.1.7/tcp/4001/p2p/A", "/ip4/192.168.1.7/tcp/4002/ws", "/ip4/10.8.0.2/tcp/4001",
        "/ip4/198.51.100.7/tcp/4001", "/ip4/198.51.100.7/udp/4001/quic-v1",
        "/ip4/203.0.113.1/tcp/1/p2p/R/p2p-circuit", "/ip6/2001:db8::7/tcp/4001",
    ]  # fmt: skip
    asked = wishes(announced)
    assert asked[:3] == ["/ip4/0.0.0.0/tcp/4001", "/ip4/0.0.0.0/tcp/4002/ws", "/ip6/::/tcp/4001"]
    assert set(asked[3:]) <= {"/ip4/198.51.100.7/tcp/4001", "/ip6/2001:db8::7/tcp/4001"}
    assert len(wishes([f"/ip4/192.168.1.7/tcp/{port}" for port in range(1, 99)])) == messages.MAX_ADDRESSES


# Two nodes


async def answered(stream) -> bytes:
    """What came before the end or the reset."""
    try:
        return await stream.receive_some()
    except ConnectionLost:
        return b""


@pytest.mark.real
async def test_a_server_tells_what_it_reaches_and_where_it_sees_the_asker(node, dead_port):
    async with node() as asker, node() as serving:
        DialbackServer(serving, loopback=True)
        await asker.dial(serving.peer, serving.addresses())
        wanted = [*wishes(asker.addresses()), f"/ip4/0.0.0.0/tcp/{dead_port}", "/ip4/192.0.2.1/tcp/1"]
        answer = await ask(asker, serving.peer, wanted)
        assert answer.observed == serving.connections()[0].address
        outcomes = {each.address: each.outcome for each in answer.dialled}
        own = [address.rpartition("/p2p/")[0] for address in asker.addresses()]
        assert {outcomes.pop(address) for address in own} == {Outcome.REACHED}
        assert outcomes == {
            f"/ip4/127.0.0.1/tcp/{dead_port}": Outcome.FAILED,
            "/ip4/192.0.2.1/tcp/1": Outcome.SKIPPED,
        }
        assert len(asker.connections()) == len(serving.connections()) == 1


@pytest.mark.real
async def test_another_peer_at_the_address_is_not_the_asker(node):
    async with node() as somebody:
        address = somebody.addresses()[0].rpartition("/p2p/")[0]
        knocker = Knocker()
        assert await knocker.reaches(somebody.peer, address, 5)
        assert not await knocker.reaches(Identity.generate().peer_id, address, 5)


@pytest.mark.real
async def test_something_that_says_nothing_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"/ip4/127.0.0.1/tcp/{mute.getsockname()[1]}"
        began = trio.current_time()
        assert not await Knocker().reaches(Identity.generate().peer_id, address, 0.3)
        assert trio.current_time() - began < 2


@pytest.mark.real
async def test_loopback_is_refused_by_a_server_as_users_have_it(node):
    async with node() as asker, node() as serving:
        DialbackServer(serving)
        await asker.dial(serving.peer, serving.addresses())
        assert await ask(asker, serving.peer, wishes(asker.addresses())) == Answer("", [], Refusal.UNSEEN)


@pytest.mark.real
async def test_asking_in_a_hurry_is_refused_and_a_peer_without_the_protocol_is_told_apart(node):
    async with node() as asker, node() as serving, node() as older:
        DialbackServer(serving, loopback=True)
        await asker.dial(serving.peer, serving.addresses())
        refusals = [(await ask(asker, serving.peer, [])).refusal for _ in range(EACH_BURST + 1)]
        assert refusals[-1] is Refusal.TOO_OFTEN
        await asker.dial(older.peer, older.addresses())
        with pytest.raises(VersionMismatch):
            await ask(asker, older.peer, [])


@pytest.mark.real
@pytest.mark.parametrize(
    "said", [b"", b"\x05hello", b"\xff\xff\xff\xff\x7f", framed(msgspec.msgpack.encode([1, 2]))]
)
async def test_a_server_survives_whatever_it_is_asked(node, said, caplog):
    async with node() as asker, node() as serving:
        DialbackServer(serving, loopback=True)
        await asker.dial(serving.peer, serving.addresses())
        stream = await asker.open_stream(serving.peer, [PROTOCOL])
        await stream.send_all(said)
        await stream.close()
        assert await answered(stream) == b""
        assert (await ask(asker, serving.peer, [])).refusal is Refusal.NONE
        assert not [each for each in caplog.records if each.levelname == "ERROR"]


@pytest.mark.real
async def test_no_more_than_some_questions_are_served_at_once(node, monkeypatch):
    monkeypatch.setattr(server, "MAX_AT_ONCE", 0)
    async with node() as asker, node() as serving:
        DialbackServer(serving, loopback=True)
        await asker.dial(serving.peer, serving.addresses())
        assert (await ask(asker, serving.peer, [])).refusal is Refusal.BUSY


async def open_silently(asker, serving, times):
    """Begin questions and ask nothing; the streams."""
    await asker.dial(serving.peer, serving.addresses())
    return [await asker.open_stream(serving.peer, [PROTOCOL]) for _ in range(times)]


@pytest.mark.real
async def test_one_address_that_asks_slowly_leaves_room_for_another(node, monkeypatch, eventually):
    async with node() as slow, node() as slow_too, node() as other, node() as serving:
        # All are on one machine: they are told apart by the loopback address each is seen at.
        seen = {peer.peer: f"/ip4/127.0.0.{n}/tcp/1" for peer, n in ((slow, 2), (slow_too, 2), (other, 3))}
        monkeypatch.setattr(Stream, "address", property(lambda stream: seen.get(stream.peer, "")))
        served = DialbackServer(serving, loopback=True)
        silent = [*await open_silently(slow, serving, 6), *await open_silently(slow_too, serving, 6)]
        refused = []

        async def listen(stream):
            try:
                answer = messages.decode_answer(await read_message(stream, messages.MAX_MESSAGE))
            except ConnectionLost:
                return
            refused.append(answer.refusal)

        async with trio.open_nursery() as nursery:
            for stream in silent:
                nursery.start_soon(listen, stream)
            await eventually(lambda: len(refused) == 12 - EACH_AT_ONCE)
            await other.dial(serving.peer, serving.addresses())
            assert (await ask(other, serving.peer, [])).refusal is Refusal.NONE
            assert set(refused) == {Refusal.BUSY}
            for stream in silent:
                await stream.reset()
        await eventually(lambda: not served._at_once)
        assert (await ask(slow, serving.peer, [])).refusal is Refusal.NONE


@pytest.mark.real
async def test_an_answer_about_addresses_nobody_asked_for_is_made_up(node):
    async def lying(stream):
        await stream.send_all(
            framed(
                messages.encode(
                    Answer("/ip4/198.51.100.7/tcp/5", [Dialled("/ip4/192.0.2.9/tcp/1", Outcome.REACHED)])
                )
            )
        )

    async with node() as asker, node({dialback.PROTOCOL: lying}) as liar:
        await asker.dial(liar.peer, liar.addresses())
        with pytest.raises(ProtocolViolation, match="nobody asked"):
            await ask(asker, liar.peer, ["/ip4/0.0.0.0/tcp/1"])
