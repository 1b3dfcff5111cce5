"""Why there is a dial-back of our own: py-libp2p 0.8.1's AutoNAT, shown to be wrong still.

If this fails, `whatnext.net.dialback` may be replaced by AutoNAT, which other libp2p nodes speak as well.
"""

import pytest
from libp2p.host.autonat.autonat import AutoNATService
from libp2p.host.autonat.pb.autonat_pb2 import Message
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr

pytestmark = pytest.mark.real


async def test_an_address_where_nobody_listens_is_reached_since_the_connection_that_is_there_answers(
    stock, dead_port
):
    async with stock() as asker, stock() as serving:
        AutoNATService(serving)
        client = AutoNATService(asker, serve=False)
        await asker.connect(PeerInfo(serving.get_id(), serving.get_addrs()))
        nobody = Multiaddr(f"/ip4/127.0.0.1/tcp/{dead_port}").to_bytes()
        status, address = await client.query_server(serving.get_id(), [nobody])
        assert (status, address) == (Message.OK, nobody)
