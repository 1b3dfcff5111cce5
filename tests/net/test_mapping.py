"""Ports forwarded by the router, with a router made up here and a clock that jumps."""

import sys

import pytest
import trio

from whatnext.errors import NetworkError
from whatnext.lab import Lab, why_not
from whatnext.net.mapping import mapper as module
from whatnext.net.mapping.mapper import LEASE_S, RETRY_S, Mapper, needed

HOME = ["/ip4/192.168.1.7/tcp/4001", "/ip4/192.168.1.7/tcp/4002/ws", "/ip4/127.0.0.1/tcp/4001"]


class Router:
    """Answers as told; `forwarded` are its rules."""

    def __init__(self, outside="8.8.8.8", taken=(), leases=True):
        self.outside, self.taken, self.leases = outside, set(taken), leases
        self.forwarded, self.asked = {}, 0

    def find(self):
        self.asked += 1
        if self.outside is None:
            raise NetworkError("no router answers")
        return self.outside

    def forward(self, port, outside, for_s):
        if outside in self.taken or (for_s and not self.leases):
            raise NetworkError("no")
        self.forwarded[outside] = (port, for_s)

    def stop(self, outside):
        del self.forwarded[outside]


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch):
    async def at_once(work):
        await trio.lowlevel.checkpoint()
        return work()

    monkeypatch.setattr(module, "_in_thread", at_once)


class Run:
    def __init__(self, router, addresses=HOME):
        self.here, self.changes = list(addresses), 0
        self.mapper = Mapper(router, lambda: self.here, self.changed)

    def changed(self):
        self.changes += 1


async def running(run, nursery):
    nursery.start_soon(run.mapper.run)
    await trio.testing.wait_all_tasks_blocked()


async def test_both_ports_are_forwarded_announced_renewed_and_taken_back(autojump_clock):
    router = Router()
    run = Run(router)
    async with trio.open_nursery() as nursery:
        await running(run, nursery)
        assert run.mapper.addresses() == ["/ip4/8.8.8.8/tcp/4001", "/ip4/8.8.8.8/tcp/4002/ws"]
        assert router.forwarded == {4001: (4001, LEASE_S), 4002: (4002, LEASE_S)}
        await trio.sleep(LEASE_S / 2 + 1)
        assert (router.asked, run.changes) == (2, 1)
        nursery.cancel_scope.cancel()
    assert router.forwarded == {}


async def test_a_port_that_another_device_has_is_replaced_by_the_next(autojump_clock):
    run = Run(Router(taken=[4001]), HOME[:1])
    async with trio.open_nursery() as nursery:
        await running(run, nursery)
        assert run.mapper.addresses() == ["/ip4/8.8.8.8/tcp/4002"]
        nursery.cancel_scope.cancel()


async def test_a_port_that_had_to_move_does_not_take_the_place_of_our_other_one(autojump_clock):
    router = Router(taken=[4001])
    run = Run(router)
    async with trio.open_nursery() as nursery:
        await running(run, nursery)
        assert run.mapper.addresses() == ["/ip4/8.8.8.8/tcp/4002", "/ip4/8.8.8.8/tcp/4003/ws"]
        assert {there: port for there, (port, _) in router.forwarded.items()} == {4002: 4001, 4003: 4002}
        nursery.cancel_scope.cancel()


async def test_a_port_that_is_forwarded_is_used_and_taken_back_also_when_the_other_is_refused(autojump_clock):
    router = Router(taken=[4002, 4003, 4004])
    run = Run(router)
    async with trio.open_nursery() as nursery:
        await running(run, nursery)
        assert run.mapper.addresses() == ["/ip4/8.8.8.8/tcp/4001"]
        assert run.mapper.problem is not None
        nursery.cancel_scope.cancel()
    assert router.forwarded == {}


async def test_a_router_without_leases_is_asked_for_a_lasting_rule(autojump_clock):
    router = Router(leases=False)
    run = Run(router, HOME[:1])
    async with trio.open_nursery() as nursery:
        await running(run, nursery)
        assert router.forwarded == {4001: (4001, 0)}
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("router", "problem"),
    [
        (Router(outside=None), "no router answers"),
        (Router(outside="100.64.3.4"), "behind another one: its own address is 100.64.3.4"),
        (Router(outside=""), "its own address is unknown"),
        (Router(taken=range(4000, 4100)), "no"),
    ],
)
async def test_without_a_forwarded_port_the_reason_is_told_and_it_is_tried_again_later(
    autojump_clock, router, problem
):
    run = Run(router)
    async with trio.open_nursery() as nursery:
        await running(run, nursery)
        assert run.mapper.problem.endswith(problem)
        assert (run.mapper.addresses(), router.asked) == ([], 1)
        await trio.sleep(RETRY_S - 10)
        assert router.asked == 1
        await trio.sleep(20)
        assert router.asked == 2
        nursery.cancel_scope.cancel()


async def test_on_another_network_its_router_is_asked(autojump_clock):
    router = Router()
    run = Run(router)
    async with trio.open_nursery() as nursery:
        await running(run, nursery)
        run.here, router.outside = ["/ip4/10.0.0.9/tcp/4001"], "9.9.9.9"
        await trio.sleep(10)
        assert run.mapper.addresses() == ["/ip4/9.9.9.9/tcp/4001"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("listening", "ports"),
    [
        (HOME, {4001: "", 4002: "/ws"}),
        (["/ip4/8.8.8.8/tcp/4001", *HOME], {}),
        (["/ip4/127.0.0.1/tcp/4001"], {}),
        (["/ip6/fd00::1/tcp/4001", "/ip4/192.168.1.7/udp/4001/quic-v1"], {}),
    ],
)
def test_only_ports_of_a_near_network_need_forwarding(listening, ports):
    assert needed(listening) == ports


LOOK = """
from whatnext.errors import NetworkError
from whatnext.net.mapping.gateway import UpnpGateway
try:
    UpnpGateway().find()
except NetworkError as error:
    print(error)
"""


@pytest.mark.real
def test_a_device_without_a_route_asks_no_router_and_its_terminal_stays_clean():
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        alone = lab.host("alone")
        lab.lan("island").attach(alone)
        told = alone.run(["sh", "-c", 'exec "$0" -c "$1" 2>&1', sys.executable, LOOK])
    assert told.splitlines() == [
        "this network leads to no router that could be asked (Network is unreachable)"
    ]
