import msgspec
import pytest
import trio
from rxdb_client import Client, row

from whatnext.errors import ConnectionLost, StoreUnwritable
from whatnext.rxdb import framing, limits
from whatnext.rxdb.driver import Ended, StreamChannel, serve
from whatnext.rxdb.master import Master
from whatnext.rxdb.readers import Profile


class Pipe:
    """A channel whose client reads only when the test says so."""

    def __init__(self):
        self._asking, self._asked = trio.open_memory_channel(0)
        self.sent = []
        self.reading = trio.Event()
        self.reading.set()
        self.taken = 0

    async def receive(self):
        try:
            message = await self._asked.receive()
        except trio.EndOfChannel:
            return None
        self.taken += 1
        return message

    async def send(self, message):
        await self.reading.wait()
        self.sent.append(msgspec.json.decode(message))

    async def ask(self, **message):
        await self.say(msgspec.json.encode({"collection": "entries", "params": [], **message}))

    async def say(self, message):
        await self._asking.send(message)

    async def close(self):
        await self._asking.aclose()


@pytest.fixture
def parts(circle):
    master = Master(circle.ann.here)
    return Client(master, Profile(circle.ann.library)).session, Pipe(), master


def listening(master):
    return lambda wake: master.subscribe(lambda _: wake())


async def listen(pipe):
    await pipe.ask(id="stream", method="masterChangeStream$")
    await pipe.ask(id="a|0", method="masterChangesSince", params=[None, 100])


async def until(condition):
    while not condition():  # noqa: ASYNC110 - the clock is a mock
        await trio.sleep(0.01)


async def test_a_change_reaches_a_subscribed_client_by_itself(circle, parts, autojump_clock):
    session, pipe, master = parts
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, session, pipe, listening(master))
        await listen(pipe)
        circle.ann.add(circle.id, "One")
        await until(lambda: len(pipe.sent) == 2)
        await pipe.close()
    assert pipe.sent[1]["result"]["documents"][0]["title"] == "One"


class Told(Pipe):
    """A channel that yields before it sends, as ours does; notes who was told something in a common list."""

    def __init__(self, name, told):
        super().__init__()
        self._note = lambda: told.append(name)

    async def send(self, message):
        await trio.lowlevel.checkpoint()
        await super().send(message)
        self._note()


async def test_the_others_hear_of_a_push_before_its_author_is_answered(circle, parts, autojump_clock):
    _, _, master = parts
    circle.ann.add(circle.id, "One")
    told: list[str] = []
    author, other = Told("author", told), Told("other", told)
    async with trio.open_nursery() as nursery:
        for pipe in (author, other):
            session = Client(master, Profile(circle.ann.library)).session
            nursery.start_soon(serve, session, pipe, listening(master))
        await listen(other)
        await author.ask(id="a|0", method="masterChangesSince", params=[None, 100])
        await until(lambda: len(told) == 2)
        (document,) = author.sent[0]["result"]["documents"]
        told.clear()
        change = [row(document, {**document, "title": "Two"})]
        await author.ask(id="a|1", method="masterWrite", params=[change])
        await until(lambda: len(told) == 2)
        await author.close()
        await other.close()
    assert told == ["other", "author"]


async def test_a_client_that_does_not_read_is_not_read_from_either(circle, parts, autojump_clock):
    session, pipe, master = parts
    pipe.reading = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, session, pipe, listening(master))
        with trio.move_on_after(5):
            for number in range(1000):
                await pipe.ask(id=f"a|{number}", method="masterChangesSince", params=[None, 1])
        assert pipe.taken <= limits.MAX_WAITING + 2
        pipe.reading.set()
        await until(lambda: len(pipe.sent) == pipe.taken)
        await pipe.close()


async def test_changes_cost_nothing_while_a_client_does_not_read(circle, parts, autojump_clock):
    session, pipe, master = parts
    added = circle.ann.add(circle.id, "One")[0]
    pipe.reading = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, session, pipe, listening(master))
        await listen(pipe)
        for number in range(300):
            circle.ann.do("playlist.edit", playlist=circle.id, entry=added, title=f"Title {number}")
            await trio.lowlevel.checkpoint()
        pipe.reading.set()
        await until(lambda: pipe.sent and pipe.sent[-1]["result"]["documents"][0]["title"] == "Title 299")
        await pipe.close()
    assert len(pipe.sent) <= 3


async def test_a_client_that_takes_nothing_for_long_loses_the_channel(circle, parts, autojump_clock):
    session, pipe, master = parts
    pipe.reading = trio.Event()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_one, pipe)
        with pytest.raises(Ended) as ended:
            await serve(session, pipe, listening(master))
    assert ended.value.code == "stalled"
    assert trio.current_time() - began == pytest.approx(limits.STALL_TIMEOUT_S, abs=1)


async def ask_one(pipe):
    await pipe.ask(id="a|1", method="masterChangesSince", params=[None, 1])


async def test_a_broken_protocol_ends_the_channel_with_its_code(parts):
    session, pipe, master = parts
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pipe.say, b"nonsense")
        with pytest.raises(Ended) as ended:
            await serve(session, pipe, listening(master))
    assert ended.value.code == "protocol_violation"


async def test_what_version_one_has_no_word_for_ends_the_channel_and_is_no_offence(circle, autojump_clock):
    master, pipe = Master(circle.ann.here), Pipe()
    session = Client(master, Profile(circle.ann.library), has_errors=False).session
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pipe.say, b'{"id":"a|1","collection":"new","method":"masterChangesSince"}')
        with pytest.raises(Ended) as ended:
            await serve(session, pipe, listening(master))
    assert ended.value.code == "unknown_collection"


async def test_a_disk_that_takes_nothing_ends_the_channel_and_is_no_offence(circle, parts, monkeypatch):
    session, pipe, master = parts

    def full(*_):
        raise StoreUnwritable("the disk is full")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_until_ended, session, pipe, master)
        await listen(pipe)
        await until(lambda: pipe.sent)
        monkeypatch.setattr(master, "event", full)
        circle.ann.add(circle.id, "One")
    assert pipe.ended == "store_unwritable"


async def serve_until_ended(session, pipe, master):
    with pytest.raises(Ended) as ended:
        await serve(session, pipe, listening(master))
    pipe.ended = ended.value.code


async def test_a_client_that_owes_a_pull_is_reminded_until_it_pulls(circle, parts, autojump_clock):
    session, pipe, master = parts
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, session, pipe, listening(master))
        await pipe.ask(id="stream", method="masterChangeStream$")
        await trio.sleep(2.5 * limits.RESYNC_AGAIN_S)
        assert [message["result"] for message in pipe.sent] == ["RESYNC", "RESYNC"]
        await listen(pipe)
        await trio.sleep(3 * limits.RESYNC_AGAIN_S)
        assert len(pipe.sent) == 3
        await pipe.close()


class Bytes:
    """A stream that gives what was put in, then ends."""

    def __init__(self, *chunks):
        self.chunks = list(chunks)

    async def receive_some(self, max_bytes):
        return self.chunks.pop(0) if self.chunks else b""


async def test_packed_messages_are_unpacked_one_at_a_time(monkeypatch):
    unpacked = []
    monkeypatch.setattr(framing, "_unpacked", lambda payload: unpacked.append(payload) or payload)
    channel = StreamChannel(Bytes(framing.frame(b"{}", packs=False) * 100), packs=True)
    assert await channel.receive() == b"{}"
    assert len(unpacked) == 1
    for _ in range(99):
        assert await channel.receive() == b"{}"
    assert await channel.receive() is None


@pytest.mark.parametrize("cut", [1, 3, 20])
async def test_a_stream_that_ends_within_a_message_is_an_end(cut):
    whole = framing.frame(b'{"id":"a|1","method":"auth"}', packs=False)
    assert await StreamChannel(Bytes(whole[:cut]), packs=True).receive() is None


async def test_a_lost_path_is_no_error(parts):
    session, pipe, master = parts

    async def lost():
        raise ConnectionLost("gone")

    pipe.receive = lost
    await serve(session, pipe, listening(master))
    assert len(master._library._subscribers) == 0
