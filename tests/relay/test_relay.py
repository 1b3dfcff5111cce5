"""A relay and its clients, in one process on real loopback sockets."""

import time
from contextlib import suppress

import pytest
import trio
from libp2p.crypto.ed25519 import Ed25519PublicKey
from libp2p.peer.envelope import make_unsigned
from libp2p.peer.pb.envelope_pb2 import Envelope
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb

from whatnext.errors import ConnectionLost
from whatnext.identity import Identity, public_key_of
from whatnext.net.framing import framed, read_message
from whatnext.relay.circuits import Ending, Why
from whatnext.relay.config import AccessConfig, RelayConfig
from whatnext.relay.limits import Limits

pytestmark = pytest.mark.real


async def exchange(here, there, data):
    await here.send_all(data)
    got = b""
    while len(got) < len(data):
        got += await there.receive_some()
    assert got == data


async def test_a_circuit_carries_bytes_both_ways_and_ends_cleanly_half_by_half(relay, client, eventually):
    async with relay() as running, client(running, waits=True) as anna, client(running) as ben:
        here, there = await ben.circuit(anna)
        await exchange(here, there, bytes(range(256)) * 2000)
        await exchange(there, here, b"back")
        await here.close()
        assert await there.receive_some() == b""
        await exchange(there, here, b"still")
        await there.close()
        assert await here.receive_some() == b""
        await eventually(lambda: running.ledger.endings[Ending.FINISHED] == 1)
        assert (running.ledger.to_target, running.ledger.to_source) == (512_000, 9)
        assert running.switchboard.circuits == {}


async def test_a_reservation_tells_expiry_addresses_limits_and_a_signed_voucher(relay, client):
    async with relay(circuit_duration_s=77, circuit_bytes=9999) as running, client(running) as anna:
        answer = await anna.reserve()
        assert answer.status == pb.OK
        assert abs(answer.reservation.expire - time.time() - 3600) < 5
        assert len(answer.reservation.addrs) == 2
        assert (answer.limit.duration, answer.limit.data) == (77, 9999)
        envelope = Envelope.FromString(answer.reservation.voucher)
        signed = make_unsigned("libp2p-relay-rsvp", b"\x03\x02", envelope.payload)
        key = Ed25519PublicKey.from_bytes(public_key_of(running.network.peer))
        assert envelope.public_key.Data == public_key_of(running.network.peer)
        assert key.verify(signed, envelope.signature)
        word = pb.Voucher.FromString(envelope.payload)
        assert word.expiration == answer.reservation.expire
        assert word.peer.endswith(public_key_of(anna.peer))
        assert word.relay.endswith(public_key_of(running.network.peer))


async def test_the_called_peer_hears_who_calls_and_what_the_circuit_may_cost(relay, client):
    async with (
        relay(circuit_duration_s=77, circuit_bytes=9999) as running,
        client(running, waits=True) as anna,
        client(running) as ben,
    ):
        await ben.circuit(anna)
        assert (anna.limit.duration, anna.limit.data) == (77, 9999)


async def test_of_three_dialers_to_one_target_one_leaves_and_the_others_do_not_notice(relay, client):
    async with (
        relay() as running,
        client(running, waits=True) as target,
        client(running) as one,
        client(running) as two,
    ):
        first, second = await one.circuit(target), await two.circuit(target)
        async with client(running) as three:
            third = await three.circuit(target)
            await exchange(*third, b"hello")
        with pytest.raises(ConnectionLost):
            await third[1].receive_some()
        for here, there in (first, second):
            await exchange(here, there, b"hello")
            await exchange(there, here, b"hello")


async def test_two_circuits_between_the_same_two_peers_live_and_end_apart(relay, client):
    async with relay() as running, client(running, waits=True) as anna, client(running) as ben:
        first, second = await ben.circuit(anna), await ben.circuit(anna)
        await first[0].reset()
        with pytest.raises(ConnectionLost):
            await first[1].receive_some()
        await exchange(*second, b"hello")


async def test_a_reservation_in_anothers_name_is_the_asking_peers_own(relay, client):
    async with relay() as running, client(running) as mallory, client(running) as ben:
        victim = Identity.generate().peer_id
        for _ in range(3):
            assert (await mallory.reserve(name=public_key_of(victim))).status == pb.OK
        assert list(running.switchboard.reservations) == [mallory.peer]
        answer, _ = await ben.call(victim)
        assert answer.status == pb.NO_RESERVATION


async def test_an_idle_circuit_ends_at_its_time(relay, client, eventually):
    async with (
        relay(circuit_duration_s=1) as running,
        client(running, waits=True) as anna,
        client(running) as ben,
    ):
        here, there = await ben.circuit(anna)
        started = trio.current_time()
        for end in (here, there):
            with trio.fail_after(3), pytest.raises(ConnectionLost):
                await end.receive_some()
        assert 0.8 < trio.current_time() - started < 2
        await eventually(lambda: running.ledger.endings[Ending.DURATION] == 1)


@pytest.mark.parametrize("to_target", [True, False])
async def test_a_circuit_carries_its_bytes_each_way_and_not_one_more(relay, client, eventually, to_target):
    async with (
        relay(circuit_bytes=100_000) as running,
        client(running, waits=True) as anna,
        client(running) as ben,
    ):
        here, there = await ben.circuit(anna)
        writer, reader = (here, there) if to_target else (there, here)
        await exchange(reader, writer, bytes(60_000))  # the other way has an allowance of its own
        await exchange(writer, reader, bytes(99_999))
        await writer.send_all(b"ab")
        assert await reader.receive_some() == b"a"
        with pytest.raises(ConnectionLost):
            await reader.receive_some()
        await eventually(lambda: running.ledger.endings[Ending.BYTES] == 1)
        assert max(running.ledger.to_target, running.ledger.to_source) == 100_000


async def test_bandwidth_is_shaped(relay, client):
    async with (
        relay(circuit_rate=200_000) as running,
        client(running, waits=True) as anna,
        client(running) as ben,
    ):
        here, there = await ben.circuit(anna)
        async with trio.open_nursery() as nursery:
            started = trio.current_time()
            nursery.start_soon(here.send_all, bytes(600_000))
            got = 0
            while got < 600_000:
                got += len(await there.receive_some())
        assert 0.8 < trio.current_time() - started < 3  # 400,000 at once, the rest in a second


async def test_a_target_that_reads_nothing_stops_its_own_caller_and_nobody_else(relay, client):
    async with (
        relay() as running,
        client(running, waits=True) as deaf,
        client(running, waits=True) as anna,
        client(running) as ben,
    ):
        here, _ = await ben.circuit(deaf)
        with trio.move_on_after(1.0) as sending:
            await here.send_all(bytes(8 << 20))
        assert sending.cancelled_caught
        [circuit] = running.switchboard.circuits.values()
        assert circuit.to_target < 1_000_000  # the target's window, and one part on the way
        await exchange(*await ben.circuit(anna), b"hello")


async def test_one_direction_alone_does_not_last_for_ever(relay, client, eventually):
    async with (
        relay(half_closed_s=0.3) as running,
        client(running, waits=True) as anna,
        client(running) as ben,
    ):
        here, there = await ben.circuit(anna)
        await here.close()
        assert await there.receive_some() == b""
        await eventually(lambda: running.ledger.endings[Ending.HALF_CLOSED] == 1)


@pytest.mark.parametrize(
    ("status", "why"), [(pb.PERMISSION_DENIED, Why.TARGET_REFUSED), (pb.UNUSED, Why.TARGET_REFUSED)]
)
async def test_a_call_that_is_not_taken_fails(relay, client, status, why):
    async with relay() as running, client(running, waits=True) as anna, client(running) as ben:
        anna.answer = status
        answer, _ = await ben.call(anna.peer)
        assert answer.status == pb.CONNECTION_FAILED
        assert running.ledger.refusals[why] == 1
        assert running.switchboard.circuits == {}


async def test_a_call_that_is_not_answered_fails_in_time(relay, client):
    async def silent(stream):
        await trio.sleep_forever()

    async with (
        relay(handshake_s=0.3) as running,
        client(running, waits=True) as anna,
        client(running) as ben,
    ):
        anna.network.handle("/libp2p/circuit/relay/0.2.0/stop", silent)
        with trio.fail_after(2):
            answer, _ = await ben.call(anna.peer)
        assert answer.status == pb.CONNECTION_FAILED
        assert running.ledger.refusals[Why.TARGET_SLOW] == 1


async def test_slow_loris_requests_end_in_time_and_hold_no_place(relay, client, eventually):
    async with relay(handshake_s=0.5, handshakes_per_peer=3) as running, client(running) as mallory:
        streams = [await mallory.hop() for _ in range(3)]
        for stream in streams:
            await stream.send_all(b"\x05")  # five bytes follow, and never do
        await eventually(lambda: running.switchboard._handshakes == {mallory.peer: 3})
        fourth = await mallory.hop()
        assert pb.HopMessage.FromString(await read_message(fourth, 4096)).status == pb.RESOURCE_LIMIT_EXCEEDED
        for stream in streams:
            answer = pb.HopMessage.FromString(await read_message(stream, 4096))
            assert answer.status == pb.MALFORMED_MESSAGE
        assert (await mallory.reserve()).status == pb.OK


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"\xff\xff\xff", pb.MALFORMED_MESSAGE),
        (b"", pb.MALFORMED_MESSAGE),
        (b"x" * 5000, pb.MALFORMED_MESSAGE),
        (pb.HopMessage(type=pb.HopMessage.STATUS).SerializeToString(), pb.UNEXPECTED_MESSAGE),
    ],
)
async def test_what_is_no_request_is_told_so(relay, client, message, status):
    async with relay() as running, client(running) as mallory:
        stream = await mallory.hop()
        await stream.send_all(framed(message))
        assert pb.HopMessage.FromString(await read_message(stream, 4096)).status == status
        assert running.ledger.refusals[Why.MALFORMED] == 1


async def test_a_reservation_ends_when_its_peer_leaves(relay, client, eventually):
    async with relay() as running, client(running) as ben:
        async with client(running, waits=True) as anna:
            assert list(running.switchboard.reservations) == [anna.peer]
        await eventually(lambda: not running.switchboard.reservations)
        answer, _ = await ben.call(anna.peer)
        assert answer.status == pb.NO_RESERVATION


class Left:
    """A stream whose peer asked for a place and was gone before the question was read."""

    address = "/ip4/192.0.2.1/tcp/1"

    def __init__(self):
        self.peer = Identity.generate().peer_id
        self._rest = framed(pb.HopMessage(type=pb.HopMessage.RESERVE).SerializeToString())

    def keep_window_small(self):
        pass

    async def receive_some(self, max_bytes=65536):
        taken, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
        return taken

    async def send_all(self, data):
        raise ConnectionLost("the peer is gone")


async def test_who_left_before_its_request_was_read_holds_no_place(relay):
    async with relay() as running:
        with suppress(ConnectionLost):
            await running.hop.serve(Left())
        assert not running.switchboard.reservations


async def test_whoever_is_blocked_while_here_is_turned_out_and_stays_out(relay, client, eventually):
    async with relay() as running, client(running, waits=True) as mallory, client(running) as ben:
        here, _ = await ben.circuit(mallory)
        blocked = AccessConfig(block=(mallory.peer,))
        await running.reconfigure(RelayConfig(access=blocked, limits=Limits()))
        with pytest.raises(ConnectionLost):
            await here.receive_some()
        await eventually(lambda: [c.peer for c in running.network.connections()] == [ben.peer])
        assert running.switchboard.reservations == {}


async def test_a_draining_relay_finishes_what_it_carries_and_takes_nothing_new(relay, client, eventually):
    async with relay() as running, client(running, waits=True) as anna, client(running) as ben:
        here, there = await ben.circuit(anna)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.drain, 5.0)
            await eventually(lambda: running.switchboard.draining)
            answer, _ = await ben.call(anna.peer)
            assert answer.status == pb.RESOURCE_LIMIT_EXCEEDED
            assert (await anna.reserve()).status == pb.RESERVATION_REFUSED
            await exchange(here, there, b"hello")
            await here.close()
            await there.close()
        assert running.ledger.endings[Ending.FINISHED] == 1


async def test_draining_ends_when_its_time_is_over(relay, client):
    async with relay() as running, client(running, waits=True) as anna, client(running) as ben:
        here, _ = await ben.circuit(anna)
        await running.drain(0.2)
        with pytest.raises(ConnectionLost):
            await here.receive_some()
        assert running.ledger.endings[Ending.STOPPED] == 1
