"""Two friends behind routers: whole nodes in namespaces, `whatnext relay` on the internet between them."""

import threading
import time
from collections.abc import Iterator

import pytest

from whatnext.lab import Lab, why_not
from whatnext.lab.homes import Home, Router, TwoHomes
from whatnext.lab.nat_matrix import Run, measure
from whatnext.lab.whole_node import wait_until

pytestmark = pytest.mark.real

EDITS = 500
ACROSS = {Router.FULL_CONE, Router.NONE}
"""Routers that let anybody in."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        yield lab


class Typing(threading.Thread):
    """Adds tracks on one device, one after the other, and notes the path at each."""

    def __init__(self, homes: TwoHomes, home: Home, word: str, count: int) -> None:
        super().__init__()
        self.homes, self.home = homes, home
        self.wanted = [f"{word} {number}" for number in range(count)]
        self.paths: list[str | None] = []
        self.failed: Exception | None = None

    def run(self) -> None:
        try:
            for number, title in enumerate(self.wanted):
                if number % 10 == 0:
                    self.paths.append(self.homes.path(self.home))
                self.homes.add(self.home, [title])
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            self.failed = error


def both_have(homes: TwoHomes, wanted: set[str]) -> bool:
    return all(set(homes.titles(home)) == wanted for home in (homes.anna, homes.ben))


def type_while_it_upgrades(homes: TwoHomes) -> None:
    """Edits on both sides from the moment Anna is in; every one arrives once, and the path changes among them."""
    there = Typing(homes, homes.ben, "ben", EDITS // 2)
    link = homes.invite()
    there.start()
    homes.join(link)
    here = Typing(homes, homes.anna, "anna", EDITS // 2)
    here.start()
    for typing in (here, there):
        typing.join()
        assert typing.failed is None
    first = ["Ben's first", "Anna's first"]
    wanted = {*first, *here.wanted, *there.wanted}
    wait_until(lambda: both_have(homes, wanted), 10, "every edit is everywhere")
    for home in (homes.anna, homes.ben):
        assert sorted(homes.titles(home)) == sorted(wanted)
    seen = [*there.paths, *here.paths]
    assert seen.count("relay") > 0, seen
    assert seen[-1] == "direct", seen


def test_behind_port_keeping_routers_they_meet_through_the_relay_then_directly_and_no_edit_is_lost(
    lab, tmp_path
):
    homes = TwoHomes(lab, Router.PORT_RESTRICTED, Router.PORT_RESTRICTED, tmp_path)
    homes.start()
    type_while_it_upgrades(homes)
    assert homes.paths() == {"direct"}
    assert homes.exchange("last")


def test_where_nobody_can_guess_the_port_they_stay_on_the_relay_and_it_works(lab, tmp_path):
    homes = TwoHomes(lab, Router.RANDOM, Router.RANDOM, tmp_path)
    homes.start()
    homes.join(homes.invite())
    assert homes.paths() == {"relay"}
    assert homes.exchange("through the relay")
    assert homes.paths() == {"relay"}


@pytest.mark.soak
def test_twenty_of_twenty_upgrade_within_three_seconds_of_joining(lab, tmp_path):
    homes = TwoHomes(lab, Router.PORT_RESTRICTED, Router.PORT_RESTRICTED, tmp_path)
    homes.start()
    runs: list[Run] = []
    for number in range(20):
        if number:
            homes.begin_anew()
        runs.append(measure(homes))
        print(runs[-1])
    assert [run for run in runs if run.direct_s is None or not run.works] == []
    assert max(run.there_s for run in runs) < 2
    assert max(run.direct_s or 99 for run in runs) < 3


def should_be_direct(anna: Router, ben: Router) -> bool:
    """What can be punched: not a changing port against a router that looks at ports."""
    if {anna, ben} & ACROSS or Router.RANDOM not in (anna, ben):
        return True
    return Router.RESTRICTED in (anna, ben)


@pytest.mark.soak
@pytest.mark.parametrize("ben", Router)
@pytest.mark.parametrize("anna", Router)
def test_every_pair_of_routers_gets_the_best_path_there_is_and_edits_go_both_ways(lab, tmp_path, anna, ben):
    homes = TwoHomes(lab, anna, ben, tmp_path)
    homes.start()
    run = measure(homes)
    print(run)
    assert run.path == ("direct" if should_be_direct(anna, ben) else "relay")
    assert run.works


@pytest.mark.soak
class TestRelayFailures:
    """Through routers that cannot be punched, so that everything depends on the relays."""

    @pytest.fixture
    def homes(self, lab, tmp_path) -> TwoHomes:
        homes = TwoHomes(lab, Router.RANDOM, Router.RANDOM, tmp_path)
        homes.start()
        homes.join(homes.invite())
        assert homes.paths() == {"relay"}
        return homes

    def test_a_relay_that_is_killed_and_started_again_carries_them_again_within_ten_seconds(self, homes):
        [relay] = homes.relays
        relay.kill()
        wait_until(lambda: homes.paths() == {None}, 5, "both notice")
        homes.add(homes.anna, ["while it is away"])
        relay.start()
        began = time.monotonic()
        wait_until(lambda: homes.places() == 1, 10, "the relay holds the place again")
        wait_until(lambda: "while it is away" in homes.titles(homes.ben), 20, "the edit arrives")
        took = time.monotonic() - began
        print(f"killed relay: {took:.1f} s after its start the edit is there")
        assert took < 10
        assert homes.exchange("again")

    def test_a_relay_that_is_silently_cut_off_is_noticed_within_twenty_seconds_and_is_back_after(self, homes):
        [relay] = homes.relays
        relay.link.cut()
        homes.add(homes.anna, ["while it is cut off"])
        took = wait_until(lambda: homes.places() == 0 and homes.paths() == {None}, 25, "both notice")
        print(f"silent relay: noticed by both after {took:.1f} s")
        assert took < 20
        relay.link.heal()
        took = wait_until(lambda: "while it is cut off" in homes.titles(homes.ben), 20, "the edit arrives")
        print(f"silent relay: {took:.1f} s after it healed the edit is there")
        assert took < 10
        assert homes.exchange("again")

    @pytest.mark.parametrize("limit", ["circuit_duration_s = 4", "circuit_bytes = 40000"])
    def test_a_circuit_that_reaches_its_limit_is_dialled_anew_and_no_edit_is_lost(self, lab, tmp_path, limit):
        homes = TwoHomes(lab, Router.RANDOM, Router.RANDOM, tmp_path)
        config = tmp_path / "relay.toml"
        config.write_text(f"[limits]\n{limit}\n")
        homes.relays[0].options = ("--config", str(config))
        homes.start()
        homes.join(homes.invite())
        typing = Typing(homes, homes.anna, "anna", 300)
        typing.start()
        nodes = (homes.anna.node, homes.ben.node)
        wait_until(lambda: any("left: " in node.log() for node in nodes), 15, "a circuit has ended")
        typing.join()
        assert typing.failed is None
        homes.add(homes.ben, ["at last"])
        wanted = {"Ben's first", "Anna's first", "at last", *typing.wanted}
        took = wait_until(lambda: both_have(homes, wanted), 20, "every edit is everywhere")
        print(f"{limit}: {took:.1f} s after the last edit all are everywhere")
        assert homes.paths() == {"relay"}

    def test_when_the_first_of_two_relays_is_gone_for_good_the_second_carries_them(self, lab, tmp_path):
        homes = TwoHomes(lab, Router.RANDOM, Router.RANDOM, tmp_path, relays=2)
        homes.start()
        homes.join(homes.invite())
        first = homes.carrier()
        next(relay for relay in homes.relays if relay.peer == first).kill()
        homes.add(homes.anna, ["after it was gone"])
        took = wait_until(lambda: "after it was gone" in homes.titles(homes.ben), 20, "the edit arrives")
        print(f"first of two relays gone: after {took:.1f} s the edit is there")
        assert took < 10
        assert homes.carrier() not in (None, first)
        assert homes.exchange("again")
