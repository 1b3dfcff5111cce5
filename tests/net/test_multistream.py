"""Agreeing on a protocol costs one round trip: the first wish goes out with the greeting, and never twice."""

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key
from libp2p.peer.id import ID
from libp2p.protocol_muxer.exceptions import MultiselectClientError
from libp2p.protocol_muxer.multiselect import Multiselect
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX

from whatnext.net.multistream import PromptClient
from whatnext.net.muxers import SafeMuxers
from whatnext.net.muxing import SafeYamux
from whatnext.net.negotiation import open_on
from whatnext.net.upgrading import ObservedUpgrader

GREETING = "/multistream/1.0.0"


class Scripted:
    """The other side: says these words, one for each read."""

    def __init__(self, *words):
        self.heard = []
        self._words = list(words)

    async def write(self, msg_str):
        self.heard.append(msg_str)

    async def read(self):
        return self._words.pop(0)


@pytest.mark.parametrize(
    ("words", "heard", "agreed"),
    [
        ((GREETING, "/a"), [GREETING, "/a"], "/a"),
        ((GREETING, "na", "/b"), [GREETING, "/a", "/b"], "/b"),
        # go-libp2p begins anew now and then
        ((GREETING, GREETING, GREETING, "/a"), [GREETING, "/a", GREETING, "/a"], "/a"),
    ],
)
async def test_the_first_wish_is_said_once_with_the_greeting(words, heard, agreed):
    other = Scripted(*words)
    assert await PromptClient().select_one_of(["/a", "/b"], other) == agreed
    assert other.heard == heard


async def test_who_wants_nothing_that_is_spoken_is_told_as_before():
    other = Scripted(GREETING, "na", "na")
    with pytest.raises(MultiselectClientError, match="not supported"):
        await PromptClient().select_one_of(["/a", "/b"], other)
    with pytest.raises(MultiselectClientError, match="mismatch"):
        await PromptClient().select_one_of(["/a"], Scripted("HTTP/1.1 400 Bad Request"))


class Pipe:
    """One end of a connection in memory, as py-libp2p wants a raw connection and a stream."""

    is_initiator = True

    def __init__(self, stream):
        self._stream = stream

    async def write(self, data):
        await self._stream.send_all(data)

    async def read(self, count=None):
        return await self._stream.receive_some(count)


async def test_stock_py_libp2p_answers_both_words_at_once():
    one, other = trio.testing.memory_stream_pair()
    stock = Multiselect({"/b": None})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stock.negotiate, MultiselectCommunicator(Pipe(other)))
        assert await PromptClient().select_one_of(["/a", "/b"], MultiselectCommunicator(Pipe(one))) == "/b"


class Silent:
    """A connection, and the streams on it, of somebody who listens and never answers."""

    is_initiator = True

    def __init__(self):
        self.heard = b""
        self.muxed_conn = self
        self.peer_id = ID.from_pubkey(create_new_key_pair().public_key)

    def get_transport_addresses(self):
        return []

    async def new_stream(self):
        return self

    async def write(self, data):
        self.heard += data

    async def read(self, count=None):
        await trio.sleep_forever()

    async def reset(self):
        pass


def security(silent):
    noise = Noise(create_new_key_pair(), noise_privkey=create_noise_key().private_key)
    upgrader = ObservedUpgrader({NOISE: noise}, {YAMUX: SafeYamux}, 5, print)
    return upgrader.upgrade_security(silent, True, silent.peer_id)


def muxer(silent):
    return SafeMuxers(5).new_conn(silent, silent.peer_id)


def stream(silent):
    return open_on(silent, ["/test/1.0.0"], 60)


@pytest.mark.parametrize(
    ("agree", "wish"), [(security, "/noise"), (muxer, "/yamux/1.0.0"), (stream, "/test/1.0.0")]
)
async def test_nobody_waits_for_an_answer_before_the_first_wish(agree, wish, autojump_clock):
    silent = Silent()
    with trio.move_on_after(1):
        await agree(silent)
    assert GREETING.encode() in silent.heard
    assert wish.encode() + b"\n" in silent.heard
