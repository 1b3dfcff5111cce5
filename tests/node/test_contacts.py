"""Whom a node seeks and how often, in simulated time on a network that only notes what is asked of it."""

import itertools
import random

import pytest
import trio
from fake_network import ADDRESS, HELLO, FakeNetwork, FakeStream, Seeking

from whatnext.clock import HybridClock
from whatnext.errors import Unreachable, UserError
from whatnext.identity import Identity
from whatnext.node.backoff import Backoff
from whatnext.node.contacts import EAGER_PAUSE_S, EAGER_S, LONGEST_PAUSE_S, NEW_PLACE_EAGER_S, Contacts
from whatnext.node.links import SyncLinks
from whatnext.playlists import requests
from whatnext.playlists.operations import OPERATIONS
from whatnext.playlists.service import Playlists
from whatnext.store import Library
from whatnext.store.peers import AddressBook
from whatnext.sync.events import LinkEnded, PeerHandshaken

START_MS = 1_790_000_000_000


class FakeHub:
    """Links last `lasting` seconds."""

    def __init__(self, lasting: float = 1e9) -> None:
        self.lasting = lasting
        self.attached: list[tuple[float, str]] = []

    async def attach(self, stream):
        self.attached.append((trio.current_time(), stream.peer))
        await trio.sleep(self.lasting)
        return LinkEnded(stream.peer, "connection_lost", "it ended")


@pytest.fixture
def library():
    made = Library(Identity.generate(), HybridClock(lambda: START_MS))
    yield made
    made.close()


@pytest.fixture
def seeking(library):
    return Seeking(library, AddressBook(library.database), random.Random(1), set())


async def test_who_is_wanted_is_dialled_at_once(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    nursery.start_soon(seeking.run, network)
    await trio.sleep(0.01)
    assert network.dials == [(0.0, "B", [ADDRESS])]
    await trio.sleep(300)
    assert len(network.dials) == 1


async def test_who_is_away_is_tried_ever_less_often_but_never_given_up(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    network.reachable = False
    nursery.start_soon(seeking.run, network)
    await trio.sleep(3600)
    times = [at for at, _, _ in network.dials]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[0] < 1
    assert max(gaps) <= 1.5 * LONGEST_PAUSE_S + 0.2
    assert 40 < len(times) < 200
    network.reachable = True
    await trio.sleep(100)
    assert network.connections()


async def test_a_peer_blocked_just_before_its_next_try_takes_nothing_down(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    dial = network.dial

    async def refused(peer, addresses):
        raise UserError(f"{peer} is blocked on this device, so it is not dialled: unblock it first")

    network.dial = refused
    nursery.start_soon(seeking.run, network)
    await trio.sleep(2)
    assert "blocked on this device" in seeking.problems["B"]
    network.dial = dial
    await trio.sleep(2 * LONGEST_PAUSE_S)
    assert network.connections()


async def test_why_a_dial_failed_is_told_until_the_peer_is_reached(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    network.reachable = False
    nursery.start_soon(seeking.run, network)
    await trio.sleep(5)
    assert seeking.problems == {"B": "B could not be reached"}
    network.reachable = True
    await trio.sleep(100)
    assert network.connections()
    assert seeking.problems == {}


async def test_after_a_good_connection_a_peer_is_sought_at_once_again(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    nursery.start_soon(seeking.run, network)
    await trio.sleep(60)
    network.vanish("B")
    lost = trio.current_time()
    await trio.sleep(2)
    assert network.dials[1][0] - lost < 1


async def test_who_turns_us_away_at_once_is_not_pestered(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    nursery.start_soon(seeking.run, network)
    for _ in range(600):
        await trio.sleep(1)
        if network.connections():
            network.vanish("B")
    assert len(network.dials) < 40


async def test_a_paused_peer_is_left_alone_and_sent_away(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    seeking._paused.add("B")
    nursery.start_soon(seeking.run, network)
    await trio.sleep(10)
    assert network.dials == []
    network.appear("B")
    await trio.sleep(10)
    assert network.closed == ["B"]


async def test_only_so_many_dials_go_on_at_one_time(library, nursery, autojump_clock):
    class Crowd(Contacts):
        def wanted(self):
            return {f"P{number}": [ADDRESS] for number in range(1000)}

    network = FakeNetwork()
    nursery.start_soon(Crowd(library, AddressBook(library.database), random.Random(1), set()).run, network)
    await trio.sleep(0.05)
    assert len(network.dials) == 8


def test_members_and_inviters_are_wanted_with_the_addresses_of_their_links(library):
    owner = Library(Identity.generate(), HybridClock(lambda: START_MS))
    theirs = playlists_of(owner, [f"{ADDRESS}/p2p/{owner.identity.peer_id}"])
    made = perform(theirs, "playlist.create", requests.CreatePlaylist(name="Mix"))
    link = perform(theirs, "invite.create", requests.CreateInvite(playlist=made.id)).link
    ours = playlists_of(library, [])
    contacts = Contacts(library, AddressBook(library.database), random.Random(1), set())
    assert contacts.wanted() == {}
    perform(ours, "join", requests.Join(link=link))
    assert contacts.wanted() == {owner.identity.peer_id: [ADDRESS]}

    playlist, admission = library.joining()[0]
    owner.receive(playlist, [admission])
    library.receive(
        playlist, owner.missing(playlist, library.heads(playlist), max_records=99, max_bytes=10**6)
    )
    assert contacts.wanted() == {owner.identity.peer_id: []}
    assert Contacts(owner, AddressBook(owner.database), random.Random(1), set()).wanted() == {
        library.identity.peer_id: []
    }
    owner.close()


def playlists_of(library, addresses):
    class NoSettings:
        name, colour, directory = "", None, None

    return Playlists(library, rng=random.Random(2), settings=NoSettings(), addresses=lambda: addresses)


def perform(playlists, operation, request):
    return OPERATIONS[operation].run(playlists, request)


# Links


async def test_the_smaller_peer_opens_the_stream_and_the_other_waits(nursery, autojump_clock):
    network, hub = FakeNetwork("M"), FakeHub()
    nursery.start_soon(SyncLinks("M", hub, random.Random(1)).run, network)
    await trio.sleep(1)
    network.appear("A")
    network.appear("Z")
    await trio.sleep(1)
    assert network.streams == ["Z"]


async def test_a_link_that_ends_is_opened_again_while_the_peer_is_there(nursery, autojump_clock):
    network, hub = FakeNetwork("A"), FakeHub(lasting=20)
    network.appear("B")
    nursery.start_soon(SyncLinks("A", hub, random.Random(1)).run, network)
    await trio.sleep(100)
    assert 4 <= len(hub.attached) <= 5
    network.vanish("B")
    await trio.sleep(100)
    assert len(hub.attached) <= 5


async def test_a_link_that_fails_at_once_is_not_tried_in_a_hurry(nursery, autojump_clock):
    network, hub = FakeNetwork("A"), FakeHub(lasting=0)
    network.appear("B")
    nursery.start_soon(SyncLinks("A", hub, random.Random(1)).run, network)
    await trio.sleep(600)
    assert 10 < len(hub.attached) < 60


async def test_a_better_path_gets_a_new_link(nursery, autojump_clock):
    network, hub = FakeNetwork("A"), FakeHub()
    network.appear("B")
    nursery.start_soon(SyncLinks("A", hub, random.Random(1)).run, network)
    await trio.sleep(1)
    network.move("B")
    await trio.sleep(1)
    assert len(hub.attached) == 2


async def test_a_peer_that_was_paused_and_is_connected_gets_its_link_when_it_is_wanted_again(
    nursery, autojump_clock
):
    network, hub = FakeNetwork("A"), FakeHub()
    links = SyncLinks("A", hub, random.Random(1))
    links.paused.add("B")
    nursery.start_soon(links.run, network)
    await trio.sleep(1)
    network.appear("B")
    await trio.sleep(1)
    assert network.streams == []
    links.resume("B")
    await trio.sleep(1)
    assert network.streams == ["B"]


async def test_a_stream_opened_against_the_rule_or_by_a_paused_peer_is_reset(autojump_clock):
    hub = FakeHub(lasting=1)
    links = SyncLinks("M", hub, random.Random(1))
    wrong, right, paused = FakeStream("Z"), FakeStream("A"), FakeStream("B")
    links.paused.add("B")
    for stream in (wrong, right, paused):
        await links.serve(stream)
    assert [stream.was_reset for stream in (wrong, right, paused)] == [True, False, True]
    assert [peer for _, peer in hub.attached] == ["A"]


def test_pauses_double_with_jitter_up_to_the_longest():
    backoff = Backoff(1, 8, random.Random(1))
    pauses = [backoff.next() for _ in range(6)]
    for pause, middle in zip(pauses, [1, 2, 4, 8, 8, 8], strict=True):
        assert 0.5 * middle <= pause <= 1.5 * middle
    assert len(set(pauses)) == 6
    backoff.reset()
    assert backoff.next() <= 1.5


# Who is sought eagerly, and who is not


async def cut_every(network, seconds, times, contacts=None, events=()):
    """Lose the peer some seconds after each connection; the times it took to have it again."""
    took = []
    for _ in range(times):
        for event in events:
            contacts.heard(event)
        await trio.sleep(seconds)
        lost = trio.current_time()
        network.vanish("B")
        while not network.connections():  # noqa: ASYNC110 - the fake network has no such event
            await trio.sleep(0.05)
        took.append(trio.current_time() - lost)
    return took


async def test_a_peer_that_greets_is_back_at_once_however_often_the_path_is_cut(
    seeking, nursery, autojump_clock
):
    network = FakeNetwork()
    nursery.start_soon(seeking.run, network)
    await trio.sleep(1)
    assert max(await cut_every(network, 2, 12, seeking, [HELLO])) < 1


async def test_a_peer_that_greets_and_is_lost_before_anybody_looked_is_sought_as_eagerly(
    seeking, nursery, autojump_clock
):
    network = FakeNetwork()
    network.reachable = False
    nursery.start_soon(seeking.run, network)
    await trio.sleep(600)  # the pauses have grown
    for _ in range(8):
        network.appear("B")
        seeking.heard(HELLO)
        network.vanish("B")
        await trio.sleep(5)
    times = [at for at, _, _ in network.dials if at > 601]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 1.5 * EAGER_PAUSE_S + 1
    assert len(times) > 10


async def test_a_peer_that_came_to_us_in_a_long_pause_and_is_lost_again_does_not_wait_it_out(
    seeking, nursery, autojump_clock
):
    network = FakeNetwork()
    network.reachable = False
    nursery.start_soon(seeking.run, network)
    await trio.sleep(1800)
    while network.dials[-1][0] < trio.current_time() - 1:  # noqa: ASYNC110 - until just after a try in vain
        await trio.sleep(0.1)
    network.appear("B")
    seeking.heard(HELLO)
    await trio.sleep(3)
    network.reachable = True
    network.vanish("B")
    lost = trio.current_time()
    while not network.connections():  # noqa: ASYNC110 - the fake network has no such event
        await trio.sleep(0.05)
    assert trio.current_time() - lost < 1.5 * EAGER_PAUSE_S


@pytest.mark.parametrize("events", [[], [HELLO, LinkEnded("B", "blocked", "no")]])
async def test_a_peer_that_hangs_up_or_sends_us_away_is_asked_ever_less_often(
    seeking, nursery, autojump_clock, events
):
    network = FakeNetwork()
    nursery.start_soon(seeking.run, network)
    await trio.sleep(1)
    took = await cut_every(network, 2, 9, seeking, events)
    assert max(took) > 20


async def tries_after_losing(seeking, nursery, met, for_s):
    """Times of the dials in vain since a peer was lost, or, if it was not met, since the start."""
    network = FakeNetwork()
    network.reachable = met
    nursery.start_soon(seeking.run, network)
    if met:
        await trio.sleep(60)
        network.reachable = False
        network.vanish("B")
    lost = trio.current_time()
    await trio.sleep(for_s)
    return [at - lost for at, _, _ in network.dials if at >= lost]


@pytest.mark.parametrize(("met", "eager_s", "most"), [(True, EAGER_S, 700), (False, NEW_PLACE_EAGER_S, 200)])
async def test_who_is_away_is_tried_every_few_seconds_at_first_and_then_after_a_share_of_the_absence(
    seeking, nursery, autojump_clock, met, eager_s, most
):
    times = await tries_after_losing(seeking, nursery, met, for_s=3600)
    for earlier, later in itertools.pairwise(times):
        share = max(1, (earlier + 1) / eager_s)
        assert later - earlier <= 1.5 * min(EAGER_PAUSE_S * share, LONGEST_PAUSE_S) + 0.2
    assert 100 < len(times) < most
    print(
        f"{'lost' if met else 'not met'}: {len(times)} dials in an hour, {len([t for t in times if t < 600])} in 10 min"
    )


class Absent:
    """A resolver that finds nobody; notes when it was to try relays again."""

    def __init__(self):
        self.asked = []

    def can_ask(self, peer):
        return True

    async def reach(self, peer, *, sparing, again):
        self.asked.append((trio.current_time(), again))
        raise Unreachable(f"{peer} could not be reached")


async def test_relays_are_tried_again_only_for_who_was_here_some_minutes_ago(
    library, nursery, autojump_clock
):
    resolver = Absent()
    contacts = Seeking(library, AddressBook(library.database), random.Random(1), set(), resolver=resolver)
    nursery.start_soon(contacts.run, FakeNetwork())
    await trio.sleep(2 * EAGER_S)
    began = resolver.asked[0][0]
    assert {again for at, again in resolver.asked if at - began < EAGER_S} == {True}
    assert {again for at, again in resolver.asked if at - began >= EAGER_S} == {False}


async def test_who_answers_and_hangs_up_is_not_tried_in_that_hurry(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    times = []

    async def refused(peer, addresses):
        times.append(trio.current_time())
        raise Unreachable("it hung up", answered=True)

    network.dial = refused
    nursery.start_soon(seeking.run, network)
    await trio.sleep(600)
    assert len(times) < 30


async def test_in_a_new_place_everybody_is_sought_at_once_however_long_the_pauses_had_grown(
    seeking, nursery, autojump_clock
):
    network = FakeNetwork()
    network.reachable = False
    nursery.start_soon(seeking.run, network)
    await trio.sleep(1800)
    network.reachable = True
    moved = trio.current_time()
    seeking.moved()
    await trio.sleep(2)
    assert network.connections()
    assert network.dials[-1][0] - moved < 1


async def test_a_blocked_peer_is_not_sought_and_is_sent_away(library, nursery, autojump_clock):
    blocked = {"B"}
    network = FakeNetwork()
    contacts = Seeking(library, AddressBook(library.database), random.Random(1), set(), blocked=blocked)
    nursery.start_soon(contacts.run, network)
    await trio.sleep(10)
    assert network.dials == []
    network.appear("B")
    await trio.sleep(10)
    assert network.closed == ["B"]
    blocked.clear()
    contacts.wake()
    await trio.sleep(2)
    assert network.connections()


async def test_a_friend_who_ends_a_long_connection_on_purpose_is_not_pestered(
    seeking, nursery, autojump_clock
):
    network = FakeNetwork()
    nursery.start_soon(seeking.run, network)
    await trio.sleep(1)
    seeking.heard(HELLO)
    await trio.sleep(600)
    seeking.heard(LinkEnded("B", "disconnected", "the other device's user closed the connection"))
    ended = trio.current_time()
    network.vanish("B")
    for _ in range(600):  # it hangs up each time we come
        await trio.sleep(1)
        if network.connections():
            network.vanish("B")
    assert 4 < len([at for at, _, _ in network.dials if at >= ended]) < 30


async def test_strangers_who_greet_and_leave_cost_no_memory(seeking, nursery, autojump_clock):
    network = FakeNetwork()
    nursery.start_soon(seeking.run, network)
    for number in range(100):
        seeking.heard(PeerHandshaken(f"S{number}", "", "test", (), 0))
        seeking.heard(LinkEnded(f"T{number}", "full", "no room"))
    seeking.wake()
    await trio.sleep(3)
    assert not seeking._welcome
    assert not seeking._turned_away
    assert set(seeking._backoffs) <= {"B"}


async def test_each_new_reason_why_a_peer_is_not_reached_is_told_once(library, nursery, autojump_clock):
    told = []
    network = FakeNetwork()
    network.reachable = False
    contacts = Seeking(
        library,
        AddressBook(library.database),
        random.Random(1),
        set(),
        on_problem=lambda peer, reason: told.append((peer, reason)),
    )
    nursery.start_soon(contacts.run, network)
    await trio.sleep(600)
    assert told == [("B", "B could not be reached")]
