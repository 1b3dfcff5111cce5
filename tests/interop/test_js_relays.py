"""Through our relay and through js-libp2p's, from either to either: all eight ways work, and bytes arrive whole."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from js_peer import JsPeer, Refused, js_peer
from meeting import ECHO, echo

from whatnext.bench.main import run
from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.net.addresses import peer_in

pytestmark = pytest.mark.real

BYTES = 48 * 1024
"""There and back, and below the 128 KiB that js-libp2p's relay allows."""
TCP = "/ip4/127.0.0.1/tcp/0"
BOTH = ("whatnext", "js")


@pytest.fixture(scope="module")
def our_relay(tmp_path_factory) -> Iterator[str]:
    """Address of `whatnext relay`, a process of its own: the js peers are waited for while this one's loop stands."""
    profile = str(tmp_path_factory.mktemp("relay"))
    words = ["relay", "--json", "--profile", profile, "--ops-port", "0", "--listen", TCP]
    with subprocess.Popen(
        [sys.executable, "-m", "whatnext", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield json.loads(process.stdout.readline())["addresses"][0]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def relays(our_relay) -> Iterator[dict[str, str]]:
    """Address of a relay of each kind."""
    with js_peer(listen=[TCP], relays={}) as js:
        yield {"whatnext": our_relay, "js": js.address("tcp")}


@pytest.fixture(scope="module")
def js_listeners(relays) -> Iterator[dict[str, JsPeer]]:
    """A js peer that waits at each relay."""
    settings = {"transports": ["tcp", "relay"]}
    with (
        js_peer(listen=[f"{relays['whatnext']}/p2p-circuit"], **settings) as ours,
        js_peer(listen=[f"{relays['js']}/p2p-circuit"], **settings) as theirs,
    ):
        yield {"whatnext": ours, "js": theirs}


@pytest.fixture(scope="module")
def js_dialler() -> Iterator[JsPeer]:
    """A js peer that listens nowhere."""
    with js_peer(listen=[], transports=["tcp", "relay"]) as peer:
        yield peer


def user():
    """One of us that listens nowhere, so that the relay is the only way."""
    return open_network(Identity.generate(), NetConfig(listen=()), {ECHO: echo})


async def echoed(network, peer):
    data, got = bytes(range(256)) * (BYTES // 256), b""
    async with await network.open_stream(peer, [ECHO]) as stream:
        await stream.send_all(data)
        while len(got) < len(data):
            got += await stream.receive_some()
    return got == data


@pytest.mark.parametrize("relay", BOTH)
async def test_we_call_ourselves(relays, relay):
    address = relays[relay]
    async with user() as anna, user() as ben:
        await anna.circuits.reserve(peer_in(address), [address])
        made = await ben.dial(anna.peer, [f"{address}/p2p-circuit"])
        assert made.path == "relay"
        assert await echoed(ben, anna.peer)


@pytest.mark.parametrize("relay", BOTH)
async def test_we_call_js(relays, js_listeners, relay):
    target = js_listeners[relay]
    assert any("/p2p-circuit" in address for address in target.addresses)
    async with user() as ben:
        made = await ben.dial(target.peer, [f"{relays[relay]}/p2p-circuit"])
        assert made.path == "relay"
        assert await echoed(ben, target.peer)


@pytest.mark.parametrize("relay", BOTH)
async def test_js_calls_us(relays, js_dialler, relay):
    address = relays[relay]
    async with user() as anna:
        await anna.circuits.reserve(peer_in(address), [address])
        made = await js_dialler.get("dial", address=f"{address}/p2p-circuit/p2p/{anna.peer}")
        assert (made["peer"], made["encryption"]) == (anna.peer, "/noise")
        told = await js_dialler.get("echo", peer=anna.peer, bytes=BYTES)
        assert told == {"bytes": BYTES, "same": True}


@pytest.mark.parametrize("relay", BOTH)
async def test_js_calls_js(relays, js_listeners, js_dialler, relay):
    target = js_listeners[relay]
    await js_dialler.get("dial", address=f"{relays[relay]}/p2p-circuit/p2p/{target.peer}")
    told = await js_dialler.get("echo", peer=target.peer, bytes=BYTES)
    assert told == {"bytes": BYTES, "same": True}


async def test_js_is_told_when_nobody_waits_at_our_relay(our_relay, js_dialler):
    absent = Identity.generate().peer_id
    with pytest.raises(Refused, match="NO_RESERVATION"):
        await js_dialler.get("dial", address=f"{our_relay}/p2p-circuit/p2p/{absent}")


@pytest.mark.soak
def test_the_way_through_our_relay_compares_with_the_way_through_js_and_none(capsys):
    with js_peer(listen=[TCP], relays={"applyDefaultLimit": False}) as js:
        words = ["relay", "--clients", "2", "--circuits", "1", "--seconds", "5", "--other", js.address("tcp")]
        assert run(words) == 0
    out = capsys.readouterr().out
    print(out)
    report = json.loads(out)
    assert 0 < report["direct_rtt_p50_ms"] < report["relay_rtt_p50_ms"] < 50
    assert report["other_mib_s"] > 0
