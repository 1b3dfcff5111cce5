"""Why the relay is our own: py-libp2p 0.8.1's server as it comes. When one of these fails, look at `whatnext.relay`.

docs/notes/note-261122-stock-relay-defects.md tells of each.
"""

from contextlib import asynccontextmanager

import pytest
import trio
from libp2p import new_host
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.protocol import CircuitV2Protocol
from libp2p.relay.circuit_v2.resources import RelayLimits
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from whatnext.errors import ConnectionLost
from whatnext.identity import Identity, public_key_of

from .conftest import Where

pytestmark = pytest.mark.real


@asynccontextmanager
async def stock_relay(duration=3600, data=1 << 30):
    """py-libp2p's own relay on loopback, and its protocol object."""
    listen = [Multiaddr("/ip4/127.0.0.1/tcp/0")]
    host = new_host(listen_addrs=listen)
    limits = RelayLimits(duration=duration, data=data, max_circuit_conns=16, max_reservations=4)
    async with host.run(listen):
        protocol = CircuitV2Protocol(host, limits=limits, allow_hop=True)
        async with background_trio_service(protocol):
            await protocol.event_started.wait()
            yield Where(str(host.get_id()), [str(address) for address in host.get_addrs()]), protocol
        with trio.move_on_after(1):
            await host.close()


async def ends_within(stream, seconds):
    """Whether the other side ended it."""
    with trio.move_on_after(seconds):
        try:
            return not await stream.receive_some()
        except ConnectionLost:
            return True
    return False


async def test_one_dialler_leaving_ends_anothers_circuit(client):  # relay/carrying.py
    async with (
        stock_relay() as (where, _),
        client(where, waits=True) as target,
        client(where) as later,
    ):
        async with client(where) as earlier:
            _, left_alone = await earlier.circuit(target)
            theirs, _ = await later.circuit(target)
        assert not await ends_within(left_alone, 0.5)  # the one called is not even told
        await left_alone.reset()
        assert await ends_within(theirs, 5)


async def test_a_reserve_message_takes_a_place_in_anothers_name(client):  # relay/messages.py
    victim = Identity.generate()
    name = b"\x00\x24\x08\x01\x12\x20" + public_key_of(victim.peer_id)
    async with stock_relay() as (where, protocol), client(where) as mallory:
        await mallory.reserve(name=name)
        assert ID.from_string(victim.peer_id) in protocol.resource_manager._reservations


async def test_an_idle_circuit_outlives_its_time(client):  # relay/carrying.py
    async with (
        stock_relay(duration=1) as (where, _),
        client(where, waits=True) as target,
        client(where) as one,
    ):
        here, _ = await one.circuit(target)
        assert not await ends_within(here, 1.5)
