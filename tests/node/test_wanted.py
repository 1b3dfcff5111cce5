"""What each peer is to the network: the judge that refuses and keeps."""

import random

import pytest

from whatnext.clock import HybridClock
from whatnext.identity import Identity
from whatnext.net import Standing
from whatnext.node.wanted import LAZY_S, Standings
from whatnext.playlists import requests
from whatnext.playlists.operations import OPERATIONS
from whatnext.playlists.service import Playlists
from whatnext.store import Library
from whatnext.store.blocklist import Blocklist
from whatnext.store.peers import AddressBook

START_MS = 1_790_000_000_000


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def library():
    made = Library(Identity.generate(), HybridClock(lambda: START_MS))
    yield made
    made.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def relays():
    return set()


@pytest.fixture
def standings(library, clock, relays):
    made = Standings(
        library, AddressBook(library.database), Blocklist(library.database), clock, lambda: relays
    )
    library.subscribe(made.on_change)
    return made


def join_somebodys(library):
    class NoSettings:
        name, colour, directory = "", None, None

    owner = Library(Identity.generate(), HybridClock(lambda: START_MS))
    theirs = Playlists(owner, rng=random.Random(1), settings=NoSettings(), addresses=list)
    made = OPERATIONS["playlist.create"].run(theirs, requests.CreatePlaylist(name="Mix"))
    link = OPERATIONS["invite.create"].run(theirs, requests.CreateInvite(playlist=made.id)).link
    ours = Playlists(library, rng=random.Random(1), settings=NoSettings(), addresses=list)
    OPERATIONS["join"].run(ours, requests.Join(link=link))
    peer = owner.identity.peer_id
    owner.close()
    return peer


def test_who_is_unknown_is_a_stranger_until_named_or_greeted(standings, library):
    book = AddressBook(library.database)
    assert standings.judge("B") is Standing.STRANGER
    book.met("B", worked=[], announced=["/a"], name=None, now_ms=5)  # as everybody who connects
    assert standings.judge("B") is Standing.STRANGER
    book.met("B", worked=[], announced=[], name="Ben", now_ms=6)
    assert standings.judge("B") is Standing.KNOWN
    book.note("C", ["/in/a/link"])
    assert standings.judge("C") is Standing.KNOWN
    standings.name("D")
    assert standings.judge("D") is Standing.KNOWN
    standings.forget("D")
    assert standings.judge("D") is Standing.STRANGER


def test_who_shares_a_playlist_is_a_member_soon_after_the_change(standings, library, clock):
    assert standings.judge("B") is Standing.STRANGER
    peer = join_somebodys(library)
    clock.now += LAZY_S
    assert standings.judge(peer) is Standing.MEMBER


def test_a_relay_is_kept_before_members_and_a_block_outranks_everything(standings, library, clock, relays):
    peer = join_somebodys(library)
    relays.add(peer)
    assert standings.judge(peer) is Standing.RELAY
    standings.blocked.add(peer, START_MS)
    assert standings.judge(peer) is Standing.BLOCKED
    standings.blocked.remove(peer)
    relays.clear()
    assert standings.judge(peer) is Standing.MEMBER


def test_edits_and_dials_in_a_flood_do_not_look_for_members_each_time(standings, library, clock, monkeypatch):
    looks = []
    monkeypatch.setattr("whatnext.node.wanted.wanted", lambda library: looks.append(1) or {})
    for _ in range(100):
        standings.on_change(None)
        standings.judge("B")
        clock.now += 0.01
    assert len(looks) == 1
