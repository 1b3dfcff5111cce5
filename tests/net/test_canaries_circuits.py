"""Defects of py-libp2p 0.8.1 around circuits that we work around: each test fails when the library is mended.

Then the workaround it names can go. Our side is tested in `test_circuits.py`, `test_identify.py`, `test_punching.py`.
"""

import inspect
from types import SimpleNamespace

import pytest
from libp2p.identity.identify import identify
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.relay.circuit_v2 import dcutr
from multiaddr import Multiaddr

from whatnext.identity import Identity

RELAY, PEER = Identity.generate().peer_id, Identity.generate().peer_id
CIRCUIT = Multiaddr(f"/ip4/192.0.2.1/tcp/4001/p2p/{RELAY}/p2p-circuit")


def test_identify_tells_a_relayed_peer_a_circuit_without_a_host_as_its_own_address():
    """js-libp2p throws on it, and its identify never completes. Ours: `identify/service.py` says nothing then."""
    hostless = Multiaddr(f"/p2p/{RELAY}/p2p-circuit")
    conn = SimpleNamespace(get_transport_addresses=lambda: [hostless])
    peer = ID.from_string(PEER)
    host = SimpleNamespace(get_network=lambda: SimpleNamespace(connections={peer: [conn]}))
    assert identify._prefer_circuit_addr(host, peer, None) == hostless


@pytest.mark.real
async def test_a_hosts_own_circuit_address_becomes_an_address_of_the_relay_with_our_id(stock):
    """So whoever dials it meets the wrong peer. Ours: `identify/service.py` and `Network.addresses`."""
    async with stock() as host:
        host._addrs_factory = lambda _: [CIRCUIT]
        assert [str(address) for address in host.get_addrs()] == [
            f"/ip4/192.0.2.1/tcp/4001/p2p/{host.get_id()}"
        ]


@pytest.mark.real
async def test_a_circuit_address_cannot_be_dialled(stock):
    """Ours: `circuits/client.py`."""
    async with stock() as host:
        with pytest.raises(Exception, match="relay-only"):
            await host.connect(PeerInfo(ID.from_string(PEER), [CIRCUIT]))


def test_both_sides_start_a_hole_punch():
    """The spec lets only the side start that was called. Ours: `punching/puncher.py`."""
    assert "inbound" not in inspect.getsource(dcutr.DCUtRProtocol._auto_drive_loop).lower()
