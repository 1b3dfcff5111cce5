"""`bench relay`, small: circuits are counted, refused past the limit, carried, and compared with the direct way."""

import json
import subprocess
import sys

import pytest

from whatnext import lab
from whatnext.bench import relay
from whatnext.bench.main import run


@pytest.mark.real
def test_a_small_crowd_is_carried_and_one_circuit_more_refused(capsys, monkeypatch):
    monkeypatch.setattr(relay, "SETTLE_S", 0.2)
    monkeypatch.setattr(relay, "BULK_MIB", 2)
    monkeypatch.setattr(relay, "EDIT_EVERY_S", 0.1)
    assert run(["relay", "--clients", "4", "--circuits", "2", "--seconds", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["circuits"], report["refused"], report["lost"]) == (2, 2, 0)
    assert report["edits"] >= 2
    assert report["direct_rtt_p50_ms"] > 0
    assert 0 < report["relay_rtt_p50_ms"] <= 1000


@pytest.mark.real
@pytest.mark.soak
def test_a_hundred_clients_and_fifty_circuits_cost_little_and_do_not_grow(capsys):
    assert run(["relay", "--clients", "100", "--circuits", "50", "--seconds", "120"]) == 0
    out = capsys.readouterr().out
    print(out)
    report = json.loads(out)
    assert (report["circuits"], report["refused"], report["lost"]) == (50, 50, 0)
    assert report["kb_per_client"] < 300
    assert report["kb_per_circuit"] < 300
    assert report["grew_mb"] < 5


@pytest.mark.real
@pytest.mark.soak
@pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))
def test_an_hour_of_waiting_costs_less_than_an_hour_of_being_connected():
    bench = f"{sys.executable} -m whatnext bench relay-hour --users 2 --seconds 3"
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", f"ip link set lo up; {bench}"],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    assert 0 < report["waiting_kb_h"] < report["circuit_kb_h"] < 100_000
    assert 4 * 450 < report["edit_bytes"] < 20 * 450  # over two legs, there and back
