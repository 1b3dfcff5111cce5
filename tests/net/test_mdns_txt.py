"""What is announced and what is believed: the TXT record of libp2p's mDNS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.identity import Identity
from whatnext.net.mdns.txt import MAX_ADDRESSES, MAX_STRING, MAX_TEXT, Advert, pack, read

ANNA, BEN = Identity(b"a" * 32).peer_id, Identity(b"b" * 32).peer_id
LAN, LAN_WS = "/ip4/192.168.1.7/tcp/4001", "/ip4/192.168.1.7/tcp/4002/ws"
LOOP = "/ip4/127.0.0.1/tcp/4001"

addresses = st.lists(
    st.builds(
        "/{}/tcp/{}{}".format,
        st.one_of(
            st.ip_addresses(v=4).map(lambda ip: f"ip4/{ip}"), st.ip_addresses(v=6).map(lambda ip: f"ip6/{ip}")
        ),
        st.integers(1, 65535),
        st.sampled_from(["", "/ws", "/p2p/" + BEN]),
    ),
    max_size=40,
)


def framed(*strings: str | bytes) -> bytes:
    raw = [s if isinstance(s, bytes) else s.encode() for s in strings]
    return b"".join(bytes([len(s)]) + s for s in raw)


def told(address: str, peer: str = ANNA) -> str:
    return f"dnsaddr={address}/p2p/{peer}"


def test_what_one_peer_announces_the_other_reads():
    assert read([pack(ANNA, [LAN_WS, f"{LAN}/p2p/{ANNA}"])]) == Advert(ANNA, (LAN, LAN_WS), True)


def test_the_announcement_is_what_the_spec_says_with_two_attributes_of_ours():
    assert pack(ANNA, [LAN]) == framed("app=whatnext", "v=1", told(LAN))


def test_a_foreign_node_is_read_and_is_not_taken_for_ours():
    assert read([framed(told(LAN)), framed(told(LAN_WS))]) == Advert(ANNA, (LAN, LAN_WS), False)


def test_loopback_is_told_and_believed_only_when_there_is_nothing_else():
    assert read([pack(ANNA, [LOOP, LAN])]).addresses == (LAN,)
    assert read([framed(told(LOOP), told(LAN))]).addresses == (LAN,)
    assert read([pack(ANNA, [LOOP])]).addresses == (LOOP,)


@pytest.mark.parametrize("address", ["/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/1", f"{LAN}/p2p/{BEN}/p2p-circuit"])
def test_addresses_that_lead_nowhere_or_round_about_are_not_announced(address):
    assert pack(ANNA, [address]) == b""


@pytest.mark.parametrize(
    "string",
    [
        f"dnsaddr={LAN}",  # names nobody
        told(LAN, "12D3KooW"),
        told(LAN, ANNA[:-1] + "0"),  # not base58
        told("/ip4/0.0.0.0/tcp/1"),
        told("/ip4/224.0.0.251/tcp/1"),
        told("/ip4/300.0.0.1/tcp/1"),
        told("/unix/run/x"),
        told("/ip4/10.0.0.1/tcp/1 \n"),
        b"dnsaddr=/ip4/10.0.0.1/\xff/p2p/" + ANNA.encode(),
        "DNSADDR",
    ],
)
def test_a_string_that_is_no_address_is_skipped_and_the_others_count(string):
    assert read([framed(string)]) is None
    assert read([framed(string, told(LAN))]) == Advert(ANNA, (LAN,), False)


def test_one_announcement_speaks_for_one_peer():
    assert read([framed(told(LAN), told(LAN_WS, BEN))]) == Advert(ANNA, (LAN,), False)


def test_a_record_that_ends_in_the_middle_of_a_string_counts_up_to_there():
    whole = framed(told(LAN), told(LAN_WS))
    assert read([whole[:-1]]) == Advert(ANNA, (LAN,), False)


def test_an_announcement_of_a_thousand_addresses_is_cut():
    many = [framed(told(f"/ip4/10.0.0.1/tcp/{port}")) for port in range(1, 1001)]
    assert len(read(many).addresses) == MAX_ADDRESSES


@given(addresses)
def test_any_announcement_fits_its_frame_and_comes_back_as_it_was(listening):
    text = pack(ANNA, listening)
    assert len(text) <= MAX_TEXT
    at = 0
    while at < len(text):
        assert text[at] <= MAX_STRING
        at += 1 + text[at]
    assert at == len(text)
    advert = read([text])
    assert (advert is None) == (text == b"")
    if advert is not None:
        assert advert.peer == ANNA
        assert advert.whatnext
        assert set(advert.addresses) <= {address.removesuffix("/p2p/" + BEN) for address in listening}
        assert pack(ANNA, advert.addresses) == text


@given(st.lists(st.binary(max_size=600), max_size=8))
def test_no_bytes_from_the_network_can_break_the_reader(texts):
    assert read(texts) is None or len(read(texts).addresses) <= MAX_ADDRESSES


@given(st.data())
def test_no_mutation_of_a_real_announcement_can_break_the_reader(data):
    text = bytearray(pack(ANNA, [LAN, LAN_WS]))
    for _ in range(data.draw(st.integers(1, 6))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    advert = read([bytes(text)])
    if advert is not None:
        assert 1 <= len(advert.addresses) <= 2
        assert all(a.startswith(("/ip4/", "/ip6/", "/dns")) and a.isprintable() for a in advert.addresses)
