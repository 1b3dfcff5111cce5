import pytest
from playlist_devices import Device, Wall

from whatnext.errors import BadLink, UserError
from whatnext.playlists import links
from whatnext.store.peers import AddressBook

REAL, LOCAL = "/ip4/192.0.2.1/tcp/4001", "/ip4/127.0.0.1/tcp/4001"


def device(name="Ann", seed=1, addresses=()):
    return Device(name, seed, Wall(), addresses)


def book(of):
    return AddressBook(of.library.database, of.library.clock.now_ms)


def test_the_own_link_names_device_addresses_and_name():
    ann = device(addresses=[f"{LOCAL}/p2p/x", REAL])
    made = ann.do("profile.link")
    assert links.parse(made.link) == links.ConnectLink(peer=ann.peer, addresses=(REAL,), name="Ann")
    assert (made.peer, made.addresses) == (ann.peer, [REAL])
    assert device(name="").do("profile.link").link == f"whtnxt://connect/{ann.peer}"


@pytest.mark.parametrize(
    ("name", "told"),
    [("A" * 500, "A" * 60), ("👩\u200d🚀 Zoë", "👩🚀 Zoë"), ("\u202e", ""), ("😀" * 500, "😀" * 60)],
)
def test_any_name_a_device_may_have_gives_a_link_that_reads_back(name, told):
    many = [f"/dns4/{'h' * 60}.{'h' * 60}.example/tcp/{port}" for port in range(4001, 4017)]
    assert links.parse(device(name=name, addresses=many).do("profile.link").link).name == told


def test_a_links_addresses_go_behind_those_that_worked():
    ann, ben = device(), device("Ben", 2)
    now = ann.library.clock.now_ms()
    book(ann).met(ben.peer, worked=[LOCAL], announced=[], name="Ben", now_ms=now)
    link = str(links.ConnectLink(peer=ben.peer, addresses=(f"{REAL}/p2p/{ben.peer}",), name="Ann"))
    assert ann.do("peers.remember", link=link).addresses == [REAL]
    known = book(ann).get(ben.peer)
    assert (known.addresses, known.name, known.last_seen) == ([LOCAL, REAL], "Ben", now)


def test_the_name_in_a_link_is_nobodys_word_and_is_not_kept():
    ann, ben = device(), device("Ben", 2)
    ann.do("peers.remember", link=str(links.ConnectLink(peer=ben.peer, addresses=(REAL,), name="Mallory")))
    assert book(ann).get(ben.peer).name is None


def test_invites_the_own_link_and_malformed_links_are_not_remembered():
    ann = device()
    playlist = ann.do("playlist.create", name="Mix").id
    for link, kind, said in (
        (ann.do("invite.create", playlist=playlist).link, UserError, "whatnext join"),
        (ann.do("profile.link").link, UserError, "own"),
        ("whtnxt://connect/x", BadLink, "PeerID"),
    ):
        with pytest.raises(kind, match=said):
            ann.do("peers.remember", link=link)
    assert book(ann).all() == []


RELAY = f"/ip4/198.51.100.7/tcp/4001/p2p/{Device('Relay', 9, Wall()).peer}"


def test_a_link_names_the_relays_in_place_of_the_circuits_through_them():
    ann = device(addresses=[REAL, f"{RELAY}/p2p-circuit"])
    circuit = f"{RELAY}/p2p-circuit/p2p/{ann.peer}"
    assert links.usable([REAL, f"{RELAY}/p2p-circuit", circuit], ann.peer) == (REAL,)
    ann.here.relays = lambda: [RELAY, RELAY, "/unix/no"]
    made = links.parse(ann.do("profile.link").link)
    assert (made.addresses, made.relays) == ((REAL,), (RELAY,))
    assert links.circuits(made) == [f"{RELAY}/p2p-circuit"]


def test_a_friend_who_keeps_the_link_keeps_the_way_through_its_relays():
    ann, ben = device(), device("Ben", 2)
    link = links.ConnectLink(peer=ann.peer, addresses=(REAL,), relays=(RELAY, "/ip4/198.51.100.7/tcp/1"))
    ben.do("peers.remember", link=str(link))
    assert book(ben).addresses(ann.peer) == [REAL, f"{RELAY}/p2p-circuit"]


def test_an_invite_names_the_relays_too():
    ann = device()
    playlist = ann.do("playlist.create", name="Kitchen").id
    ann.here.relays = lambda: [RELAY]
    link = links.parse(ann.do("invite.create", playlist=playlist, role="editor").link)
    assert link.relays == (RELAY,)
