"""A router that forwards ports when asked: what hole punching cannot do, it does."""

import sys
from pathlib import Path

import pytest

from whatnext.lab import Lab, why_not
from whatnext.lab.homes import NODE_PORT, Router, TwoHomes
from whatnext.lab.whole_node import wait_until

pytestmark = [pytest.mark.real, pytest.mark.soak]

FAKE_IGD = Path(__file__).parents[1] / "helpers" / "fake_igd.py"


@pytest.fixture
def lab():
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        yield lab


def test_behind_a_router_with_upnp_a_node_is_reached_directly_and_the_port_is_given_back(lab, tmp_path):
    homes = TwoHomes(lab, Router.RANDOM, Router.RANDOM, tmp_path)
    router = homes.ben.router_host
    inside, outside = router.addresses
    igd = router.popen([sys.executable, str(FAKE_IGD), inside, outside, "eth1"])
    homes.start()
    node = homes.ben.node
    forwarded = f"/ip4/{outside}/tcp/{NODE_PORT}/p2p/{node.peer}"
    wait_until(lambda: forwarded in node.ask("node.status")["addresses"], 10, "the port is forwarded")
    link = homes.invite()
    assert f"addr=/ip4/{outside}/tcp/{NODE_PORT}" in link
    homes.join(link)
    assert homes.paths() == {"direct"}
    assert "dnat to" in router.run(["nft", "list", "chain", "ip", "whatnext", "forwarded"])
    node.stop()
    assert "dnat to" not in router.run(["nft", "list", "chain", "ip", "whatnext", "forwarded"])
    assert igd.poll() is None
