"""The race between a peer's addresses, with a clock that jumps and no network."""

import pytest
import trio

from whatnext.net.dialing import AGAIN_S, MAX_ADDRESSES, Pool, plan, race

ME, YOU = "12D3KooWMe", "12D3KooWYou"


class Line:
    """Pretends to dial: each address answers after a time, or fails with an error."""

    def __init__(self, **answers):
        self.answers = answers
        self.started = {}
        self.cancelled = []
        self.discarded = []

    async def attempt(self, path):
        address = path[1:]
        self.started[address] = trio.current_time()
        after, error = self.answers[address]
        try:
            await trio.sleep(after)
        except trio.Cancelled:
            self.cancelled.append(address)
            raise
        if error is not None:
            raise error
        return address

    async def discard(self, result):
        self.discarded.append(result)
        await trio.lowlevel.checkpoint()

    async def race(self, again=lambda address: False):
        self.begun = trio.current_time()
        pool = Pool.of(YOU, [f"/{name}" for name in self.answers])
        return await race(pool, self.attempt, self.discard, stagger_s=0.15, timeout_s=10, again=again)

    def delay(self, address):
        return round(self.started[address] - self.begun, 6)


async def test_a_quick_first_address_wins_before_the_second_is_tried(autojump_clock):
    line = Line(first=(0.1, None), second=(0, None))
    outcome = await line.race()
    assert (outcome.winner, list(line.started)) == ("first", ["first"])


async def test_a_slow_address_gets_company_after_its_head_start(autojump_clock):
    line = Line(slow=(5, None), quick=(0.1, None))
    outcome = await line.race()
    assert outcome.winner == "quick"
    assert line.delay("quick") == 0.15
    assert line.cancelled == ["slow"]
    assert round(trio.current_time() - line.begun, 6) == 0.25


async def test_a_failed_address_gives_its_turn_to_the_next_at_once(autojump_clock):
    line = Line(dead=(0.01, ConnectionRefusedError(111, "refused")), live=(0, None))
    outcome = await line.race()
    assert outcome.winner == "live"
    assert line.delay("live") == 0.01


async def test_when_all_fail_every_reason_is_known(autojump_clock):
    line = Line(
        refused=(0, ConnectionRefusedError(111, "refused")), silent=(60, None), odd=(0, RuntimeError("odd"))
    )
    outcome = await line.race()
    assert outcome.winner is None
    reasons = {failure.address[1:]: failure.reason for failure in outcome.failures}
    assert reasons["refused"].startswith("refused")
    assert reasons["silent"] == "timed out after 10 s"
    assert reasons["odd"] == "odd"


class Relay(Line):
    """A line on which the address `circuit` is refused until a time after the beginning."""

    def __init__(self, back_after, **others):
        super().__init__(circuit=(0, None), **others)
        self.back_after = back_after
        self.tries = []

    async def attempt(self, path):
        if path == "/circuit":
            self.tries.append(trio.current_time() - self.begun)
            if self.tries[-1] < self.back_after:
                raise ConnectionRefusedError(111, "refused")
        return await super().attempt(path)

    async def race_again(self):
        return await self.race(again=lambda address: address == "/circuit")


async def test_a_relay_that_is_back_before_a_silent_address_is_given_up_is_found_in_time(autojump_clock):
    line = Relay(5, silent=(60, None))
    outcome = await line.race_again()
    assert outcome.winner == "circuit"
    assert trio.current_time() - line.begun < 5 + AGAIN_S
    assert line.cancelled == ["silent"]


async def test_what_is_tried_again_holds_nothing_up_and_its_reason_is_told_once(autojump_clock):
    line = Relay(99, silent=(60, None))
    outcome = await line.race_again()
    assert outcome.winner is None
    assert round(trio.current_time() - line.begun, 6) == 10
    assert 10 / AGAIN_S <= len(line.tries) <= 10 / AGAIN_S + 1
    assert [failure.address for failure in outcome.failures] == ["/circuit", "/silent"]


async def test_alone_it_is_tried_once(autojump_clock):
    line = Relay(99)
    await line.race_again()
    assert len(line.tries) == 1


async def test_a_second_success_that_came_too_late_to_cancel_is_discarded(autojump_clock):
    class Stubborn(Line):
        async def attempt(self, path):
            with trio.CancelScope(shield=path == "/stubborn"):
                return await super().attempt(path)

    line = Stubborn(winner=(0.2, None), stubborn=(0.1, None))
    outcome = await line.race()
    assert (outcome.winner, line.discarded) == ("winner", ["stubborn"])


async def test_nothing_to_try_is_no_winner():
    assert (
        await race(Pool.of(YOU, []), Line().attempt, Line().discard, stagger_s=1, timeout_s=1)
    ).winner is None


def test_the_plan_strips_the_peer_and_sorts():
    wanted, failures = plan(YOU, [f"/ip4/8.8.8.8/tcp/1/p2p/{YOU}", f"/ip4/10.0.0.1/tcp/1/p2p/{YOU}"])
    assert wanted == ["/ip4/10.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/1"]
    assert failures == []


def test_the_plan_dials_nobody_else():
    wanted, [failure] = plan(YOU, [f"/ip4/10.0.0.1/tcp/1/p2p/{ME}"])
    assert wanted == []
    assert failure.wrong_peer
    assert ME in failure.reason


@pytest.mark.parametrize("junk", ["", "10.0.0.1:4001", "http://example.net"])
def test_the_plan_says_what_is_no_address(junk):
    wanted, [failure] = plan(YOU, [junk])
    assert wanted == []
    assert "not a multiaddr" in failure.reason


def test_the_plan_keeps_a_circuit_whole_and_puts_it_last():
    circuit = f"/ip4/8.8.8.8/tcp/1/p2p/{ME}/p2p-circuit"
    wanted, failures = plan(YOU, [f"{circuit}/p2p/{YOU}", "/ip4/8.8.4.4/tcp/1"])
    assert (wanted, failures) == (["/ip4/8.8.4.4/tcp/1", circuit], [])


def test_many_direct_addresses_do_not_crowd_out_the_relays():
    direct = [f"/ip4/8.8.8.8/tcp/{port}" for port in range(1, 41)]
    relayed = [f"/ip4/9.9.9.9/tcp/{port}/p2p/{ME}/p2p-circuit" for port in range(1, 41)]
    wanted, failures = plan(YOU, [*direct, *relayed])
    assert wanted == [*direct[:12], *relayed[:4]]
    assert len(failures) == 80 - 16


def test_the_plan_is_bounded_and_says_what_it_left_out():
    wanted, failures = plan(YOU, [f"/ip4/10.0.0.1/tcp/{port}" for port in range(1, 101)])
    assert len(wanted) == MAX_ADDRESSES
    assert len(failures) == 100 - MAX_ADDRESSES


async def test_addresses_that_come_later_are_tried_as_they_come(autojump_clock):
    line, pool = Line(early=(60, None), late=(0.1, None)), Pool(YOU)
    line.begun = trio.current_time()
    pool.add(["/early"])
    async with trio.open_nursery() as nursery:

        async def later():
            await trio.sleep(2)
            pool.add(["/late", "/early"], "rendezvous")

        nursery.start_soon(later)
        outcome = await race(pool, line.attempt, line.discard, stagger_s=0.15, timeout_s=10)
    assert (outcome.winner, line.cancelled, line.delay("late")) == ("late", ["early"], 2)
    assert (pool.origin_of("/late"), pool.origin_of("/early")) == ("rendezvous", "")


async def test_the_race_waits_for_more_until_no_more_can_come(autojump_clock):
    line, pool = Line(dead=(0, ConnectionRefusedError(111, "refused"))), Pool(YOU)
    pool.add(["/dead"])
    async with trio.open_nursery() as nursery:

        async def give_up():
            await pool.wait_dry()
            await trio.sleep(5)
            pool.close()

        nursery.start_soon(give_up)
        outcome = await race(pool, line.attempt, line.discard, stagger_s=0.15, timeout_s=10)
    assert outcome.winner is None
    assert [failure.address for failure in pool.failures] == ["/dead"]
    assert trio.current_time() >= 5


async def test_a_better_address_that_comes_later_goes_first():
    pool = Pool(YOU)
    pool.add(["/ip4/8.8.8.8/tcp/1", "/ip4/8.8.4.4/tcp/1"])
    assert await pool.next() == "/ip4/8.8.8.8/tcp/1"
    pool.add(["/ip4/10.0.0.1/tcp/1"])
    assert await pool.next() == "/ip4/10.0.0.1/tcp/1"


async def test_what_is_not_worth_trying_is_known_as_such():
    pool = Pool.of(YOU, ["junk", f"/ip4/10.0.0.1/tcp/1/p2p/{ME}"], "link")
    assert await pool.next() is None
    assert [failure.wrong_peer for failure in pool.untried] == [False, True]
    assert pool.failures == pool.untried
    assert pool.origin_of("junk") == "link"


async def test_who_waits_for_all_to_have_failed_sees_also_what_came_meanwhile(autojump_clock):
    pool = Pool(YOU)
    pool.add(["/a"])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pool.wait_dry)
        await trio.sleep(1)
        pool.add(["/b"])
        for _ in range(2):
            await pool.next()
        pool.failed()
        await trio.sleep(1)
        assert nursery.child_tasks
        pool.failed()
        with trio.fail_after(1):
            while nursery.child_tasks:  # noqa: ASYNC110 - the nursery has no event
                await trio.sleep(0.1)
