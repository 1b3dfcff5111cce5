"""Canaries, as in `test_canaries.py`, for what `whatnext.net.admission` and the swarm's gate work around."""

import contextlib

import pytest
import trio
from libp2p.exceptions import ParseError
from libp2p.network.auto_connector import AutoConnector
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.utils.varint import encode_uvarint, read_delim
from trio_websocket import WebSocketServer

from whatnext.identity import Identity
from whatnext.net.multistream import read_delimited

pytestmark = pytest.mark.real

TINY = {"max_connections": 1, "min_connections": 0, "low_watermark": 0, "high_watermark": 1}


def info(host):
    return PeerInfo(host.get_id(), host.get_transport_addrs())


async def test_a_full_table_turns_a_protected_friend_away(stock, eventually):  # admission/places.py
    async with stock(**TINY) as full, stock() as stranger, stock() as friend:
        full.get_network().protect(friend.get_id(), "a friend")
        await stranger.connect(info(full))
        await eventually(lambda: full.get_network().get_connections())
        with pytest.raises(Exception, match="unable to connect"):
            await friend.connect(info(full))


async def test_a_websocket_may_stay_silent_for_a_minute(stock, eventually):  # admission/http_upgrades.py
    async with stock(("/ip4/127.0.0.1/tcp/0/ws",)) as host:
        [listener] = host.get_network().listeners.values()
        assert isinstance(listener._server, WebSocketServer)
        assert listener._server._connect_timeout >= 60


async def test_silent_websockets_are_not_counted(stock, eventually):  # admission/http_upgrades.py
    async with stock(("/ip4/127.0.0.1/tcp/0/ws",), **TINY) as host:
        port = int(str(host.get_transport_addrs()[0]).split("/")[4])
        async with contextlib.AsyncExitStack() as stack:
            silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(40)]
            for stream in silent:
                await stack.enter_async_context(stream)
            with trio.move_on_after(0.5) as waited:
                assert await silent[-1].receive_some(1) is None
            assert waited.cancelled_caught  # all forty are kept waiting, none is refused


async def test_everybody_who_ever_left_is_noted_by_the_auto_connector(stock):  # swarm.py
    async with stock() as host:
        connector = host.get_network().auto_connector
        assert isinstance(connector, AutoConnector)
        for _ in range(600):
            connector.record_disconnect(ID.from_string(Identity.generate().peer_id))
        assert len(connector._recent_disconnects) == 600


class Flood:
    """A reader on which a message of four megabytes begins, all newlines."""

    def __init__(self):
        self._length = iter(encode_uvarint(4_000_000))

    async def read(self, n=None):
        byte = next(self._length, None)
        return b"\n" * (n or 1) if byte is None else bytes([byte])


async def test_a_negotiation_message_may_be_of_any_length():  # multistream.py
    assert len(await read_delim(Flood())) == 3_999_999
    with pytest.raises(ParseError, match="longer than 1024 bytes"):
        await read_delimited(Flood())
