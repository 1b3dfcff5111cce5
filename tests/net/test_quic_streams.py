"""What a QUIC stream of ours says when aioquic's own half has ended."""

import pytest
import trio

from whatnext.errors import ConnectionLost

pytestmark = pytest.mark.real
LISTEN = "/ip4/127.0.0.1/udp/0/quic-v1"
NEVER = "/test/never/1.0.0"


async def never(stream):
    await trio.sleep_forever()


@pytest.mark.parametrize("end", ["reset_stream", "fin"])
async def test_a_write_between_the_peers_word_and_our_hearing_of_it_is_a_loss(node, end):
    async with node({NEVER: never}, listen=(LISTEN,)) as other, node(listen=(LISTEN,)) as here:
        await here.dial(other.peer, other.addresses())
        async with await here.open_stream(other.peer, [NEVER]) as stream:
            pipe = stream._pipe
            quic = pipe._connection._quic
            # As a STOP_SENDING frame does, before its event is taken up.
            if end == "fin":
                quic.send_stream_data(pipe._stream_id, b"", end_stream=True)
            else:
                quic.reset_stream(pipe._stream_id, 0)
            with pytest.raises(ConnectionLost):
                await stream.send_all(b"one more")
