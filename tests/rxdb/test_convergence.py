"""RxDB clients, the node and another device: whatever the order of edits and cuts, all end alike, nothing is lost."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playlist_devices import Circle
from simulated_client import SimulatedClient

from whatnext.rxdb import limits
from whatnext.rxdb.master import Master
from whatnext.rxdb.readers import Member, Profile

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
FIELDS = ("title", "album", "note")
CLIENTS = 3
STEPS = ("upstream", "downstream", "deliver", "serve", "take")
EDITS = ("add", "edit", "edit", "remove")
CHOICES = (
    *STEPS * 3,
    *EDITS,
    "disconnect",
    "connect",
    "connect",
    "restart",
    "device edits",
    "remind",
    "drain",
)

histories = st.lists(
    st.tuples(st.sampled_from(CHOICES), st.integers(0, CLIENTS - 1), st.integers(0, 59)), max_size=150
)


class World:
    def __init__(self):
        self.circle = Circle()
        self.device = self.circle.friend("Dan")
        master = Master(self.circle.ann.here)
        library = self.circle.ann.library
        members = [Member(library, self.circle.friend(name).peer) for name in ("Bob", "Carol")]
        self.clients = [
            SimulatedClient(master, reader, name)
            for reader, name in zip((Profile(library), *members), "abc", strict=True)
        ]
        self.master = master
        self.added, self.removed = {}, set()
        self.edits = {}
        self.count = 0

    def do(self, what, who, number):
        client = self.clients[who]
        match what:
            case "add":
                self.add(client)
            case "edit" | "remove" if standing := [d for d in client.fork.values() if not d["_deleted"]]:
                getattr(self, what)(client, who, standing[number % len(standing)], number)
            case "device edits":
                self.device_edits(number)
            case "remind" if client.session is not None:
                client.session.remind()
            case "drain":
                while client.deliver() or client.serve() or client.take():
                    pass
            case "edit" | "remove" | "remind":
                pass
            case _:
                getattr(client, what)()

    def add(self, client):
        self.count += 1
        key = LETTERS[self.count // 32] + LETTERS[self.count % 32] * 15
        title = f"Track {self.count}"
        document = {
            "id": f"{self.circle.id}:{key}",
            "playlistId": self.circle.id,
            "position": f"a{self.count:04d}V",
            "title": title,
            "artists": [],
            "album": "",
            "durationMs": None,
            "isrc": None,
            "mbid": None,
            "links": [],
            "note": "",
            "addedBy": "",
            "addedAt": 0,
            "version": "",
            "_deleted": False,
        }
        client.write(document)
        self.added[document["id"]] = title

    def edit(self, client, who, document, number):
        field = FIELDS[number % len(FIELDS)]
        self.count += 1
        client.write({**document, field: f"{field} {self.count}"})
        self.edits.setdefault((document["id"], field), []).append((who, f"{field} {self.count}"))

    def remove(self, client, who, document, number):
        client.write({**document, "_deleted": True})
        self.removed.add(document["id"])

    def device_edits(self, number):
        """Another device hears of all there is, changes something, and tells it."""
        self.circle.meet(self.circle.ann, self.device)
        entries = self.device.show(self.circle.id).entries
        if entries:
            self.count += 1
            field, key = FIELDS[number % len(FIELDS)], entries[number % len(entries)].id
            edited = {field: f"{field} {self.count}"}
            self.device.do("playlist.edit", playlist=self.circle.id, entry=key, **edited)
            self.edits.setdefault((f"{self.circle.id}:{key}", field), []).append(("device", edited[field]))
        self.circle.meet(self.circle.ann, self.device)

    def come_to_rest(self):
        """Everybody is there, every message arrives, and who owes a pull is reminded."""
        for client in self.clients:
            client.connect()
        for _ in range(2):
            for client in self.clients:
                client.session.remind()
            settle(self.clients)
        self.circle.meet(self.circle.ann, self.device)


def settle(clients):
    while sum(getattr(client, step)() for client in clients for step in STEPS):  # every step of a round
        pass


def check(world):
    """No client differs from the node, no add is lost, no removal undone; a field has its only editor's last word."""
    truth = {d["id"]: d for d in pulled(world)}
    for client in world.clients:
        assert client.fork == truth
        assert client.assumed == truth
    assert truth.keys() == world.added.keys()
    assert {key for key, document in truth.items() if document["_deleted"]} == world.removed
    for (key, field), edits in world.edits.items():
        assert truth[key][field] in [value for _, value in edits]
        if len({who for who, _ in edits}) == 1:
            assert truth[key][field] == edits[-1][1]
    assert written_twice(world) == []
    titles = [d["title"] for d in truth.values() if not d["_deleted"]]
    assert sorted(world.device.titles(world.circle.id)) == sorted(titles)
    assert world.device.titles(world.circle.id) == world.circle.ann.titles(world.circle.id)


def written_twice(world):
    """Edits that took effect again when a push was repeated, over whatever others had done since; each is unique."""
    writes = [
        w for record in world.circle.ann.library.records(world.circle.playlist) for w in record.body.writes
    ]
    made = Counter(
        (w.id, n, str(v)) for w in writes if w.collection == "entries" for n, v in w.fields.items()
    )
    return [each for each, times in made.items() if times > 1]


def pulled(world):
    client = SimulatedClient(world.master, Profile(world.circle.ann.library), "witness")
    client.connect()
    settle([client])
    return client.fork.values()


@settings(max_examples=60, deadline=None)
@given(histories)
def test_whatever_happens_on_the_way_all_end_alike(history):
    play(history)


@pytest.mark.parametrize("seed", range(30))
def test_long_histories_end_alike_too(seed):
    play(walk(seed))


@pytest.mark.soak
def test_thousands_of_long_histories_end_alike():
    for seed in range(30, 3030):
        play(walk(seed))


def walk(seed):
    rng = random.Random(seed)
    return [
        (rng.choice(CHOICES), rng.randrange(CLIENTS), rng.randrange(60)) for _ in range(rng.randrange(600))
    ]


def play(history):
    before, limits.MAX_EVENT = limits.MAX_EVENT, 4  # so that RESYNC is a matter of course
    try:
        world = World()
        for what, who, number in history:
            world.do(what, who, number)
        world.come_to_rest()
        check(world)
    finally:
        limits.MAX_EVENT = before
