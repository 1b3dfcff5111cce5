import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whatnext.errors import BadLink
from whatnext.identity import Identity, peer_id
from whatnext.playlists import links
from whatnext.records import ids
from whatnext.records.invites import InviteKey

PEER, OTHER = Identity(bytes(32)).peer_id, Identity(b"1" * 32).peer_id
PLAYLIST = ids.to_text(b"p" * 20)
SECRET = InviteKey(b"s" * 32).secret_text
CONNECT = f"whtnxt://connect/{PEER}?addr=/ip4/192.0.2.1/tcp/4001&relay=/dns4/r.example/tcp/1/p2p/{OTHER}&name=Ann%20B"
JOIN = f"whtnxt://join/{PLAYLIST}?peer={PEER}&peer={OTHER}&addr=/ip6/2001:db8::1/udp/9/quic-v1&name=Ann&list=Mix#{SECRET}"

HOSTS = st.sampled_from(
    ["/ip4/192.0.2.1", "/ip6/::1", "/dns4/a.example", "/dns/host-1", "/dnsaddr/x.example."]
)
ENDS = st.sampled_from(["/tcp/4001", "/tcp/1/ws", "/udp/65535/quic-v1", "/tcp/443/tls/sni/a.example/ws", ""])
ADDRESSES = st.lists(st.builds(str.__add__, HOSTS, ENDS), max_size=4).map(tuple)
PEERS = st.binary(min_size=32, max_size=32).map(peer_id)
FUZZED = 100_000
NAMES = st.text(max_size=40).filter(lambda name: name == "" or name.isprintable())


@given(PEERS, ADDRESSES, ADDRESSES, NAMES)
def test_a_connect_link_reads_back_as_it_was_written(peer, addresses, relays, name):
    link = links.ConnectLink(peer=peer, addresses=addresses, relays=relays, name=name)
    assert links.parse(str(link)) == link


@given(
    st.binary(min_size=20, max_size=20),
    st.binary(min_size=32, max_size=32),
    st.lists(PEERS, min_size=1, max_size=4),
    NAMES,
    NAMES,
)
def test_a_join_link_reads_back_as_it_was_written(playlist, seed, peers, name, title):
    secret = InviteKey(seed).secret_text
    link = links.JoinLink(
        playlist=playlist,
        secret=secret,
        peers=tuple(peers),
        addresses=("/ip4/1.2.3.4/tcp/5",),
        name=name,
        title=title,
    )
    assert links.parse(f"  {link}\n") == link
    assert str(link).endswith("#" + secret)


def test_the_examples_of_the_design_are_read():
    assert links.parse(f"whtnxt://connect/{PEER}") == links.ConnectLink(peer=PEER)
    link = links.parse(CONNECT)
    assert (link.name, link.relays) == ("Ann B", (f"/dns4/r.example/tcp/1/p2p/{OTHER}",))
    assert links.parse(JOIN).peers == (PEER, OTHER)
    relayed = f"/ip4/192.0.2.1/tcp/1/p2p/{OTHER}/p2p-circuit"
    assert links.parse(f"whtnxt://connect/{PEER}?addr={relayed}").addresses == (relayed,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no WhatNext link"),
        ("https://example.com", "no WhatNext link: those begin with whtnxt://"),
        ("whtnxt://", "asks for ''"),
        ("whtnxt://play/x", "asks for 'play'"),
        (f"whtnxt://connect/{PEER} whtnxt://connect/{PEER}", "spaces or foreign characters"),
        (f"whtnxt://connect/{PEER}?name=ä", "spaces or foreign characters"),
        ("whtnxt://connect/", "is not an Ed25519 PeerID"),
        (f"whtnxt://connect/{PEER[:-1]}", "is not an Ed25519 PeerID"),
        (f"whtnxt://connect/1{PEER}", "PeerID"),
        (f"whtnxt://connect/{PEER}/", "PeerID"),
        (f"whtnxt://connect/{PEER}#x", "nothing behind a “#”"),
        (f"whtnxt://connect/{PEER}?addr=", "part 'addr=' is damaged"),
        (f"whtnxt://connect/{PEER}?addr", "is damaged"),
        (f"whtnxt://connect/{PEER}?name=%zz", "is damaged"),
        (f"whtnxt://connect/{PEER}?name=%ff", "is not UTF-8"),
        (f"whtnxt://connect/{PEER}?name=%0a", "not one line"),
        (f"whtnxt://connect/{PEER}?name=a&name=b", "2 parts 'name'"),
        (f"whtnxt://connect/{PEER}?colour=red", "part 'colour' that this WhatNext does not know"),
        (f"whtnxt://connect/{PEER}?addr=192.0.2.1:4001", "is no address: it should look like"),
        (f"whtnxt://connect/{PEER}?addr=/ip4/300.1.1.1/tcp/1", "names no host: it should begin like"),
        (f"whtnxt://connect/{PEER}?addr=/ip6/192.0.2.1/tcp/1", "names no host"),
        (f"whtnxt://connect/{PEER}?addr=/unix/tmp", "names no host"),
        (f"whtnxt://connect/{PEER}?addr=/ip4/192.0.2.1/tcp/0", "no usable tcp port"),
        (f"whtnxt://connect/{PEER}?addr=/ip4/192.0.2.1/tcp/65536", "no usable tcp port"),
        (f"whtnxt://connect/{PEER}?addr=/ip4/192.0.2.1/tcp", "no usable tcp port"),
        (f"whtnxt://connect/{PEER}?addr=/ip4/192.0.2.1/tcp/1/p2p/{OTHER}", "another device's"),
        (
            f"whtnxt://connect/{PEER}?" + "&".join(["addr=/ip4/192.0.2.1/tcp/1"] * 17),
            "17 parts 'addr'; at most 16",
        ),
        (f"whtnxt://connect/{PEER}?name=" + "a" * 4096, "at most 4096"),
        (f"whtnxt://join/{PLAYLIST}?peer={PEER}", "secret .* is missing"),
        (f"whtnxt://join/{PLAYLIST}?peer={PEER}#", "secret .* is missing"),
        (f"whtnxt://join/{PLAYLIST}?peer={PEER}#{SECRET[:-3]}", "secret .* is damaged"),
        (f"whtnxt://join/{PLAYLIST}?peer={PEER}#0{SECRET[1:]}", "secret .* is damaged"),
        (f"whtnxt://join/{PLAYLIST[:-1]}?peer={PEER}#{SECRET}", "is no playlist id"),
        (f"whtnxt://join/{PLAYLIST}#{SECRET}", "names no member"),
        (f"whtnxt://join/{PLAYLIST}?peer=x#{SECRET}", "is not an Ed25519 PeerID"),
        (f"whtnxt://join/{PLAYLIST}?peer={PEER}&title=x#{SECRET}", "part 'title'"),
        (f"whtnxt://join/{PLAYLIST}?peer={PEER}&list=a&list=b#{SECRET}", "2 parts 'list'"),
        (f"whtnxt://join/{PLAYLIST}?peer={PEER}&list=%0a#{SECRET}", "link's list is not one line"),
    ],
)
def test_a_malformed_link_gets_one_sentence_that_names_the_fault(text, said):
    with pytest.raises(BadLink, match=said) as caught:
        links.parse(text)
    assert "\n" not in str(caught.value)


def test_mutated_links_are_read_or_refused_and_nothing_else():
    rng = random.Random(261122)
    read = 0
    for _ in range(FUZZED):
        text = list(rng.choice([CONNECT, JOIN]))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            act = rng.randrange(4)
            if act == 0:
                del text[at : at + rng.randint(1, 8)]
            elif act == 1:
                text.insert(at, chr(rng.choice([rng.randrange(128), rng.randrange(0x3000)])))
            elif act == 2:
                text[at] = rng.choice("/?#&=%:.0aZ\x00é")
            else:
                text[at:at] = text[at : at + rng.randint(1, 40)]
            text = text or ["w"]
        try:
            link = links.parse("".join(text))
        except BadLink:
            continue
        read += 1
        assert links.parse(str(link)) == link
    assert 0 < read < FUZZED // 2


@settings(max_examples=500)
@given(
    st.one_of(
        st.text(max_size=200), st.text("/?#&=%:.addrpeerjoin12DKoW", max_size=80).map("whtnxt://{}".format)
    )
)
def test_any_text_is_read_or_refused(text):
    said = ""
    try:
        links.parse(text)
    except BadLink as fault:
        said = str(fault)
    assert len(said) < 400


def test_own_addresses_that_no_link_can_carry_are_left_out():
    given = ["/ip4/1.2.3.4/tcp/1", "/memory/1", "", *["/ip4/1.2.3.4/tcp/2"] * 20]
    assert links.usable(given, PEER) == ("/ip4/1.2.3.4/tcp/1", *["/ip4/1.2.3.4/tcp/2"] * 15)


def test_own_addresses_do_not_repeat_the_device_that_the_link_names():
    assert links.usable([f"/ip4/1.2.3.4/tcp/1/p2p/{PEER}"], PEER) == ("/ip4/1.2.3.4/tcp/1",)


def test_a_loopback_address_is_in_a_link_only_when_there_is_no_other():
    local, real = "/ip4/127.0.0.1/tcp/1", "/ip4/1.2.3.4/tcp/1"
    assert links.usable([local, real], PEER) == (real,)
    assert links.usable([local], PEER) == (local,)
