"""Why rendezvous and the DHT are our own: defects of stock py-libp2p 0.8.1, shown to be still there.

A test that FAILS here is good news: see the ADRs `own-dht` and `discovery-strategy` and think again.
"""

import pytest
import varint
from libp2p.discovery.rendezvous.pb.rendezvous_pb2 import Message as Rendezvous
from libp2p.discovery.rendezvous.service import RendezvousService
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr

from whatnext.identity import Identity

pytestmark = pytest.mark.real

KAD = "/ipfs/kad/1.0.0"
TRAP = Multiaddr("/ip4/203.0.113.1/tcp/1")


def somebody():
    return ID.from_string(Identity.generate().peer_id)


def info(host):
    return PeerInfo(host.get_id(), host.get_addrs())


async def test_a_rendezvous_entry_is_not_signed_and_nothing_bounds_the_namespaces_of_a_peer(stock):
    assert (
        "signedPeerRecord" not in Rendezvous.Register.DESCRIPTOR.fields_by_name
    )  # the specification's field
    async with stock() as host:
        service, peer = RendezvousService(host), somebody()
        for number in range(2000):
            asked = Rendezvous.Register(ns=f"space {number}", ttl=7200)
            asked.peer.id = peer.to_bytes()
            asked.peer.addrs.append(TRAP.to_bytes())
            assert service._handle_register(peer, asked).registerResponse.status == 0
        assert len(service.registrations) == 2000


async def test_the_dht_has_the_protocol_id_of_ipfs_whatever_it_is_told(stock):
    async with stock() as host:
        KadDHT(host, DHTMode.SERVER, protocol_prefix="/whatnext")
        protocols = host.get_mux().get_protocols()
        assert KAD in protocols
        assert "/whatnext/kad/1.0.0" not in protocols


async def test_the_dht_believes_addresses_that_nobody_signed(stock):
    victim = somebody()

    async def lie(stream):
        await stream.read(1)
        answer = Message(type=Message.FIND_NODE)
        answer.closerPeers.add(id=victim.to_bytes(), addrs=[TRAP.to_bytes()])
        data = answer.SerializeToString()
        await stream.write(varint.encode(len(data)) + data)

    async with stock() as liar, stock() as asking:
        liar.set_stream_handler(KAD, lie)
        await asking.connect(info(liar))
        dht = KadDHT(asking, DHTMode.CLIENT)
        assert await dht.peer_routing._query_peer_for_closest(liar.get_id(), victim.to_bytes()) == [victim]
        assert asking.get_peerstore().addrs(victim) == [TRAP]


async def test_the_dht_takes_who_merely_asks_for_a_server(stock, eventually):
    async with stock() as serving, stock() as asking:
        server = KadDHT(serving, DHTMode.SERVER)
        await asking.connect(info(serving))
        client = KadDHT(asking, DHTMode.CLIENT)
        await client.peer_routing._query_peer_for_closest(serving.get_id(), somebody().to_bytes())
        await eventually(lambda: server.routing_table.peer_in_table(asking.get_id()))


async def test_a_lookup_dials_everybody_in_the_peerstore_whatever_they_speak(stock, eventually):
    async with stock() as bystander, stock() as asking:
        asking.get_peerstore().add_addrs(bystander.get_id(), bystander.get_addrs(), 600)
        dht = KadDHT(asking, DHTMode.CLIENT)
        assert await dht.peer_routing.find_peer(somebody()) is None
        await eventually(lambda: bystander.get_network().get_connections())
