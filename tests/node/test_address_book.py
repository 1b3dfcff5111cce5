import socket

import pytest

from whatnext.clock import HybridClock
from whatnext.errors import Ambiguous, NotFound
from whatnext.identity import Identity
from whatnext.node import ports, state_file
from whatnext.node.peer_names import find_peer
from whatnext.node.state_file import NodeFile
from whatnext.store import Library
from whatnext.store import peers as peers_module
from whatnext.store.addressing import MAX_ADDRESSES
from whatnext.store.peers import AddressBook


@pytest.fixture
def book():
    library = Library(Identity.generate(), HybridClock(lambda: 1_790_000_000_000))
    yield AddressBook(library.database, lambda: 1)
    library.close()


def test_the_address_that_worked_last_comes_first(book):
    book.note("B", ["/old", "/older"])
    book.met("B", worked=["/worked"], announced=["/announced", "/old"], name="Ben", now_ms=5)
    assert book.addresses("B") == ["/worked", "/announced", "/old", "/older"]
    book.met("B", worked=["/old"], announced=[], name=None, now_ms=6)
    assert book.addresses("B")[0] == "/old"
    known = book.get("B")
    assert (known.name, known.last_seen) == ("Ben", 6)


def test_what_others_say_never_outranks_what_worked(book):
    book.met("B", worked=["/worked"], announced=[], name=None, now_ms=5)
    book.note("B", ["/rumour"])
    assert book.addresses("B") == ["/worked", "/rumour"]


def test_a_peer_that_announces_thousands_costs_no_more_than_others(book):
    book.met("B", worked=["/w"], announced=[f"/{n}" for n in range(5000)], name=None, now_ms=5)
    assert len(book.addresses("B")) == MAX_ADDRESSES
    assert book.addresses("B")[0] == "/w"


def test_those_not_seen_for_longest_are_forgotten_first(book, monkeypatch):
    monkeypatch.setattr(peers_module, "MAX_PEERS", 3)
    for number in range(5):
        book.met(f"P{number}", worked=[], announced=[], name=None, now_ms=number)
    assert [known.peer for known in book.all()] == ["P4", "P3", "P2"]


def test_a_peer_can_be_forgotten(book):
    book.note("B", ["/a"])
    assert book.forget("B")
    assert not book.forget("B")
    assert (book.get("B"), book.addresses("B"), book.all()) == (None, [], [])


def test_a_peer_is_found_by_name_beginning_and_end():
    known = {"12D3KooWabc": "Ben", "12D3KooWabd": None, "12D3KooWxyz": "Ann"}
    assert find_peer(known, "ben") == "12D3KooWabc"
    assert find_peer(known, "xyz") == "12D3KooWxyz"
    assert find_peer(known, "12D3KooWabd") == "12D3KooWabd"
    with pytest.raises(Ambiguous, match="Ben"):
        find_peer(known, "12D3KooWab")
    for nobody in ("", "Zoe"):
        with pytest.raises(NotFound):
            find_peer(known, nobody)


def test_the_ports_of_last_time_are_taken_again_when_they_are_free(tmp_path):
    listen = ("/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/tcp/0/ws", "/ip4/127.0.0.1/tcp/4001")
    assert ports.settled(listen, tmp_path) == listen
    with socket.socket() as free, socket.socket() as taken:
        free.bind(("127.0.0.1", 0))
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free_port, taken_port = free.getsockname()[1], taken.getsockname()[1]
        free.close()
        used = [f"/ip4/192.0.2.1/tcp/{free_port}/p2p/B", f"/ip4/192.0.2.1/tcp/{taken_port}/ws/p2p/B"]
        ports.keep(tmp_path, used)
        assert ports.settled(listen, tmp_path) == (
            f"/ip4/0.0.0.0/tcp/{free_port}",
            "/ip4/0.0.0.0/tcp/0/ws",
            "/ip4/127.0.0.1/tcp/4001",
        )


@pytest.mark.parametrize("content", ["", "{", '{"tcp":"x"}', '{"tcp":-1,"ws":99999999}'])
def test_a_damaged_ports_file_costs_only_the_memory(tmp_path, content):
    (tmp_path / ports.FILE).write_text(content)
    assert ports.settled(("/ip4/0.0.0.0/tcp/0",), tmp_path) == ("/ip4/0.0.0.0/tcp/0",)


def test_the_node_file_is_private_and_what_is_none_is_ignored(tmp_path):
    assert state_file.read(tmp_path) is None
    content = NodeFile(url="http://127.0.0.1:1", token="t", pid=2, peer="P", started=3)
    state_file.write(tmp_path, content)
    assert state_file.read(tmp_path) == content
    assert (tmp_path / state_file.FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / state_file.FILE).write_text("{}")
    assert state_file.read(tmp_path) is None
    state_file.remove(tmp_path)
    state_file.remove(tmp_path)
    assert not state_file.is_alive(2**22 + 1)


def test_an_address_where_somebody_else_answered_is_dropped(book):
    book.note("B", ["/a", "/b"])
    assert book.drop("B", "/a")
    assert not book.drop("B", "/a")
    assert not book.drop("Nobody", "/a")
    assert book.addresses("B") == ["/b"]


def test_an_address_that_fails_stays_in_the_book(book):
    book.met("B", worked=["/a"], announced=[], name=None, now_ms=0)
    book.failed("B", ["/a"])
    book.failed("Nobody", ["/a"])
    entry = book.get("B").entries[0]
    assert (entry.address, entry.worked, entry.failing_since) == ("/a", 0, 1)
