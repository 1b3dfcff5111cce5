"""What the network tells its observer: each step of a connection's life, once, on both sides."""

import time

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from whatnext.errors import NetworkError
from whatnext.identity import Identity
from whatnext.net import Connected, Disconnected, NetConfig, open_network
from whatnext.net.attempts import tell_untried, watched
from whatnext.net.failures import CODES, Failure
from whatnext.net.observing import (
    DialFailed,
    Dialling,
    DialWon,
    HandshakeFailed,
    Identified,
    Muxed,
    Observation,
    Secured,
    StreamOpened,
    to_all,
)

LOCAL = NetConfig(listen=("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"))


def of(kind, told):
    return [each for each in told if isinstance(each, kind)]


def kinds(told):
    return [type(each).__name__ for each in told]


@pytest.mark.parametrize("transport", ["tcp", "ws"])
async def test_a_connection_is_told_step_by_step_on_both_sides(transport, echoing, eventually):
    ours, theirs = [], []
    async with (
        open_network(Identity.generate(), LOCAL, observe=ours.append) as a,
        open_network(Identity.generate(), LOCAL, echoing, observe=theirs.append) as b,
    ):
        [address] = [x for x in b.addresses() if ("/ws" in x) == (transport == "ws")]
        await a.dial(b.peer, [address])
        await eventually(lambda: of(Identified, ours) and of(Identified, theirs))
        async with await a.open_stream(b.peer, ["/test/echo/1.0.0"]) as stream:
            await stream.send_all(b"x")
            await stream.receive_some()
        await a.disconnect(b.peer)
        await eventually(lambda: of(Disconnected, ours) and of(Disconnected, theirs))
        bare = address.removesuffix(f"/p2p/{b.peer}")

    assert kinds(ours)[:5] == ["Dialling", "Secured", "Muxed", "Connected", "DialWon"]
    assert kinds(theirs)[:3] == ["Secured", "Muxed", "Connected"]
    assert not of(Dialling, theirs)
    assert of(Dialling, ours) == [Dialling(b.peer, bare)]
    [won], [secured], [muxed] = of(DialWon, ours), of(Secured, ours), of(Muxed, ours)
    assert (won.address, secured.address, muxed.address) == (bare, bare, bare)
    assert won.took_ms >= secured.took_ms + muxed.took_ms > 0
    assert (secured.direction, muxed.direction, muxed.muxer) == ("out", "out", "yamux")
    assert {each.peer for each in theirs} == {a.peer}
    assert [x.direction for x in of(Secured, theirs) + of(Muxed, theirs) + of(Connected, theirs)] == [
        "in"
    ] * 3
    echoes = [each for each in of(StreamOpened, ours + theirs) if each.protocol == "/test/echo/1.0.0"]
    assert sorted((each.peer, each.direction) for each in echoes) == sorted([(b.peer, "out"), (a.peer, "in")])
    assert "/test/echo/1.0.0" in of(Identified, ours)[0].protocols


async def test_each_attempt_that_fails_is_told_with_its_reason_and_code(dead_port, node, eventually):
    told: list[Observation] = []
    peer = Identity.generate().peer_id
    async with node() as other, open_network(Identity.generate(), LOCAL, observe=told.append) as network:
        refused, wrong = f"/ip4/127.0.0.1/tcp/{dead_port}", other.addresses()[0].partition("/p2p/")[0]
        with pytest.raises(NetworkError):
            await network.dial(peer, [refused, wrong, f"{wrong}/p2p/{other.peer}"])
    failed = {each.address: each for each in of(DialFailed, told)}
    assert {a: f.code for a, f in failed.items()} == {
        refused: "refused",
        wrong: "wrong_peer",
        f"{wrong}/p2p/{other.peer}": "not_tried",
    }
    assert failed[refused].reason == "refused: nothing listens there"
    assert {each.address for each in of(Dialling, told)} == {refused, wrong}
    [handshake] = of(HandshakeFailed, told)
    assert (handshake.peer, handshake.stage, handshake.direction, handshake.code) == (
        peer,
        "noise",
        "out",
        "wrong_peer",
    )


async def test_a_stranger_that_speaks_no_libp2p_is_told_without_a_peer(eventually):
    told: list[Observation] = []
    config = msgspec.structs.replace(LOCAL, handshake_timeout_s=0.3)
    async with open_network(Identity.generate(), config, observe=told.append) as network:
        port = int(network.addresses()[0].split("/")[4])
        async with await trio.open_tcp_stream("127.0.0.1", port) as hanging_up:
            await hanging_up.send_all(b"GET / HTTP/1.1\r\n\r\n")
            await eventually(lambda: of(HandshakeFailed, told))
        async with await trio.open_tcp_stream("127.0.0.1", port):  # says nothing
            await eventually(lambda: len(of(HandshakeFailed, told)) == 2)
    assert [(f.peer, f.direction, f.stage) for f in of(HandshakeFailed, told)] == [(None, "in", "noise")] * 2
    assert of(HandshakeFailed, told)[1].code == "timeout"
    assert {type(each) for each in told} == {HandshakeFailed}


def test_an_attempt_that_ends_well_is_told_as_won():
    told: list[Observation] = []
    with watched("P", "/a", 1.0, told.append):
        assert told == [Dialling("P", "/a")]
    assert kinds(told) == ["Dialling", "DialWon"]


@pytest.mark.parametrize(("waited", "code"), [(0.0, "given_up"), (10.0, "timeout")])
async def test_a_cancelled_attempt_was_given_up_or_timed_out(waited, code, monkeypatch):
    told: list[Observation] = []
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    with trio.CancelScope() as scope, watched("P", "/a", 10.0, told.append):
        now[0] = waited
        scope.cancel()
        await trio.sleep_forever()
    [failed] = of(DialFailed, told)
    assert (failed.code, failed.took_ms) == (code, 1000 * waited)


@given(st.sampled_from([OSError("x"), ValueError(), trio.TooSlowError(), ConnectionRefusedError(111, "no")]))
def test_every_failed_attempt_has_exactly_one_end_and_a_known_code(error):
    told: list[Observation] = []
    with pytest.raises(type(error)), watched("P", "/a", 10.0, told.append):
        raise error
    assert kinds(told) == ["Dialling", "DialFailed"]
    assert told[1].code in CODES


def test_addresses_that_are_not_tried_are_told_all_the_same():
    told: list[Observation] = []
    tell_untried("P", [Failure("/a", "names another peer")], told.append)
    assert told == [DialFailed("P", "/a", "names another peer", "not_tried", 0.0)]


def test_several_observers_hear_in_order():
    heard: list[str] = []
    to_all(lambda _: heard.append("first"), lambda _: heard.append("second"))(Dialling("P", "/a"))
    assert heard == ["first", "second"]
