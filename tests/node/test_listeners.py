"""What a device's own addresses mean to people: the transport, and from where they can be dialled."""

from whatnext.identity import Identity
from whatnext.node.operations import listeners_of

PEER = Identity(bytes(32)).peer_id


def test_each_address_says_its_transport_and_how_far_it_reaches():
    addresses = [
        f"/ip4/127.0.0.1/tcp/4001/p2p/{PEER}",
        f"/ip4/192.168.1.7/tcp/4002/ws/p2p/{PEER}",
        f"/ip6/fd00::7/udp/4001/quic-v1/p2p/{PEER}",
        f"/ip4/8.8.8.8/tcp/4001/p2p/{PEER}",
        f"/dns4/home.example/tcp/443/wss/p2p/{PEER}",
        f"/ip4/192.168.1.9/tcp/4001/p2p/{PEER}/p2p-circuit/p2p/{PEER}",
    ]
    found = listeners_of(addresses)
    assert [each.address for each in found] == addresses
    assert [(each.transport, each.reach) for each in found] == [
        ("tcp", "device"),
        ("ws", "network"),
        ("quic-v1", "network"),
        ("tcp", "internet"),
        ("wss", "internet"),
        ("relay", "relay"),
    ]
