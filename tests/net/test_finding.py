"""All ways of finding a peer, asked together, with a clock that jumps and no network."""

import msgspec
import pytest
import trio

from whatnext.errors import ConnectionLost, NetworkError, ProtocolViolation, Unreachable, UserError, WrongPeer
from whatnext.net.dialing import Pool, race
from whatnext.net.finding.search import HEAD_START_S, PATIENCE_S, find_and_dial
from whatnext.net.finding.ways import KnownHere, ThroughRelays
from whatnext.net.observing import Found

YOU, RELAY = "12D3KooWYou", "12D3KooWRelay"
REFUSED = ConnectionRefusedError(111, "refused")


class Way:
    """Answers after a time, with addresses or an error."""

    def __init__(self, name, after, answer, *, is_local=False):
        self.name, self.nothing, self.is_local = name, f"{name} knows nothing", is_local
        self.after, self.answer = after, answer
        self.asked = self.cancelled = None

    async def find(self, peer):
        self.asked = trio.current_time()
        try:
            await trio.sleep(self.after)
        except trio.Cancelled:
            self.cancelled = trio.current_time()
            raise
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Ether:
    """A network in which some addresses answer: {address: (after, error or None)}."""

    def __init__(self, **answers):
        self.answers = {f"/{name}": answer for name, answer in answers.items()}
        self.dialled = {}
        self.told = []
        self.observe = self.told.append

    async def dial_as_found(self, pool):
        async def attempt(address):
            self.dialled[address] = trio.current_time()
            after, error = self.answers[address]
            await trio.sleep(after)
            if error is not None:
                raise error
            return address

        async def discard(result):
            raise AssertionError(result)

        outcome = await race(pool, attempt, discard, stagger_s=0.15, timeout_s=10)
        if outcome.winner is None:
            raise Unreachable("nobody")
        return outcome.winner


async def find(ether, *ways, named=()):
    pool = Pool(YOU)
    pool.add(named, "given")
    began = trio.current_time()
    for way in ways:
        way.began = began
    return await find_and_dial(ether, pool, ways)


async def test_what_is_known_here_is_dialled_at_once_and_the_network_is_not_asked(autojump_clock):
    book, dht = Way("address book", 0, ["/known"], is_local=True), Way("DHT", 0, ["/other"])
    ether = Ether(known=(0.1, None))
    assert await find(ether, book, dht) == "/known"
    assert dht.asked is None


async def test_the_network_is_asked_after_a_head_start(autojump_clock):
    book, dht = Way("address book", 0, ["/silent"], is_local=True), Way("DHT", 0.2, ["/there"])
    ether = Ether(silent=(60, None), there=(0.1, None))
    assert await find(ether, book, dht) == "/there"
    assert dht.asked - dht.began == pytest.approx(HEAD_START_S)


@pytest.mark.parametrize("known", [[], ["/dead"]])
async def test_the_head_start_ends_when_nothing_is_left_to_try(autojump_clock, known):
    book, dht = Way("address book", 0, known, is_local=True), Way("DHT", 0, ["/there"])
    ether = Ether(dead=(0.01, REFUSED), there=(0, None))
    assert await find(ether, book, dht) == "/there"
    assert dht.asked - dht.began <= 0.01


async def test_ways_of_the_network_are_asked_together_and_the_first_success_ends_the_rest(autojump_clock):
    slow, quick = Way("rendezvous", 5, ["/late"]), Way("DHT", 1, ["/there"])
    assert await find(Ether(there=(0, None)), slow, quick) == "/there"
    assert slow.cancelled == quick.began + 1


async def test_one_failure_reads_the_same_each_time_whoever_knew_the_address(autojump_clock):
    told = set()
    for _ in range(20):  # trio runs tasks that are ready in an order of its own
        ways = [Way(name, 0, ["/old"], is_local=True) for name in ("address book", "this network")]
        with pytest.raises(Unreachable) as caught:
            await find(Ether(old=(0, REFUSED)), *ways)
        told.add(str(caught.value))
    assert len(told) == 1


async def test_an_address_that_fails_does_not_end_the_search(autojump_clock):
    first, second = Way("rendezvous", 0, ["/dead"]), Way("DHT", 3, ["/there"])
    assert await find(Ether(dead=(0, REFUSED), there=(0, None)), first, second) == "/there"


@pytest.mark.parametrize(
    ("error", "answered"), [(REFUSED, False), (ConnectionResetError(104, "reset"), True)]
)
async def test_the_error_says_whether_somebody_was_there_and_hung_up(autojump_clock, error, answered):
    with pytest.raises(Unreachable) as caught:
        await find(Ether(old=(0, error)), Way("address book", 0, ["/old"], is_local=True))
    assert caught.value.answered is answered


async def test_the_error_lists_everything_that_was_tried_in_order_and_what_to_do(autojump_clock):
    ways = [
        Way("address book", 0, ["/old", "/older"], is_local=True),
        Way("this network", 0, [], is_local=True),
        Way("rendezvous", 1, NetworkError("the relay is away")),
        Way("DHT", 99, []),
    ]
    ether = Ether(old=(0, REFUSED), older=(99, None))
    with pytest.raises(Unreachable) as caught:
        await find(ether, *ways, named=["junk"])
    assert str(caught.value).splitlines()[1:-1] == [
        "  given: junk: is not a multiaddr: it should look like /ip4/192.0.2.1/tcp/4001",
        "  address book: /old: refused: nothing listens there",
        "  address book: /older: timed out after 10 s",
        "  this network: this network knows nothing",
        "  rendezvous: the relay is away",
        f"  DHT: no answer within {PATIENCE_S:g} s",
    ]
    assert "whatnext id --link" in str(caught.value)
    assert [(t.way, t.address) for t in caught.value.tried][:2] == [
        ("given", "junk"),
        ("address book", "/old"),
    ]
    assert msgspec.json.encode(caught.value.tried)


async def test_a_way_that_misbehaves_spoils_nothing(autojump_clock):
    bad, good = Way("DHT", 0, ProtocolViolation("nonsense")), Way("rendezvous", 1, ["/there"])
    assert await find(Ether(there=(0, None)), bad, good) == "/there"


async def test_somebody_else_at_the_only_address_is_said_as_such(autojump_clock):
    with pytest.raises(WrongPeer, match="names another peer"):
        await find(Ether(), named=[f"/ip4/10.0.0.1/tcp/1/p2p/{RELAY}"])


async def test_other_errors_of_the_dial_stay_what_they_are(autojump_clock):
    class Own(Ether):
        async def dial_as_found(self, pool):
            raise UserError("own")

    way = Way("DHT", 60, [])
    with pytest.raises(UserError, match="own"):
        await find(Own(), way)
    assert way.cancelled == way.began


async def test_each_way_is_told_to_the_observer(autojump_clock):
    ether = Ether(there=(1, None))
    lost = Way("rendezvous", 0, ConnectionLost("gone"))
    await find(ether, Way("address book", 0, [], is_local=True), lost, Way("DHT", 0, ["/there"]))
    told = {found.way: (found.addresses, found.reason) for found in ether.told if isinstance(found, Found)}
    assert told == {
        "address book": ([], "address book knows nothing"),
        "rendezvous": ([], "gone"),
        "DHT": (["/there"], None),
    }


async def test_cancelling_a_search_ends_every_question(autojump_clock):
    way = Way("DHT", 60, [])
    with trio.move_on_after(3) as scope:
        await find(Ether(), way)
    assert scope.cancelled_caught
    assert way.cancelled == way.began + 3


async def test_the_ways_that_ask_nobody(autojump_clock):
    book = KnownHere("address book", {YOU: ["/a"]}.__getitem__, "not met")
    assert await book.find(YOU) == ["/a"]
    relays = ThroughRelays(
        lambda: [f"/ip4/192.0.2.1/tcp/1/p2p/{RELAY}", f"/ip4/192.0.2.2/tcp/1/p2p/{YOU}", "/x"]
    )
    assert await relays.find(YOU) == [f"/ip4/192.0.2.1/tcp/1/p2p/{RELAY}/p2p-circuit"]


async def test_a_way_that_adds_nothing_new_is_in_the_list_as_well(autojump_clock):
    ways = [Way("address book", 0, ["/dead"], is_local=True), Way("DHT", 1, ["/dead"])]
    with pytest.raises(Unreachable, match="DHT: names only addresses that are tried already"):
        await find(Ether(dead=(0, REFUSED)), *ways)
