"""Which addresses a WebRTC-direct listener says it has: py-libp2p 0.8.1's, and ours."""

import pytest

pytest.importorskip("aiortc", reason="WebRTC needs the extra `webrtc`")

from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.transport.webrtc.config import WebRTCTransportConfig
from libp2p.transport.webrtc.transport import WebRTCDirectTransport
from multiaddr import Multiaddr

from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.net.addresses import interface_ips
from whatnext.net.host import LIBP2P_VERSION

pytestmark = pytest.mark.real

EVERYWHERE = "/ip4/0.0.0.0/udp/0/webrtc-direct"


async def nobody(connection):
    raise AssertionError("nobody dials here")


async def test_stock_replaces_the_wildcard_once_and_for_ever():
    """net/webrtc_transport.py: `SafeWebRtcListener` leaves it, so that a change of network is followed."""
    transport = WebRTCDirectTransport(create_new_key_pair().private_key, WebRTCTransportConfig())
    listener = transport.create_listener(nobody)
    try:
        await listener.listen(Multiaddr(EVERYWHERE))
        assert not any("/0.0.0.0/" in str(address) for address in listener.get_addrs()), LIBP2P_VERSION
    finally:
        await listener.close()
        await transport.close()


@pytest.mark.parametrize("listen", [EVERYWHERE, "/ip4/127.0.0.1/udp/0/webrtc-direct"])
async def test_ours_announces_the_interfaces_of_its_own_family(listen):
    async with open_network(Identity.generate(), NetConfig(listen=(listen,))) as network:
        ips = {address.split("/")[2] for address in network.addresses()}
        wanted = {ip for ip in interface_ips() if ":" not in ip} if "0.0.0.0" in listen else {"127.0.0.1"}
        assert ips == wanted
        assert all("/certhash/" in address for address in network.addresses())
