"""Clients that do anything in any order leave nothing behind: no place, no circuit, no task, no stream."""

import random
from contextlib import AsyncExitStack

import pytest
import trio
import trio.testing
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb

from whatnext.errors import ConnectionLost, NetworkError

pytestmark = pytest.mark.real

CLIENTS, STEPS = 5, 40


async def misbehave(rng, me, others, ends):
    """One step of one client; `ends` are the circuits' streams it holds."""
    step = rng.randrange(7)
    if step == 0:
        await me.reserve()
    elif step in (1, 2):
        answer, stream = await me.call(rng.choice(others).peer)
        if answer.status == pb.OK:
            ends.append(stream)
    elif step == 3 and ends:
        await ends.pop(rng.randrange(len(ends))).reset()
    elif step == 4 and ends:
        await ends.pop(rng.randrange(len(ends))).close()
    elif step == 5 and ends:
        await rng.choice(ends).send_all(bytes(rng.randrange(5000)))
    else:
        stream = await me.hop()
        await stream.send_all(rng.randbytes(rng.randrange(1, 20)))
        await stream.reset()


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 12))])
async def test_whatever_clients_do_nothing_is_left_when_they_are_gone(relay, client, eventually, seed):
    settings = {"handshake_s": 0.5, "circuits": 6, "half_closed_s": 0.2, "requests_per_peer": 20.0}
    async with relay(requests_per_ip=100.0, calls_per_target=50.0, **settings) as running:
        await trio.testing.wait_all_tasks_blocked()  # its own have started
        tasks_before = trio.lowlevel.current_statistics().tasks_living
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(client(running, waits=True)) for _ in range(CLIENTS)]

            async def live(number):
                rng, ends = random.Random(f"{seed} {number}"), []
                others = [each for each in clients if each is not clients[number]]
                for _ in range(STEPS):
                    try:
                        await misbehave(rng, clients[number], others, ends)
                    except (ConnectionLost, NetworkError):
                        ends.clear()  # the other side, or the relay, ended one of them

            with trio.fail_after(30):
                async with trio.open_nursery() as living:
                    for number in range(CLIENTS):
                        living.start_soon(live, number)
        board = running.switchboard
        await eventually(lambda: not running.network.connections())
        await eventually(lambda: not board.circuits and not running.hop._carrying and not board._handshakes)
        await eventually(lambda: not board.reservations)
        assert running.ledger.circuits_opened == sum(running.ledger.endings.values()) > 0
        await eventually(lambda: trio.lowlevel.current_statistics().tasks_living <= tasks_before)
