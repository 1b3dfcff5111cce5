"""What strangers and liars send costs them their stream or their connection, and nobody else anything."""

import contextlib

import pytest
import trio

from whatnext.errors import ConnectionLost
from whatnext.net.muxing import WINDOW

pytestmark = pytest.mark.real

GARBAGE = (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 70_000, b"\x13/multistream/1.0.0\n", b"\xff" * 50)


async def deaf(stream):
    await trio.sleep_forever()


async def test_a_peer_that_ignores_its_window_is_cut_off(node, eventually):
    async with node({"/test/deaf/1.0.0": deaf}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, ["/test/deaf/1.0.0"])

        async def flood():
            for _ in range(100):
                stream._raw.muxed_stream.send_window = WINDOW
                await stream.send_all(bytes(WINDOW))

        with pytest.raises(ConnectionLost):
            await flood()
        await eventually(lambda: not a.connections())


async def test_a_peer_that_opens_too_many_streams_has_the_newest_reset(node):
    async with node({"/test/deaf/1.0.0": deaf}, max_streams_per_connection=5) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        opened = []

        async def hoard():
            while len(opened) < 20:
                opened.append(await b.open_stream(a.peer, ["/test/deaf/1.0.0"]))

        with pytest.raises(ConnectionLost):
            await hoard()
        assert 1 <= len(opened) <= 5
        await opened[0].reset()


async def test_invalid_utf8_ends_one_stream_only(node, echoing, eventually):
    async with node(echoing) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        [link] = b._connections.all()
        raw = await link.conn.new_stream()
        await raw.write(b"\x13/multistream/1.0.0\n\x03\xff\xfe\n")
        await eventually(lambda: raw.muxed_stream.reset_received)
        assert await b.ping(a.peer) > 0


async def test_garbage_sent_to_the_ports_does_no_harm(node, echoing, eventually):
    async with node(echoing, handshake_timeout_s=1.0) as a, node() as b:
        for address in a.addresses():
            port = int(address.split("/")[4])
            for garbage in (
                b"",
                b"GET / HTTP/1.1\r\n\r\n",
                b"\x00" * 70_000,
                b"\xff" * 50,
                b"\x13/multistream/1.0.0\n",
            ):
                stream = await trio.open_tcp_stream("127.0.0.1", port)
                await stream.send_all(garbage)
                if garbage != GARBAGE[-1]:  # that one stays open and silent
                    await stream.aclose()
        await b.dial(a.peer, a.addresses())
        assert await b.ping(a.peer) > 0
        await eventually(lambda: a._swarm._inbound_limiter.borrowed_tokens == 1, within=8)


async def test_a_stranger_that_announces_an_endless_message_is_hung_up_on_at_once(node):
    async with node(handshake_timeout_s=600) as a:
        stream = await trio.open_tcp_stream("127.0.0.1", int(a.addresses()[0].split("/")[4]))
        await stream.send_all(b"\xff\xff\xff\xff\xff\x0f")
        with trio.fail_after(10), contextlib.suppress(trio.BrokenResourceError):
            while await stream.receive_some():
                pass


async def test_a_peer_that_announces_an_endless_message_on_a_stream_loses_the_stream(node, eventually):
    async with node() as a, node() as b:
        await b.dial(a.peer, a.addresses())
        [link] = b._connections.all()
        raw = await link.conn.new_stream()
        await raw.write(b"\xff\xff\xff\xff\xff\x0f")
        await eventually(lambda: raw.muxed_stream.reset_received)
        assert await b.ping(a.peer) > 0


async def test_silent_strangers_cannot_keep_a_friend_out(node):
    async with node(max_connections=2) as a, node() as b:
        port = int(a.addresses()[0].split("/")[4])
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(20)]
        assert (await b.dial(a.peer, a.addresses())).peer == a.peer
        for stream in silent:
            await stream.aclose()
