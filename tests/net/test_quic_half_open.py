"""Handshakes over QUIC that nobody finishes: how many are kept, over all addresses and of one."""

import socket
import time

import pytest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from whatnext.errors import NetworkError
from whatnext.net.quic_transport import _HALF_OPEN, _HALF_OPEN_PER_IP, SafeQuicListener

pytestmark = pytest.mark.real

LISTEN = ("/ip4/127.0.0.1/udp/0/quic-v1",)


def knock(port, source, times):
    """Begin so many handshakes from this address, each from a port of its own, and go on with none."""
    for _ in range(times):
        begun = QuicConnection(configuration=QuicConfiguration(alpn_protocols=["libp2p"]))
        begun.connect(("127.0.0.1", port), now=time.time())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            for data, _ in begun.datagrams_to_send(now=time.time()):
                sender.sendto(data, ("127.0.0.1", port))


def half_open(network):
    [listener] = [each for each in network._swarm.listeners.values() if isinstance(each, SafeQuicListener)]
    registry = listener._registry
    return [registry._connection_id_to_addr[cid][0] for cid in registry._pending]


@pytest.fixture
def serving(node):
    return lambda: node(listen=LISTEN)


async def test_one_address_keeps_few_handshakes_half_open_and_another_one_gets_in(serving, node, eventually):
    async with serving() as there, node(listen=LISTEN) as here:
        port = int(there.addresses()[0].split("/")[4])
        knock(port, "127.0.0.2", 2 * _HALF_OPEN)
        await eventually(lambda: half_open(there).count("127.0.0.2") == _HALF_OPEN_PER_IP)
        await here.dial(there.peer, there.addresses())  # from 127.0.0.1, after all that was sent before
        assert half_open(there).count("127.0.0.2") == _HALF_OPEN_PER_IP


async def test_many_addresses_together_keep_no_more_than_the_maximum_half_open(serving, node, eventually):
    async with serving() as there, node(listen=LISTEN) as here:
        port = int(there.addresses()[0].split("/")[4])
        for number in range(2, 12):
            knock(port, f"127.0.0.{number}", _HALF_OPEN_PER_IP)
        await eventually(lambda: len(half_open(there)) == _HALF_OPEN)
        with pytest.raises(NetworkError):
            await here.dial(there.peer, there.addresses())
        assert len(half_open(there)) == _HALF_OPEN
