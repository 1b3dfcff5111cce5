"""A reader that holds many streams grants each no more than its first window."""

import pytest
import trio
from libp2p.stream_muxer.yamux.yamux import DEFAULT_WINDOW_SIZE

from whatnext.net.muxing import WINDOW

pytestmark = pytest.mark.real

READ_FIRST = 400_000


@pytest.mark.parametrize(("small", "waiting"), [(True, DEFAULT_WINDOW_SIZE), (False, WINDOW)])
async def test_what_a_peer_may_send_ahead_stays_small_when_asked(node, eventually, small, waiting):
    served = []

    async def read_a_little(stream):
        if small:
            stream.keep_window_small()
        taken = 0
        while taken < READ_FIRST:
            taken += len(await stream.receive_some(50_000))
        served.append(stream)
        await trio.sleep_forever()

    async with node({"/test/little/1.0.0": read_a_little}) as a, node() as b:
        await b.dial(a.peer, a.addresses())
        stream = await b.open_stream(a.peer, ["/test/little/1.0.0"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, bytes(4 * WINDOW))
            await eventually(lambda: served)
            buffer = served[0]._pipe._buffer
            # The last window update may be up to half a window old.
            await eventually(lambda: len(buffer) > waiting // 3 and stream._pipe._stream.send_window <= 0)
            assert len(buffer) <= waiting
            nursery.cancel_scope.cancel()


async def test_a_stream_knows_the_address_of_its_connection(node):
    seen = []

    async def look(stream):
        seen.append(stream.address)
        await stream.send_all(b"x")

    async with node({"/test/look/1.0.0": look}) as a, node() as b:
        info = await b.dial(a.peer, [address for address in a.addresses() if "/ws" in address])
        stream = await b.open_stream(a.peer, ["/test/look/1.0.0"])
        assert stream.address == info.address
        assert await stream.receive_some() == b"x"
    assert seen[0].startswith("/ip4/127.0.0.1/tcp/")
    assert seen[0].endswith("/ws")
