"""`whatnext relay check`: every step on a relay that works, and what it says of one that does not."""

import pytest
import trio

from whatnext.errors import UserError
from whatnext.identity import Identity
from whatnext.net import NetConfig, open_network
from whatnext.relay.check import check_relay
from whatnext.relay.config import AccessConfig

pytestmark = pytest.mark.real

TOKEN = "sixteen letters!"


async def checked(address, token=None):
    steps = []
    with trio.fail_after(20):
        report = await check_relay(address, token, steps.append)
    assert report.steps == steps
    assert report.problems == sum(step.verdict != "ok" for step in steps)
    return {step.check: step for step in steps}


@pytest.mark.parametrize("transport", ["tcp", "ws"])
async def test_a_relay_that_works_passes_every_step(relay, transport, eventually):
    async with relay() as running:
        [address] = [a for a in running.network.addresses() if ("/ws" in a) == (transport == "ws")]
        steps = await checked(address)
        assert {name: step.verdict for name, step in steps.items()} == dict.fromkeys(
            ["connect", "ping", "services", "reserve", "circuit", "through it"], "ok"
        )
        assert steps["services"].seen.endswith(": relay, rendezvous, DHT, dial-back")
        assert "67,108,864 bytes" in steps["reserve"].seen
        assert running.ledger.circuits_opened == 1
        await eventually(lambda: not running.network.connections())
        await eventually(lambda: not running.switchboard.reservations and not running.switchboard.circuits)


async def test_nobody_there_and_somebody_else_there_are_told_apart(relay, dead_port):
    other = Identity.generate().peer_id
    steps = await checked(f"/ip4/127.0.0.1/tcp/{dead_port}/p2p/{other}")
    assert (list(steps), steps["connect"].verdict) == (["connect"], "problem")
    assert "nothing listens there" in steps["connect"].seen
    assert "firewall" in steps["connect"].next
    async with relay() as running:
        wrong = running.network.addresses()[0].rpartition("/")[0] + f"/{other}"
        connect = (await checked(wrong))["connect"]
        assert "another peer answered" in connect.seen
        assert "ask its host" in connect.next
        assert "firewall" not in connect.next


async def test_a_node_is_no_relay():
    async with open_network(Identity.generate(), NetConfig(listen=("/ip4/127.0.0.1/tcp/0",))) as network:
        steps = await checked(network.addresses()[0])
    assert list(steps) == ["connect", "ping", "services"]
    assert "is no relay" in steps["services"].seen


async def test_a_token_is_tried_and_its_lack_named(relay):
    async with relay(AccessConfig(mode="token", tokens=(TOKEN,))) as running:
        address = running.network.addresses()[0]
        without = await checked(address)
        assert without["reserve"].verdict == "problem"
        assert "--token" in without["reserve"].next
        wrong = await checked(address, "another sixteen!")
        assert "does not know that token" in wrong["token"].seen
        right = await checked(address, TOKEN)
        assert right["through it"].verdict == "ok"


async def test_a_relay_that_is_full_is_told_as_such(relay, client):
    async with relay(reservations=1) as running, client(running, waits=True):
        steps = await checked(running.network.addresses()[0])
        assert steps["reserve"].verdict == "problem"


@pytest.mark.parametrize("address", ["relay.example", "/ip4/127.0.0.1/tcp/1", "", "/p2p-circuit/p2p/x"])
async def test_what_is_no_relays_address_is_refused(address):
    with pytest.raises(UserError):
        await check_relay(address, None, print)
