"""What the list of neighbours tells its listeners, on an mDNS that says what the test wants."""

from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from whatnext.errors import NetworkError
from whatnext.net.mdns import Found, Lost, Quiet
from whatnext.net.mdns.roster import RETURN_S
from whatnext.node import neighbours
from whatnext.node.neighbours import SETTLE_S, Neighbours

ADDRESSES = ("/ip4/192.0.2.7/tcp/1",)


class FeedOfATest:
    def __init__(self):
        self.told = []

    def on_peer(self, event):
        self.told.append((event.peer, event.state))


class NetworkOfATest:
    peer = "A"

    def addresses(self):
        return []


class MdnsOfATest:
    """Stands in for `open_mdns`."""

    def __init__(self):
        self.refreshed = 0
        self.fails = False
        self.send = None

    @asynccontextmanager
    async def open(self, peer, addresses, send):
        if self.fails:
            raise NetworkError("port 5353 is taken")
        self.send = send
        yield self

    def refresh(self):
        self.refreshed += 1


@pytest.fixture
def mdns(monkeypatch):
    made = MdnsOfATest()
    monkeypatch.setattr(neighbours, "open_mdns", made.open)
    return made


@pytest.fixture
def feed():
    return FeedOfATest()


@pytest.fixture
async def listed(mdns, feed, nursery):
    made = Neighbours(feed)
    came = []
    nursery.start_soon(made.run, NetworkOfATest(), came.append)
    made.came = came
    await trio.testing.wait_all_tasks_blocked()
    return made


def found(peer="B", *, whatnext=True):
    return Found(peer=peer, addresses=ADDRESSES, whatnext=whatnext)


async def test_each_state_is_told_once_and_gone_only_when_the_peer_does_not_return(
    listed, mdns, feed, autojump_clock
):
    mdns.send(found())
    mdns.send(found())
    await trio.sleep(1)
    assert feed.told == [("B", "discovered")]
    mdns.send(Lost(peer="B"))
    await trio.sleep(RETURN_S - 0.5)
    mdns.send(found())
    await trio.sleep(10)
    assert feed.told[1:] == [("B", "quiet"), ("B", "discovered")]
    mdns.send(Lost(peer="B"))
    await trio.sleep(RETURN_S + 0.1)
    assert feed.told[3:] == [("B", "quiet"), ("B", "gone")]
    await trio.sleep(300)
    assert listed.listing() == []
    assert len(feed.told) == 5


async def test_who_falls_silent_is_told_as_quiet(listed, mdns, feed, autojump_clock):
    mdns.send(found())
    await trio.sleep(1)
    mdns.send(Quiet(peer="B"))
    await trio.sleep(1)
    assert feed.told == [("B", "discovered"), ("B", "quiet")]


async def test_programs_of_others_are_neither_told_nor_dialled(listed, mdns, feed, autojump_clock):
    mdns.send(found("F", whatnext=False))
    await trio.sleep(1)
    assert (feed.told, listed.came) == ([], [])
    assert [row.peer for row in listed.listing(foreign=True)] == ["F"]


async def test_the_first_list_waits_until_everybody_had_the_time_to_answer(listed, mdns, autojump_clock):
    began = trio.current_time()
    await listed.settled()
    assert trio.current_time() - began == SETTLE_S
    await listed.settled()
    assert trio.current_time() - began == SETTLE_S


async def test_without_discovery_nobody_waits_and_nothing_fails(feed, autojump_clock):
    listed = Neighbours(feed)
    began = trio.current_time()
    listed.refresh()
    await listed.settled()
    assert trio.current_time() == began
    assert listed.listing() == []


async def test_where_discovery_is_off_silence_is_not_taken_for_absence(listed, feed, mdns):
    mdns.send(found())
    assert listed.ask("B") == list(ADDRESSES)
    assert listed.ask("C") == []
    off = Neighbours(feed)
    off.is_on = False
    with pytest.raises(NetworkError, match="--no-mdns"):
        off.ask("B")


async def test_asking_anew_reaches_mdns(listed, mdns):
    listed.refresh()
    assert mdns.refreshed == 1


async def test_an_mdns_that_cannot_be_had_is_a_problem_not_an_end(mdns, feed):
    mdns.fails = True
    listed = Neighbours(feed)
    await listed.run(NetworkOfATest(), lambda peer: None)
    assert "5353" in listed.problem
    with pytest.raises(NetworkError, match="5353"):
        listed.ask("B")
