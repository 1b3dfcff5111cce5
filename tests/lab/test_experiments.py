"""The experiments still run, on networks too small to learn anything from."""

import pytest

from whatnext.lab import lan_scaling, mdns_scaling, replication_latency, why_not

pytestmark = [pytest.mark.real, pytest.mark.soak]


@pytest.fixture(autouse=True)
def needs_a_lab():
    if reason := why_not():
        pytest.skip(reason)


def test_mdns_scaling_measures_a_network_of_three():
    result = mdns_scaling.measure(3, steady_s=1)
    assert 0 < result.full_view_median_s <= result.full_view_last_s
    assert result.first_10s_received > 0


def test_lan_scaling_measures_three_whole_nodes():
    result = lan_scaling.measure(3, rest_s=1)
    assert result.newcomer_median_s <= result.newcomer_last_s < 5
    assert (result.alone.connections, result.sharing.connections) == (0, 2)
    assert result.sharing.sent > 0


def test_edits_pass_a_line_of_three_whose_ends_cannot_reach_each_other():
    result = replication_latency.measure("line", rtt_ms=40, loss=0.0, edits=5, idle_s=1)
    assert 40 <= result.rtt_measured_ms < 80
    assert 20 <= result.calm_b.p50 < result.calm_c.p50
    assert result.calm_c.p50 >= 40
    assert result.bytes_per_edit > 400
    assert 100 < result.reconnect_ms < 5000
