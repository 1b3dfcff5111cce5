"""A near address that swallows everything, as one of somebody else's network does, is given up soon."""

import pytest
import trio
from libp2p.transport.tcp.tcp import TCP
from multiaddr import Multiaddr

from whatnext.net.transports import NEAR_TCP_S, SafeTCP


@pytest.mark.parametrize(
    ("address", "given_up"),
    [("/ip4/10.3.0.2/tcp/4001", True), ("/ip4/127.0.0.1/tcp/4001", True), ("/ip4/8.8.8.8/tcp/4001", False)],
)
async def test_only_near_addresses_have_little_time_to_accept(monkeypatch, autojump_clock, address, given_up):
    async def swallow(self, maddr):
        await trio.sleep(2 * NEAR_TCP_S)
        raise OSError("later than anybody near")

    monkeypatch.setattr(TCP, "dial", swallow)
    began = trio.current_time()
    with pytest.raises(trio.TooSlowError if given_up else OSError):
        await SafeTCP().dial(Multiaddr(address))
    assert trio.current_time() - began == pytest.approx(NEAR_TCP_S if given_up else 2 * NEAR_TCP_S)
