"""js-libp2p 3 and this node: each dials the other, over every transport that both have."""

import pytest
import trio
from js_peer import JsPeer, Refused
from meeting import ECHO, WAYS, eventually, ours

from whatnext.errors import VersionMismatch
from whatnext.net import Disconnected, Network
from whatnext.net.addresses import transport_of
from whatnext.sync import PROTOCOLS

pytestmark = pytest.mark.real

SECURED = {
    "tcp": ("/noise", "/yamux/1.0.0"),
    "ws": ("/noise", "/yamux/1.0.0"),
    "quic-v1": ("native", "quic"),
    "webrtc-direct": ("native", "/webrtc"),
}
"""What js-libp2p says of encryption and streams."""


async def they_get_on(network: Network, js: JsPeer) -> None:
    """Ping, identify and a megabyte, both ways, on the connection there is."""
    ask = js.get
    assert 0 < await network.ping(js.peer) < 2
    assert await ask("ping", peer=network.peer) >= 0
    told = await ask("identify", peer=network.peer)
    assert {ECHO, *PROTOCOLS, "/ipfs/ping/1.0.0"} <= set(told["protocols"])
    assert {a.partition("/p2p/")[0] for a in network.addresses()} <= set(told["listening"])
    assert told["agent"].startswith("whatnext/")
    assert told["observed"].startswith("/ip4/127.0.0.1/")
    assert transport_of(told["observed"]) == network.connections()[0].transport
    await eventually(lambda: network.addresses_of(js.peer))
    assert set(network.addresses_of(js.peer)) == {a.partition("/p2p/")[0] for a in js.addresses}
    assert await ask("echo", peer=network.peer, bytes=1 << 20) == {"bytes": 1 << 20, "same": True}
    assert await echoed(network, js.peer, 1 << 20)


async def echoed(network: Network, peer: str, size: int) -> bool:
    data, got = bytes(range(256)) * (size // 256), bytearray()
    stream = await network.open_stream(peer, [ECHO])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, data)
        while len(got) < size:
            got += await stream.receive_some()
    await stream.close()
    return got == data


@pytest.mark.parametrize("transport", WAYS)
async def test_we_dial_js_and_ping_identify_and_bytes_go_both_ways(js, transport):
    async with ours(transport) as network:
        made = await network.dial(js.peer, [js.address(transport)])
        assert (made.transport, made.direction) == (transport, "out")
        await they_get_on(network, js)


@pytest.mark.parametrize("transport", WAYS)
async def test_js_dials_us_and_ping_identify_and_bytes_go_both_ways(js, transport):
    js.address(transport)  # skips where js has none
    async with ours(transport) as network:
        made = await js.get("dial", address=network.addresses()[0])
        assert made["peer"] == network.peer
        assert (made["encryption"], made["muxer"]) == SECURED[transport]
        await eventually(network.connections)
        assert [(c.peer, c.direction, c.transport) for c in network.connections()] == [
            (js.peer, "in", transport)
        ]
        await they_get_on(network, js)


@pytest.mark.parametrize("transport", ["tcp", "ws"])
@pytest.mark.parametrize("we_dial", [True, False])
async def test_js_without_yamux_gets_on_with_us_over_mplex(old_js, transport, we_dial):
    async with ours(transport) as network:
        if we_dial:
            await network.dial(old_js.peer, [old_js.address(transport)])
        else:
            await old_js.get("dial", address=network.addresses()[0])
            await eventually(network.connections)
        mine = [c for c in await old_js.get("connections") if c["peer"] == network.peer]
        assert [c["muxer"] for c in mine] == ["/mplex/6.7.0"]
        await they_get_on(network, old_js)


async def test_a_peer_with_a_newer_sync_or_without_one_is_explained_in_a_sentence(js):
    async with ours() as network:
        await network.dial(js.peer, [js.address("tcp")])
        with pytest.raises(
            VersionMismatch, match=r"speaks /whatnext/sync/2\.x, this app 1\.x: update WhatNext$"
        ):
            await network.open_stream(js.peer, PROTOCOLS)
        with pytest.raises(VersionMismatch, match=r"does not speak /whatnext/rxdb: is it a WhatNext peer\?$"):
            await network.open_stream(js.peer, ["/whatnext/rxdb/1.0.0"])
        assert await network.ping(js.peer) < 2


async def test_js_that_asks_for_a_protocol_we_lack_is_told_so_and_stays_connected(js):
    async with ours() as network:
        ask = js.get
        await ask("dial", address=network.addresses()[0])
        with pytest.raises(Refused, match="UnsupportedProtocolError"):
            await ask("open", peer=network.peer, protocols=["/whatnext/sync/9.0.0"])
        assert (
            await ask("open", peer=network.peer, protocols=["/whatnext/sync/9.0.0", *PROTOCOLS])
            == PROTOCOLS[-1]
        )
        assert [c["peer"] for c in await ask("connections")].count(network.peer) == 1


async def test_js_that_hangs_up_is_gone_at_once(js):
    async with ours() as network:
        await network.dial(js.peer, [js.address("tcp")])
        with network.events() as events:
            await js.get("hangup", peer=network.peer)
            with trio.fail_after(2):
                assert isinstance(await anext(events), Disconnected)
        assert network.connections() == []
