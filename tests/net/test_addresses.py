"""Multiaddrs: what they are, and in which order they are dialled and announced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.net.addresses import (
    Kind,
    announced,
    beyond_loopback,
    dial_order,
    interface_ips,
    kind_of,
    path_of,
    peer_in,
    transport_of,
    without_peer,
)

LAN = "/ip4/192.168.1.7/tcp/4001"
LOOP = "/ip4/127.0.0.1/tcp/4001"
PUBLIC = "/ip4/203.0.113.9/tcp/4001"
RELAYED = "/ip4/203.0.113.9/tcp/4001/p2p/12D3KooWRelay/p2p-circuit"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (LAN, Kind.LAN),
        ("/ip4/10.1.2.3/tcp/1", Kind.LAN),
        ("/ip4/169.254.3.4/tcp/1", Kind.LAN),
        ("/ip4/100.64.1.1/tcp/1", Kind.LAN),
        ("/ip6/fd00::1/tcp/1", Kind.LAN),
        ("/ip6/fe80::1/tcp/1", Kind.LAN),
        (LOOP, Kind.LOOPBACK),
        ("/ip6/::1/tcp/1", Kind.LOOPBACK),
        ("/ip4/8.8.8.8/tcp/1", Kind.PUBLIC),
        ("/ip6/2600::1/tcp/1", Kind.PUBLIC),
        ("/dns4/relay.example/tcp/443/wss", Kind.PUBLIC),
        (RELAYED, Kind.RELAY),
        ("/ip4/192.168.1.7/tcp/4001/p2p/12D3KooWRelay/p2p-circuit/p2p/12D3KooWTarget", Kind.RELAY),
    ],
)
def test_the_kind_of_an_address(address, kind):
    assert kind_of(address) is kind


@pytest.mark.parametrize(
    ("address", "transport"),
    [
        (LAN, "tcp"),
        (LAN + "/ws", "ws"),
        (LAN + "/wss", "wss"),
        ("/ip4/1.2.3.4/udp/1/quic-v1", "quic-v1"),
        ("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/u1", "webrtc-direct"),
        (RELAYED, "relay"),
        ("/unix/a", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_transport_of_an_address(address, transport):
    assert transport_of(address) == transport


def test_the_order_is_lan_loopback_public_relay_and_tcp_before_the_rest():
    given_order = [RELAYED, PUBLIC.replace("203.0.113.9", "8.8.8.8"), LOOP, LAN + "/ws", LAN, LAN]
    assert dial_order(given_order) == [LAN, LAN + "/ws", LOOP, "/ip4/8.8.8.8/tcp/4001", RELAYED]


@given(st.lists(st.sampled_from([LAN, LAN + "/ws", LOOP, PUBLIC, RELAYED, "/dns4/a/tcp/1", "junk"])))
def test_ordering_keeps_each_address_once(addresses):
    assert sorted(dial_order(addresses)) == sorted(set(addresses))


@given(st.text())
def test_any_text_has_a_kind_and_a_transport(text):
    assert kind_of(text) in Kind
    assert transport_of(text)
    assert without_peer(text) == text or peer_in(text) is not None


def test_only_a_last_peer_id_is_taken_off():
    assert without_peer(LAN + "/p2p/12D3KooWX") == LAN
    assert peer_in(LAN + "/p2p/12D3KooWX") == "12D3KooWX"
    assert without_peer(RELAYED) == RELAYED
    assert peer_in(RELAYED) is None
    assert without_peer(RELAYED + "/p2p/12D3KooWX") == RELAYED
    assert without_peer(LAN) == LAN


def test_a_peers_loopback_counts_only_when_it_has_nothing_else():
    lan, loopback = "/ip4/192.168.1.7/tcp/1", "/ip4/127.0.0.1/tcp/1"
    circuit = "/ip4/5.5.5.5/tcp/1/p2p/12D3KooWA/p2p-circuit"
    assert beyond_loopback([lan, loopback, "/ip6/::1/tcp/1"]) == [lan]
    assert beyond_loopback([loopback]) == [loopback]
    assert beyond_loopback([loopback, circuit]) == [loopback, circuit]
    assert beyond_loopback([]) == []


def test_a_wildcard_is_announced_as_every_interface_of_its_family_with_loopback_last():
    listening = ["/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4002/ws"]
    assert announced(listening, ["127.0.0.1", "192.168.1.7", "::1", "2600::1"]) == [
        "/ip4/192.168.1.7/tcp/4001",
        "/ip6/2600::1/tcp/4002/ws",
        "/ip4/127.0.0.1/tcp/4001",
        "/ip6/::1/tcp/4002/ws",
    ]


def test_a_fixed_address_is_announced_as_it_is():
    assert announced([LAN], ["10.0.0.1"]) == [LAN]


def test_this_device_has_interfaces_and_no_zoned_addresses():
    ips = interface_ips()
    assert ips
    assert not any("%" in ip or ip.startswith("fe80") for ip in ips)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (LAN, "lan"),
        ("/ip4/127.0.0.1/tcp/1", "lan"),
        ("/ip4/8.8.8.8/tcp/1", "direct"),
        ("/dns4/anna.example/tcp/1/ws", "direct"),
        (RELAYED, "relay"),
    ],
)
def test_how_a_connection_runs_is_said_in_one_word(address, path):
    assert path_of(address) == path
