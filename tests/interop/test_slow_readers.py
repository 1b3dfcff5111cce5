"""Eight megabytes between js-libp2p and us while the reader pauses: they arrive whole, or the stream is reset."""

import pytest
import trio
from js_peer import Refused
from meeting import ours

from whatnext.errors import ConnectionLost
from whatnext.net import Network, Stream

pytestmark = pytest.mark.real

LATE, NEVER = "/test/late/1.0.0", "/test/never/1.0.0"
SIZE = 8 << 20
PAUSE_S = 0.5


async def late(stream: Stream) -> None:
    """Read nothing for a while, then as many bytes as the first four say, and answer with one."""
    await trio.sleep(PAUSE_S)
    head, count = b"", 0
    while len(head) < 4 or count < 4 + int.from_bytes(head[:4], "big"):
        data = await stream.receive_some()
        if not data:
            return
        head, count = head or data, count + len(data)
    await stream.send_all(b"x")


async def never(stream: Stream) -> None:
    await trio.sleep_forever()


async def pour(network: Network, peer: str, protocol: str) -> bytes:
    """Send all of it; the reader's answer."""
    stream = await network.open_stream(peer, [protocol])
    await stream.send_all(SIZE.to_bytes(4, "big"))
    for _ in range(SIZE >> 16):
        await stream.send_all(bytes(1 << 16))
    return await stream.receive_some()


@pytest.mark.parametrize("transport", ["tcp", "ws", "quic-v1"])
async def test_what_js_sends_waits_for_a_reader_here_that_pauses(js, transport):
    async with ours(transport, {LATE: late}) as network:
        await network.dial(js.peer, [js.address(transport)])
        assert await js.get("pour", peer=network.peer, protocol=LATE, bytes=SIZE) is True


@pytest.mark.parametrize("transport", ["tcp", "ws"])
async def test_what_we_send_waits_for_a_reader_in_js_that_pauses(js, transport):
    async with ours(transport) as network:
        await network.dial(js.peer, [js.address(transport)])
        with trio.fail_after(10):
            assert await pour(network, js.peer, LATE) == b"\1"


@pytest.mark.parametrize("transport", ["quic-v1", "webrtc-direct"])
async def test_a_stream_that_js_does_not_read_is_reset_by_it_where_it_holds_nobody_back(js, transport):
    async with ours(transport) as network:
        await network.dial(js.peer, [js.address(transport)])
        with trio.fail_after(10), pytest.raises(ConnectionLost):
            await pour(network, js.peer, NEVER)
        assert await network.ping(js.peer) < 5


async def test_a_stream_over_webrtc_that_js_overfills_is_reset_and_not_cut_short(js):
    async with ours("webrtc-direct", {NEVER: never}) as network:
        await network.dial(js.peer, [js.address("webrtc-direct")])
        with pytest.raises(Refused):
            await js.get("pour", peer=network.peer, protocol=NEVER, bytes=SIZE)
        assert await network.ping(js.peer) < 5


async def test_mplex_holds_js_back_while_we_pause_and_js_resets_what_it_does_not_read(old_js):
    async with ours("tcp", {LATE: late}) as network:
        await network.dial(old_js.peer, [old_js.address("tcp")])
        assert await old_js.get("pour", peer=network.peer, protocol=LATE, bytes=SIZE) is True
        with trio.fail_after(10), pytest.raises(ConnectionLost):
            await pour(network, old_js.peer, NEVER)
