"""The promises of a stream and of a connection, kept alike on every transport."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from whatnext.errors import ConnectionLost, LocalError, NetworkError, WrongPeer
from whatnext.identity import Identity
from whatnext.net import Disconnected, NetConfig, Standing, open_network
from whatnext.net.inbox import WINDOW

pytestmark = pytest.mark.real

LISTEN = {
    "tcp": "/ip4/127.0.0.1/tcp/0",
    "ws": "/ip4/127.0.0.1/tcp/0/ws",
    "quic-v1": "/ip4/127.0.0.1/udp/0/quic-v1",
    "webrtc-direct": "/ip4/127.0.0.1/udp/0/webrtc-direct",
}
OVER_UDP = ("quic-v1", "webrtc-direct")
ECHO = "/test/echo/1.0.0"
PEER_PROCESS = Path(__file__).with_name("transport_process.py")
MANY = 140  # more than a peer may hold open, 128


@pytest.fixture(params=LISTEN)
def transport(request):
    if request.param == "webrtc-direct":
        pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    return request.param


@pytest.fixture
def over(node, transport):
    """A node that listens on this transport only."""

    def make(handlers=None, **settings):
        return node(handlers, listen=(LISTEN[transport],), **settings)

    return make


@pytest.fixture
def late_process(transport):
    """Starts a peer in its own process whose reader pauses."""
    running = []

    def start(pause_s):
        words = [sys.executable, str(PEER_PROCESS), LISTEN[transport], str(pause_s)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(process)
        told = json.loads(process.stdout.readline())
        return process, told["peer"], told["addresses"]

    yield start
    for process in running:
        process.kill()
        process.wait()


async def read_all(stream, count):
    got = bytearray()
    while len(got) < count and (data := await stream.receive_some()):
        got += data
    return bytes(got)


async def test_a_megabyte_goes_both_ways_at_once(over, echoing):
    data = os.urandom(1 << 20)
    async with over(echoing) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        async with await here.open_stream(there.peer, [ECHO]) as stream, trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, data)
            assert await read_all(stream, len(data)) == data


async def test_both_sides_show_the_transport_and_where_the_other_is(over, transport, eventually):
    async with over() as there, over() as here:
        await here.dial(there.peer, there.addresses())
        await eventually(there.connections)
        (out,), (into,) = here.connections(), there.connections()
        assert (out.transport, out.direction, into.transport, into.direction) == (
            transport,
            "out",
            transport,
            "in",
        )
        assert out.address.startswith("/ip4/")
        assert into.address.startswith("/ip4/")
        assert "/p2p/" not in out.address + into.address


async def test_what_was_sent_before_the_end_is_read_and_then_the_end(over):
    answers = []

    async def answering(stream):
        answers.append(await read_all(stream, 1 << 30))
        await stream.send_all(b"and this after your end")

    async with over({"/t/1.0.0": answering}) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        stream = await here.open_stream(there.peer, ["/t/1.0.0"])
        await stream.send_all(b"q" * 300_000)
        await stream.close()
        with trio.fail_after(10):
            assert await read_all(stream, 1 << 20) == b"and this after your end"
    assert answers == [b"q" * 300_000]


async def test_eight_megabytes_wait_for_a_reader_that_pauses_and_arrive_whole(over, eventually):
    """While nobody reads, the writer is held back within the windows; nothing is lost, and pings are answered."""
    read, go = hashlib.sha256(), trio.Event()

    async def pausing(stream):
        await go.wait()
        while data := await stream.receive_some():
            read.update(data)
        await stream.send_all(b"done")

    block, sent = os.urandom(64 * 1024), 0
    async with over({"/t/1.0.0": pausing}) as there, over() as here, trio.open_nursery() as nursery:
        await here.dial(there.peer, there.addresses())
        stream = await here.open_stream(there.peer, ["/t/1.0.0"])
        stalls = 0

        async def write():
            nonlocal sent
            for _ in range(128):
                await stream.send_all(block)
                sent += len(block)
            await stream.close()

        def held_back():
            nonlocal stalls, seen
            stalls, seen = (stalls + 1 if sent == seen > 0 else 0), sent
            return stalls > 200

        seen = 0
        nursery.start_soon(write)
        await eventually(held_back, 20)
        assert sent <= 4 * WINDOW
        assert await here.ping(there.peer) < 5
        go.set()
        with trio.fail_after(30):
            assert await read_all(stream, 4) == b"done"
    assert read.digest() == hashlib.sha256(block * 128).digest()


@pytest.mark.soak
async def test_eight_megabytes_to_another_process_that_pauses_ten_seconds_arrive_whole(over, late_process):
    process, peer, addresses = late_process(10)
    data = os.urandom(8_000_000)
    async with over() as here:
        await here.dial(peer, addresses)
        stream = await here.open_stream(peer, ["/test/late/1.0.0"])
        started = trio.current_time()
        await stream.send_all(data)
        await stream.close()
        print(f"written after {trio.current_time() - started:.1f} s")
        with trio.fail_after(60):
            told = json.loads(await trio.to_thread.run_sync(process.stdout.readline))
        (connection,) = here.connections()
    assert told == {"count": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert connection.direction == "out"


async def test_a_reader_that_never_reads_costs_the_stream_and_not_the_connection(over):
    async def deaf(stream):
        await trio.sleep_forever()

    async with over({"/t/1.0.0": deaf}) as there, over(stall_timeout_s=1) as here:
        await here.dial(there.peer, there.addresses())
        stream = await here.open_stream(there.peer, ["/t/1.0.0"])
        with trio.fail_after(20), pytest.raises(ConnectionLost, match="has not read for 1 s"):
            await stream.send_all(bytes(8_000_000))
        assert await here.ping(there.peer) < 5


async def test_who_reads_is_woken_when_another_task_of_ours_resets_the_stream(over):
    async def silent(stream):
        await trio.sleep_forever()

    async with over({"/t/1.0.0": silent}) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        stream = await here.open_stream(there.peer, ["/t/1.0.0"])
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:

                async def read():
                    with pytest.raises(ConnectionLost):
                        await stream.receive_some()

                nursery.start_soon(read)
                await trio.sleep(0.05)  # it waits for bytes by now, or the test shows less
                await stream.reset()


async def test_a_reset_is_seen_as_a_loss_and_never_as_the_end(over):
    seen = []

    async def reading(stream):
        try:
            seen.append(await read_all(stream, 1 << 30))
        except ConnectionLost as error:
            seen.append(type(error))
            raise

    async with over({"/t/1.0.0": reading}) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        stream = await here.open_stream(there.peer, ["/t/1.0.0"])
        await stream.send_all(b"half a mess")
        await here.ping(there.peer)
        await stream.reset()
        with pytest.raises(ConnectionLost):
            await stream.send_all(b"age")
        with trio.fail_after(5):
            while not seen:  # noqa: ASYNC110 - the handler's word
                await trio.sleep(0.005)
    assert seen == [ConnectionLost]


async def test_a_closed_connection_is_a_loss_to_who_reads_and_to_who_writes(over):
    ended = trio.Event()

    async def reading(stream):
        with pytest.raises(ConnectionLost):
            await read_all(stream, 1 << 30)
        with pytest.raises(ConnectionLost):
            await stream.send_all(b"into nothing")
        ended.set()

    async with over({"/t/1.0.0": reading}) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        stream = await here.open_stream(there.peer, ["/t/1.0.0"])
        await stream.send_all(b"x")
        with there.events() as events:
            await here.disconnect(there.peer)
            with trio.fail_after(5):
                assert isinstance(await anext(events), Disconnected)
                await ended.wait()
        with pytest.raises(ConnectionLost):
            await stream.receive_some()
        assert (here.connections(), there.connections()) == ([], [])


async def test_many_streams_that_their_peer_resets_leave_room_for_more(over, echoing):
    async def resetting(stream):
        await stream.receive_some(1)
        await stream.reset()

    async with over({"/t/1.0.0": resetting, **echoing}) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        for _ in range(MANY):
            stream = await here.open_stream(there.peer, ["/t/1.0.0"])
            await stream.send_all(b"x")
            with pytest.raises(ConnectionLost):
                await stream.receive_some()
        (link,) = here._connections.all()
        assert len(link.conn.get_streams()) <= 2  # those of pings, one each way
        assert await here.ping(there.peer) < 5


async def test_many_streams_one_after_another_leave_nothing_behind(over, echoing, eventually):
    async with over(echoing) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        for number in range(MANY):
            async with await here.open_stream(there.peer, [ECHO]) as stream:
                await stream.send_all(b"%d" % number)
                assert await read_all(stream, 1) != b""
                await stream.close()
                assert await read_all(stream, 1) == b""
        for side in (here, there):
            (link,) = side._connections.all()
            muxed = link.conn.muxed_conn
            streams = muxed.streams if hasattr(muxed, "streams") else muxed._streams
            await eventually(lambda streams=streams: len(streams) <= 2)  # a ping may be under way


async def test_a_given_up_stream_stays_given_up_while_its_peer_sends_on(over, eventually):
    """Stock QUIC opens it anew from the first late packet, and serves what is left as if it were a new request."""
    served = []

    async def refusing(stream):
        served.append(stream)
        await stream.receive_some(1)
        await stream.reset()

    async with over({"/t/1.0.0": refusing}) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        stream = await here.open_stream(there.peer, ["/t/1.0.0"])
        with trio.fail_after(10), pytest.raises(ConnectionLost):
            await stream.send_all(bytes(50_000_000))
        assert await here.ping(there.peer) < 5
        (link,) = there._connections.all()
        await eventually(lambda: len(link.conn.get_streams()) <= 2)
    assert len(served) == 1


async def test_another_peer_at_the_only_address_is_told_apart_and_not_logged(over, caplog):
    stranger = Identity.generate().peer_id
    async with over() as there, over() as here:
        address = there.addresses()[0].rpartition("/p2p/")[0]
        with pytest.raises(WrongPeer, match="another peer answered"):
            await here.dial(stranger, [address])
        assert here.connections() == []
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_a_blocked_peer_does_not_stay(over, transport, eventually):
    config = NetConfig(listen=(LISTEN[transport],))
    async with (
        open_network(Identity.generate(), config, standing=lambda peer: Standing.BLOCKED) as there,
        over() as here,
    ):
        with contextlib.suppress(NetworkError):
            await here.dial(there.peer, there.addresses())
        await eventually(lambda: not here.connections() and not there.connections())


async def test_the_maximum_of_connections_holds_on_it(over, eventually):
    async with over(max_connections=2) as there, over() as one, over() as two, over() as three:
        for guest in (one, two, three):
            with contextlib.suppress(NetworkError):
                await guest.dial(there.peer, there.addresses())
        assert len(there.connections()) <= 2
        await eventually(lambda: sum(len(guest.connections()) for guest in (one, two, three)) <= 2)


async def test_leaving_with_open_streams_takes_little_time(over, echoing):
    async with over(echoing) as there, over() as here:
        await here.dial(there.peer, there.addresses())
        streams = [await here.open_stream(there.peer, [ECHO]) for _ in range(5)]
        started = trio.current_time()
    assert trio.current_time() - started < 4
    assert len(streams) == 5


async def test_a_killed_peer_is_noticed_by_the_heartbeat(over, late_process):
    process, peer, addresses = late_process(0)
    async with over(heartbeat_s=0.2, heartbeat_timeout_s=1) as here:
        await here.dial(peer, addresses)
        stream = await here.open_stream(peer, [ECHO])
        with here.events() as events:
            process.send_signal(signal.SIGKILL)
            with trio.fail_after(5):
                assert (await anext(events)).peer == peer
        with pytest.raises(ConnectionLost):
            await stream.receive_some()
        assert here.connections() == []


@pytest.mark.soak
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_killed_or_stopped_peer_is_noticed_within_twenty_seconds(over, late_process, how):
    process, peer, addresses = late_process(0)
    async with over() as here:
        await here.dial(peer, addresses)
        await trio.sleep(1)
        with here.events() as events:
            process.send_signal(how)
            started = trio.current_time()
            with trio.fail_after(20):
                assert isinstance(await anext(events), Disconnected)
            print(f"{how.name}: noticed after {trio.current_time() - started:.1f} s")


async def test_webrtc_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiortc", None)
    with pytest.raises(LocalError, match=r"pip install whatnext\[webrtc\]"):
        async with open_network(Identity.generate(), NetConfig(listen=(LISTEN["webrtc-direct"],))):
            pass


async def test_a_transport_that_is_off_is_named_when_its_address_is_dialled(node):
    peer = Identity.generate().peer_id
    async with node() as here:
        with pytest.raises(NetworkError, match="no transport of this node"):
            await here.dial(peer, ["/ip4/127.0.0.1/udp/4001/quic-v1"])


@pytest.mark.parametrize("kind", OVER_UDP)
async def test_a_udp_address_that_cannot_be_bound_is_named(kind):
    if kind == "webrtc-direct":
        pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    address = LISTEN[kind].replace("127.0.0.1", "192.0.2.77")
    with pytest.raises(LocalError, match=r"192\.0\.2\.77"):
        async with open_network(Identity.generate(), NetConfig(listen=(address,))):
            pass


def test_settings_alone_load_neither_quic_nor_webrtc():
    program = (
        "import sys, trio\n"
        "from whatnext.identity import Identity\n"
        "from whatnext.net import NetConfig, open_network\n"
        "async def main():\n"
        "    async with open_network(Identity.generate(), NetConfig(listen=('/ip4/127.0.0.1/tcp/0',))): pass\n"
        "trio.run(main)\n"
        "print([name for name in ('aiortc', 'av', 'whatnext.net.quic_transport') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
