"""RxDB clients and one node, over the WebSocket and over libp2p."""

import pytest
from js_clients import Clients, JsClient
from rxdb_nodes import documents, eventually

from whatnext.bench.nodes import Node, entry_ids

pytestmark = pytest.mark.real

WAYS = ["page", "friend"]


class Room:
    """A playlist of the node, and clients that are in it."""

    def __init__(self, node: Node, clients: Clients, way: str) -> None:
        self.node, self.way, self._clients = node, way, clients
        self.id: str = node.ask("playlist.create", name="Road trip")["id"]
        self._count = 0

    def client(self, role: str = "editor") -> JsClient:
        self._count += 1
        if self.way == "page":
            return self._clients.page(self.node, name=f"page {self._count}").pulled()
        invite = self.node.ask("invite.create", playlist=self.id, role=role)["link"]
        return self._clients.friend(self.node, name=f"friend {self._count}", invite=invite).pulled()

    def add(self, *titles: str) -> list[str]:
        made = self.node.ask("playlist.add", playlist=self.id, tracks=[{"title": title} for title in titles])
        return [f"{self.id}:{each}" for each in made["ids"]]

    def edit(self, key: str, **fields: object) -> None:
        self.node.ask("playlist.edit", playlist=self.id, entry=key.partition(":")[2], **fields)

    def titles(self) -> list[str]:
        return [entry["title"] for entry in self.node.ask("playlist.show", playlist=self.id)["entries"]]

    def agrees(self, *clients: JsClient) -> bool:
        """Whether each client has exactly the node's documents of this playlist, versions included."""
        truth = {k: d for k, d in documents(self.node, "entries").items() if k.startswith(self.id)}
        return all(
            {k: d for k, d in each.documents().items() if k.startswith(self.id)} == truth for each in clients
        )


@pytest.fixture(params=WAYS)
def room(request: pytest.FixtureRequest, node: Node, clients: Clients) -> Room:
    return Room(node, clients, request.param)


def test_the_first_pull_brings_everything(room):
    room.add("One", "Two", "Three")
    client = room.client()
    assert room.agrees(client)
    assert client.documents("playlists")[room.id]["name"] == "Road trip"


def test_changes_go_both_ways_while_they_are_made(room):
    client = room.client()
    (key,) = room.add("From the node")
    assert client.key_of("From the node") == key
    client.add(room.id, "From RxDB", "zz")
    eventually(lambda: room.titles() == ["From the node", "From RxDB"], "the node has it")
    eventually(lambda: room.agrees(client), "the client has what the node made of it")


def test_concurrent_edits_of_different_fields_both_stand(room):
    (key,) = room.add("Song")
    client = room.client()
    client.path(isOffline=True)
    client.patch(key, note="by the client")
    room.edit(key, title="By the node")
    client.path(isOffline=False)
    eventually(lambda: room.agrees(client), "the client agrees")
    found = client.documents()[key]
    assert (found["title"], found["note"]) == ("By the node", "by the client")


def test_of_concurrent_edits_of_one_field_one_stands_everywhere(room):
    (key,) = room.add("Song")
    client, other = room.client(), room.client()
    client.patch(key, title="By the client")
    other.patch(key, title="By the other")
    room.edit(key, title="By the node")
    eventually(lambda: room.agrees(client, other), "all agree")
    assert client.documents()[key]["title"] in {"By the client", "By the other", "By the node"}


def test_entries_are_added_moved_and_removed(room):
    first, second, third = room.add("One", "Two", "Three")
    client = room.client()
    client.patch(third, position=position(room, client, None, first))
    eventually(lambda: room.titles() == ["Three", "One", "Two"], "moved")
    client.remove(second)
    eventually(lambda: room.titles() == ["Three", "One"], "removed")
    eventually(lambda: client.titles_in(room.id) == ["Three", "One"], "in the same order here")


def position(room: Room, client: JsClient, before: str | None, after: str | None) -> str:
    at = {key: entry["position"] for key, entry in client.documents().items()}
    return client.ask("position", fields={"before": at.get(before or ""), "after": at.get(after or "")})


def test_what_was_edited_offline_arrives_on_return_and_so_does_what_was_missed(room):
    (key,) = room.add("Song")
    client = room.client()
    client.path(isOffline=True)
    client.patch(key, title="Renamed offline")
    client.add(room.id, "Added offline", "zz")
    room.add("Missed")
    client.path(isOffline=False)
    eventually(lambda: room.agrees(client), "the client agrees")
    assert sorted(room.titles()) == ["Added offline", "Missed", "Renamed offline"]


@pytest.mark.parametrize("lost", ["lostRequests", "lostAnswers"])
def test_a_push_whose_request_or_answer_was_lost_counts_once(room, lost):
    (key,) = room.add("Song")
    client = room.client()
    client.path(**{lost: 2})
    client.patch(key, title="Renamed")
    added = client.add(room.id, "Added", "zz")
    eventually(lambda: room.agrees(client) and len(room.titles()) == 2, "the client agrees")
    assert room.titles() == ["Renamed", "Added"]
    assert [f"{room.id}:{each}" for each in entry_ids(room.node, room.id)] == [key, added]
    assert any("cut by the test" in problem for problem in client.told()["problems"])


def test_what_others_did_after_a_lost_answer_is_not_undone_by_the_repeated_push(room):
    (key,) = room.add("Song")
    client = room.client()
    client.path(lostAnswers=1)
    client.patch(key, note="from the client")
    eventually(
        lambda: documents(room.node, "entries")[key]["note"] == "from the client", "the push got through"
    )
    room.edit(key, note="from the node, later")
    eventually(lambda: room.agrees(client), "the client agrees")
    assert client.documents()[key]["note"] == "from the node, later"
