"""What a node remembers of who listens to what, and for how long."""

import msgspec
import pytest
import trio

from whatnext.clock import HybridClock
from whatnext.config import Settings
from whatnext.errors import StoreUnwritable
from whatnext.identity import Identity
from whatnext.node.api.feed import Feed
from whatnext.node.presence import Presences, PresenceView
from whatnext.records.ids import to_text
from whatnext.store import Library
from whatnext.sync.events import LinkEnded, PeerPresence

KITCHEN, PARTY = bytes(20), b"p" * 20
SONG, OTHER = "a" * 16, "b" * 16


class Hub:
    """Takes what would go to the links."""

    def __init__(self) -> None:
        self.told: list[tuple[bytes, str | None]] = []

    def listen(self, callback) -> None:
        self.hear = callback

    def present(self, playlist: bytes, entry: str | None) -> None:
        self.told.append((playlist, entry))


class Kept:
    """The setting, kept nowhere."""

    tells_playing = True
    is_full = False

    def tell_playing(self, *, on: bool) -> None:
        if self.is_full:
            raise StoreUnwritable("the disk is full")
        self.tells_playing = on


class Here:
    """Presences with a hub of the test and what their listeners are told."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.kept = Kept()
        feed = Feed(Library(Identity(bytes(32)), HybridClock(lambda: 0)))
        self.presences = Presences(self.hub, feed, self.kept)
        self.said: list[tuple[str, str | None]] = []
        feed.on_presence = lambda event: self.said.append((event.playlist, event.entry))


def view(entry: str, playlist: bytes = KITCHEN) -> PresenceView:
    return PresenceView(peer="ben", playlist=to_text(playlist), entry=entry)


async def test_a_word_is_told_once_and_shown_until_it_is_taken_back(autojump_clock):
    here = Here()
    for _ in range(3):
        here.hub.hear(PeerPresence("ben", KITCHEN, SONG))
    assert here.presences.listing() == [view(SONG)]
    here.hub.hear(PeerPresence("ben", KITCHEN, OTHER))
    here.hub.hear(PeerPresence("ben", PARTY, None))
    assert here.presences.listing() == [view(OTHER)]
    here.hub.hear(PeerPresence("ben", KITCHEN, None))
    assert here.presences.listing() == []
    kitchen = to_text(KITCHEN)
    assert here.said == [(kitchen, SONG), (kitchen, OTHER), (kitchen, None)]


async def test_who_goes_on_in_another_playlist_has_left_the_first(autojump_clock):
    here = Here()
    here.hub.hear(PeerPresence("ben", KITCHEN, SONG))
    here.hub.hear(PeerPresence("ben", PARTY, SONG))
    assert here.presences.listing() == [view(SONG, PARTY)]
    assert here.said[1:] == [(to_text(KITCHEN), None), (to_text(PARTY), SONG)]


async def test_it_goes_with_the_link(autojump_clock):
    here = Here()
    here.hub.hear(PeerPresence("ben", KITCHEN, SONG))
    here.hub.hear(LinkEnded("somebody", "bye", "over"))
    here.hub.hear(LinkEnded("ben", "replaced", "the peer opened a newer link"))
    assert here.presences.listing()
    here.hub.hear(LinkEnded("ben", "bye", "over"))
    assert here.presences.listing() == []
    assert here.said[-1] == (to_text(KITCHEN), None)


async def test_a_word_that_is_not_said_again_ends_after_90_seconds(autojump_clock):
    here = Here()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.presences.run)
        here.hub.hear(PeerPresence("ben", KITCHEN, SONG))
        await trio.sleep(60)
        here.hub.hear(PeerPresence("ben", KITCHEN, SONG))
        await trio.sleep(89)
        assert here.presences.listing() == [view(SONG)]
        await trio.sleep(2)
        assert here.presences.listing() == []
        nursery.cancel_scope.cancel()
    assert here.said == [(to_text(KITCHEN), SONG), (to_text(KITCHEN), None)]


async def test_our_own_is_taken_back_in_one_playlist_before_it_is_told_in_another(autojump_clock):
    here = Here()
    here.presences.tell(KITCHEN, SONG)
    here.presences.tell(KITCHEN, OTHER)
    here.presences.tell(PARTY, SONG)
    here.presences.tell(None, None)
    here.presences.tell(None, None)
    assert here.hub.told == [(KITCHEN, SONG), (KITCHEN, OTHER), (KITCHEN, None), (PARTY, SONG), (PARTY, None)]


async def test_a_page_that_was_closed_listens_to_nothing_after_90_seconds(autojump_clock):
    here = Here()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.presences.run)
        await trio.testing.wait_all_tasks_blocked()
        here.presences.tell(KITCHEN, SONG)
        await trio.sleep(91)
        nursery.cancel_scope.cancel()
    assert here.hub.told == [(KITCHEN, SONG), (KITCHEN, None)]


async def test_the_event_names_peer_playlist_and_entry(autojump_clock):
    feed = Feed(Library(Identity(bytes(32)), HybridClock(lambda: 0)))
    hub = Hub()
    Presences(hub, feed, Kept())
    with feed.listen() as listener:
        hub.hear(PeerPresence("ben", KITCHEN, SONG))
        text = (await listener.wait()).decode()
    assert text.startswith("event: presence\ndata: ")
    told = msgspec.json.decode(text.partition("data: ")[2])
    assert told == {"peer": "ben", "playlist": to_text(KITCHEN), "entry": SONG}


async def test_switched_off_what_was_told_is_taken_back_at_once_and_nothing_more_is_told(autojump_clock):
    here = Here()
    here.presences.tell(KITCHEN, SONG)
    here.presences.share(on=False)
    assert here.hub.told == [(KITCHEN, SONG), (KITCHEN, None)]
    here.presences.tell(KITCHEN, OTHER)
    here.presences.tell(PARTY, SONG)
    here.presences.tell(None, None)
    assert len(here.hub.told) == 2
    here.presences.share(on=True)
    assert len(here.hub.told) == 2, "it is told again with the next word, not out of memory"
    here.presences.tell(KITCHEN, OTHER)
    assert here.hub.told[2:] == [(KITCHEN, OTHER)]


async def test_switched_off_the_others_are_still_heard(autojump_clock):
    here = Here()
    here.presences.share(on=False)
    here.hub.hear(PeerPresence("ben", KITCHEN, SONG))
    assert here.presences.listing() == [view(SONG)]


async def test_what_was_told_is_taken_back_even_when_the_choice_cannot_be_kept(autojump_clock):
    here = Here()
    here.kept.is_full = True
    here.presences.tell(KITCHEN, SONG)
    with pytest.raises(StoreUnwritable):
        here.presences.share(on=False)
    assert here.hub.told[-1] == (KITCHEN, None)


def test_members_are_told_until_the_user_says_otherwise_and_the_profile_remembers(tmp_path):
    settings = Settings(tmp_path)
    assert settings.tells_playing
    settings.rename("Anna", None)
    settings.tell_playing(on=False)
    again = Settings(tmp_path)
    assert (again.tells_playing, again.name) == (False, "Anna")
