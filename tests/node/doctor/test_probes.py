"""The probes on a real profile and real sockets of this device."""

import os
import socket
import time
from pathlib import Path

import pytest

from whatnext.clock import HybridClock
from whatnext.config import ProfileLock
from whatnext.identity import KEY_FILE, load_or_create
from whatnext.node.doctor import network_probe, profile_probe
from whatnext.node.doctor.findings import FileState
from whatnext.store import Library


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    Library(load_or_create(tmp_path), HybridClock(lambda: 1), tmp_path / "whatnext.db").close()
    return tmp_path


def test_a_good_profile_is_fine_and_a_new_one_stays_without_key_and_database(profile, tmp_path_factory):
    seen = profile_probe.look(profile, node_answers=False)
    assert (seen.key.state, seen.database.state) == (FileState.FINE, FileState.FINE)
    assert seen.held is seen.unwritable is None
    assert seen.free_bytes > 0
    new = tmp_path_factory.mktemp("new")
    seen = profile_probe.look(new, node_answers=False)
    assert (seen.key.state, seen.database.state) == (FileState.MISSING, FileState.MISSING)
    assert [each.name for each in new.iterdir()] == ["profile.lock"]


def test_a_crash_report_is_seen_with_its_age(profile):
    assert profile_probe.look(profile, node_answers=False).crash is None
    report = profile / "crash-report.txt"
    report.write_text("how: killed")
    os.utime(report, (time.time() - 100, time.time() - 100))
    seen = profile_probe.look(profile, node_answers=False)
    assert seen.crash == str(report)
    assert 99 < seen.crashed_s < 160


def test_a_key_that_others_can_read_or_that_is_none_is_seen(profile):
    key = profile / KEY_FILE
    key.chmod(0o640)
    seen = profile_probe.look(profile, node_answers=False).key
    assert (seen.state, seen.detail) == (FileState.OPEN, "0640")
    key.write_text("rubbish")
    key.chmod(0o600)
    assert profile_probe.look(profile, node_answers=False).key.state is FileState.DAMAGED


def test_a_damaged_database_and_one_of_another_program_are_seen(profile):
    file = profile / "whatnext.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert profile_probe.look(profile, node_answers=False).database.state is FileState.DAMAGED
    file.write_bytes(b"no database at all" * 500)
    assert profile_probe.look(profile, node_answers=False).database.state is FileState.DAMAGED


def test_the_database_of_a_running_node_is_looked_at_beside_it_and_its_lock_left_alone(profile):
    with ProfileLock(profile):
        library = Library(load_or_create(profile), HybridClock(lambda: 1), profile / "whatnext.db")
        assert profile_probe.look(profile, node_answers=True).database.state is FileState.FINE
        held = profile_probe.look(profile, node_answers=False).held
        library.close()
    assert held is not None
    assert "process" in held


@pytest.mark.real
def test_own_addresses_are_dialled_and_relayed_or_nameless_ones_left_out():
    with socket.create_server(("127.0.0.1", 0)) as open_, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        ports = [each.getsockname()[1] for each in (open_, closed)]
        tried = network_probe.dial_own(
            [
                f"/ip4/127.0.0.1/tcp/{ports[0]}/p2p/x",
                f"/ip4/127.0.0.1/tcp/{ports[1]}/ws",
                "/ip4/127.0.0.1/tcp/1/p2p/r/p2p-circuit/p2p/x",
                "/dns4/example.org/tcp/1",
                "/ip4/127.0.0.1/udp/1/quic-v1",
                "/ip4/127.0.0.1/tcp/99999999",
            ],
            ["127.0.0.1"],
        )
    assert [(each.address, each.own) for each in tried] == [
        (f"/ip4/127.0.0.1/tcp/{ports[0]}", True),
        (f"/ip4/127.0.0.1/tcp/{ports[1]}/ws", True),
    ]
    assert tried[0].problem is None
    assert "refused" in tried[1].problem


def test_firewall_tools_are_named():
    found = network_probe.firewall({"nft": "x", "iptables": "y"}.get)
    assert found.tools == ("nft", "iptables")
    assert found.ufw_on is None
    assert network_probe.firewall(lambda _: None).tools == ()
