"""What the desktop is told of members' deeds: others', since this device came, and of nobody who is blocked."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "playlists"))

from playlist_devices import Circle

from whatnext.node import attention, deeds
from whatnext.node.attention import HOLDS_S, MAX_PAGES, Attention, SetAttention
from whatnext.node.notification_views import Deed, Glance


class Desk:
    """Ann's node, as far as a glance needs it."""

    def __init__(self, circle: Circle) -> None:
        ann = circle.ann
        self.now = 0.0
        self.library, self.playlists = ann.library, ann.here
        self.attention = Attention(lambda: self.now)
        self.settings = SimpleNamespace(notifications=True)
        self.connected, self.friends = [], {}
        self.network = SimpleNamespace(
            peer=ann.peer, connections=lambda: [SimpleNamespace(peer=peer) for peer in self.connected]
        )
        self.standings = SimpleNamespace(blocked=set())
        self.contacts = SimpleNamespace(wanted=lambda: self.friends)
        self.upto = None

    async def look(self):
        seen = await deeds.glance(self, Glance(after=self.upto))
        self.upto = seen.upto
        return seen

    async def told(self) -> list[tuple[str | None, str, int]]:
        return [(deed.name, deed.kind, deed.count) for deed in (await self.look()).deeds]


@pytest.fixture
def circle():
    return Circle()


@pytest.fixture
def desk(circle):
    return Desk(circle)


async def test_the_first_look_only_says_where_things_stand(circle, desk):
    circle.friend("Ben")
    first = await desk.look()
    assert (first.deeds, first.more) == ([], False)
    assert first.upto == (await desk.look()).upto > 0


@pytest.mark.parametrize("after", [2**63, 2**70])
async def test_who_is_ahead_of_this_database_hears_nothing_and_where_things_stand(circle, desk, after):
    circle.friend("Ben")
    seen = await deeds.glance(desk, Glance(after=after))
    assert (seen.deeds, seen.upto) == ([], (await desk.look()).upto)


async def test_a_friend_who_joins_and_adds_is_told_of_by_name(circle, desk):
    await desk.look()
    ben = circle.friend("Ben")
    ben.add(circle.id, "Red", "Blue")
    ben.add(circle.id, "Green")
    circle.meet(circle.ann, ben)
    seen = await desk.look()
    shared = {"playlist": circle.id, "playlist_name": "Road trip", "peer": ben.peer, "name": "Ben"}
    assert seen.deeds == [Deed(kind="joined", count=1, **shared), Deed(kind="added", count=3, **shared)]
    assert await desk.told() == []


async def test_what_is_no_addition_is_not_told(circle, desk):
    ben = circle.friend("Ben")
    ben.add(circle.id, "Red", "Blue")
    circle.meet(circle.ann, ben)
    await desk.look()
    ben.do("playlist.move", playlist=circle.id, entries=["2"], to=1)
    ben.do("playlist.remove", playlist=circle.id, entries=["1"])
    ben.do("playlist.vote", playlist=circle.id, entry="1", value=1)
    circle.meet(circle.ann, ben)
    assert await desk.told() == []


async def test_own_changes_are_no_news_and_those_of_blocked_peers_are_not_told(circle, desk):
    ben, eve = circle.friend("Ben"), circle.friend("Eve")
    await desk.look()
    desk.standings.blocked.add(eve.peer)
    for device in (circle.ann, ben, eve):
        device.add(circle.id, "Song")
    circle.meet(circle.ann, ben, eve)
    assert await desk.told() == [("Ben", "added", 1)]


async def test_what_was_there_before_this_device_came_is_not_news_to_tell(circle):
    ben = circle.friend("Ben")
    ben.add(circle.id, "Old", "Older")
    circle.meet(circle.ann, ben)
    cleo = circle.device("Cleo")
    desk = Desk(SimpleNamespace(ann=cleo))
    await desk.look()
    circle.let_in(cleo, circle.ann.do("invite.create", playlist=circle.id, role="editor").link)
    ben.add(circle.id, "New")
    circle.meet(circle.ann, ben, cleo)
    assert await desk.told() == [("Ben", "added", 1)]


async def test_much_at_once_is_told_in_parts(circle, desk, monkeypatch):
    monkeypatch.setattr(deeds, "MAX_RECORDS", 3)
    ben = circle.friend("Ben")
    await desk.look()
    for number in range(7):
        ben.add(circle.id, f"Song {number}")
    circle.meet(circle.ann, ben)
    parts = []
    while True:
        seen = await desk.look()
        parts.append(sum(deed.count for deed in seen.deeds))
        if not seen.more:
            break
    assert parts == [3, 3, 1]


async def test_after_a_backup_was_restored_it_begins_anew(circle, desk):
    desk.upto = 10_000
    seen = await desk.look()
    assert seen.deeds == []
    assert seen.upto < 10_000


async def test_it_says_how_many_friends_are_connected_and_what_the_user_wants(circle, desk):
    desk.connected, desk.friends = ["ben", "stranger", "ben"], {"ben": [], "cleo": []}
    desk.settings.notifications = False
    seen = await desk.look()
    assert (seen.around, seen.notify, seen.watched) == (1, False, False)


async def test_a_page_that_is_looked_at_counts_until_it_says_otherwise_or_vanishes(desk):
    await attention.tell(desk, SetAttention(page="one", watching=True))
    await attention.tell(desk, SetAttention(page="two", watching=True))
    await attention.tell(desk, SetAttention(page="one", watching=False))
    assert (await desk.look()).watched
    desk.now = HOLDS_S
    assert not (await desk.look()).watched
    for number in range(3 * MAX_PAGES):
        desk.attention.tell(f"page {number}", watching=True)
    assert len(desk.attention._until) == MAX_PAGES
