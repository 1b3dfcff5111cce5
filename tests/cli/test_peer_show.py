"""`whatnext peers show`: what a person reads, with and without a history."""

import time

import pytest

from whatnext.cli.commands.peer import show
from whatnext.cli.context import Context
from whatnext.node.requests import OfPeer
from whatnext.node.timeline import FIRST_STEPS
from whatnext.node.timeline_views import AddressView, LifeView, PeerReport, SharedView, StepView
from whatnext.node.views import ConnectionView

PEER = "12D3KooWBdVrmQP74QU3K7SZScRSMGnimvGhyt96ZcKyVYXFonCU"
ADDRESS = "/ip4/192.0.2.7/tcp/4001"
BEGAN = 1_795_356_517_665


def step(kind, after_ms, text="", took_ms=None, address=None):
    at = BEGAN + round(after_ms)
    return StepView(at=at, after_ms=after_ms, kind=kind, text=text, address=address, took_ms=took_ms)


def life(*steps, number=1, connected=True, over=False, failed_before=0, skipped=0):
    return LifeView(
        number=number,
        began_at=BEGAN,
        connected=connected,
        over=over,
        failed_before=failed_before,
        skipped=skipped,
        steps=list(steps),
    )


@pytest.fixture
def shown(monkeypatch, capsys):
    """Show a report as the node would give it; returns stdout and stderr."""

    def run(*lives, problem=None, connections=(), addresses=(), playlists=(), asked="anna"):
        report = PeerReport(
            peer=PEER,
            name="Anna",
            standing="member",
            agent="whatnext/0.1.0",
            last_seen=BEGAN,
            problem=problem,
            connections=list(connections),
            addresses=list(addresses),
            playlists=list(playlists),
            lives=list(lives),
        )
        context = Context()

        def ask(operation, request, response):
            assert (operation, request, response) == ("peers.show", OfPeer(peer="anna"), PeerReport)
            return report

        monkeypatch.setattr(context, "ask", ask)
        show(asked, context=context)
        told = capsys.readouterr()
        return told.out, told.err

    return run


def test_each_step_has_its_time_and_how_long_after_the_beginning_it_came(shown):
    out, _ = shown(
        life(
            step("dialling", 0.0, address=ADDRESS),
            step("secured", 4.4, "Noise, we dialled it", 2.5, ADDRESS),
            step("connected", 6.6, "we dialled it", None, ADDRESS),
        )
    )
    assert f"Anna · {PEER}" in out
    assert "Connection 1, open. It began " in out
    clock = time.strftime("%H:%M:%S", time.localtime(BEGAN // 1000))
    assert f"{clock}.669  4.4  secured    Noise, we dialled it      2.5  {ADDRESS}\n" in out


def test_how_each_life_went_is_in_its_headline(shown):
    out, _ = shown(
        life(step("connected", 0.0), step("lost", 9.0, "gone"), over=True),
        life(step("failed", 0.0, "refused"), number=9, connected=False, failed_before=7),
        problem="could not be reached",
    )
    assert "Connection 1, over. It began" in out
    assert "Connection 9, no connection came of it, after 7 attempts that came to nothing. It began" in out
    assert "problem: could not be reached" in out


def test_steps_that_are_not_kept_are_said_where_they_were(shown):
    steps = [step(f"step{number:02}", float(number)) for number in range(FIRST_STEPS + 3)]
    out, _ = shown(life(*steps, skipped=41))
    lines = [line for line in out.splitlines() if "step" in line]
    assert "41 steps are not kept" in lines[FIRST_STEPS]
    assert "step15" in lines[FIRST_STEPS - 1]
    assert "step16" in lines[FIRST_STEPS + 1]


def test_addresses_playlists_and_connections_are_listed(shown):
    out, _ = shown(
        life(step("connected", 0.0)),
        connections=[
            ConnectionView(
                peer=PEER,
                address=ADDRESS,
                direction="out",
                transport="tcp",
                path="lan",
                opened_at=BEGAN,
                latency_ms=0.71,
            )
        ],
        addresses=[AddressView(address=ADDRESS, worked_at=BEGAN, failing_since=None)],
        playlists=[SharedView(playlist="p", name="Kitchen", state="in sync", pending_out=0, pending_in=None)],
    )
    assert f"connected by tcp (lan, out, 0.7 ms) at {ADDRESS}" in out
    assert "Kitchen   in sync        0       ?" in out
    assert f"{ADDRESS}  {time.strftime('%Y-%m-%d %H:%M', time.localtime(BEGAN / 1000))}" in out


def test_a_peer_without_a_history_gets_the_next_step_and_a_copied_end_of_an_id_is_understood(shown):
    _, err = shown(asked="…anna")
    assert "Try: whatnext connect PEER" in err
