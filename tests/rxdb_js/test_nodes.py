"""RxDB clients while nodes stop, die, come back, and sync with each other; other versions, and RxDB's own client."""

import json
import select
import subprocess

import pytest
from js_clients import Refused, entry
from rxdb_nodes import CLIENT, documents, eventually, free_port, runtime

from whatnext.bench.nodes import has_arrived

pytestmark = pytest.mark.real

KEY = "aaaaaaaaaaaaaaaa"


def titles(node, playlist):
    return [each["title"] for each in node.ask("playlist.show", playlist=playlist)["entries"]]


def agrees(node, *clients):
    truth = documents(node, "entries")
    return all(client.documents() == truth for client in clients)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_node_that_ends_in_the_middle_of_a_push_gets_all_of_it_when_it_is_back(mortal, clients, end):
    playlist = mortal.ask("playlist.create", name="Road trip")["id"]
    client = clients.page(mortal).pulled()
    for number in range(30):
        client.add(playlist, f"Song {number}", f"a{number:02}V")
    getattr(mortal, end)()
    for number in range(30, 40):
        client.add(playlist, f"Song {number}", f"a{number:02}V")
    mortal.start()  # on another port and with another token: both are in node.json
    eventually(lambda: len(titles(mortal, playlist)) == 40, "the node has all")
    eventually(lambda: agrees(mortal, client), "the client agrees")


def test_clients_of_two_nodes_that_sync_see_each_others_edits(node, mortal, clients):
    playlist = node.ask("playlist.create", name="Shared")["id"]
    invite = node.ask("invite.create", playlist=playlist)["link"]
    mortal.ask("join", link=invite)
    eventually(lambda: has_arrived(mortal, playlist), "the playlist is on both nodes")
    here, there = clients.page(node, name="here").pulled(), clients.page(mortal, name="there").pulled()
    friend = clients.friend(mortal, invite=invite).pulled()
    key = here.add(playlist, "From here")
    assert there.key_of("From here") == key
    there.patch(key, note="from there")
    friend.key_of("From here")
    friend.patch(key, title="By the friend")
    for client in (here, there, friend):
        eventually(
            lambda c=client: (
                (c.documents()[key]["title"], c.documents()[key]["note"]) == ("By the friend", "from there")
            ),
            f"{client.name} has both edits",
        )


def test_a_page_edits_while_it_loses_its_node_and_gets_another_port(mortal, clients):
    playlist = mortal.ask("playlist.create", name="Road trip")["id"]
    client = clients.page(mortal).pulled()
    mortal.kill()
    eventually(lambda: client.told()["state"] != "open", "the client notices")
    key = client.add(playlist, "Made without a node")
    mortal.start("--api-port", str(free_port()))
    eventually(lambda: titles(mortal, playlist) == ["Made without a node"], "the node has it")
    eventually(lambda: client.documents()[key]["version"] != "", "the client knows")


def test_a_client_of_the_first_version_gets_on_with_this_node(node, clients):
    playlist = node.ask("playlist.create", name="Old friends")["id"]
    invite = node.ask("invite.create", playlist=playlist)["link"]
    client = clients.friend(node, invite=invite, protocols=["/whatnext/rxdb/1.0.0"]).pulled()
    client.add(playlist, "From an old client", note="n" * 3000)
    eventually(lambda: titles(node, playlist) == ["From an old client"], "the node has it")
    eventually(lambda: agrees_in(node, client, playlist), "the client agrees")


def agrees_in(node, client, playlist):
    mine = {k: d for k, d in documents(node, "entries").items() if k.startswith(playlist)}
    return client.documents() == mine


def test_a_newer_client_that_also_speaks_this_version_uses_it(node, clients):
    playlist = node.ask("playlist.create", name="Newer")["id"]
    invite = node.ask("invite.create", playlist=playlist)["link"]
    client = clients.friend(
        node, invite=invite, protocols=["/whatnext/rxdb/9.0.0", "/whatnext/rxdb/1.1.0"]
    ).pulled()
    assert playlist in client.documents("playlists")


def test_without_a_version_in_common_the_client_says_so(node, clients):
    client = clients.friend(node, protocols=["/whatnext/rxdb/9.0.0"])
    told = eventually(lambda: client.told()["problems"], "a problem is told")
    assert told[0] == (
        "no version in common: the node knows none of /whatnext/rxdb/9.0.0; update WhatNext on the older side"
    )


def test_a_viewers_write_is_refused_with_the_reason_and_its_client_ends_with_the_true_state(node, clients):
    playlist = node.ask("playlist.create", name="Read only")["id"]
    (made,) = node.ask("playlist.add", playlist=playlist, tracks=[{"title": "Song"}])["ids"]
    invite = node.ask("invite.create", playlist=playlist, role="viewer")["link"]
    viewer = clients.friend(node, invite=invite).pulled()
    key = f"{playlist}:{made}"
    viewer.patch(key, title="Vandalised")
    added = viewer.add(playlist, "Sneaked in")
    eventually(lambda: agrees_in(node, viewer, playlist), "the client has the true state")
    assert titles(node, playlist) == ["Song"]
    refusals = {each["id"]: each["reason"] for each in viewer.told()["refusals"]}
    assert refusals == dict.fromkeys([key, added], "as viewer of this playlist you cannot change its entries")


def test_a_stranger_sees_nothing_and_writes_nothing(node, clients):
    playlist = node.ask("playlist.create", name="Private")["id"]
    stranger = clients.friend(node, "playlists", "entries", "members", name="stranger").pulled()
    assert [stranger.documents(name) for name in ("playlists", "entries", "members")] == [{}, {}, {}]
    stranger.add(playlist, "Sneaked in")
    eventually(lambda: stranger.documents() == {}, "the client has the true state")
    assert titles(node, playlist) == []
    assert [each["reason"] for each in stranger.told()["refusals"]] == ["no playlist of yours by that id"]


def test_a_revoked_invite_lets_nobody_in_and_says_so(node, clients):
    playlist = node.ask("playlist.create", name="Closed")["id"]
    made = node.ask("invite.create", playlist=playlist)
    node.ask("invite.revoke", playlist=playlist, invite=made["id"])
    with pytest.raises(Refused, match="the invite was revoked: ask the owner for a new one"):
        clients.friend(node, invite=made["link"])


def test_the_playlist_that_a_connected_peer_joins_comes_to_it(node, clients):
    first = node.ask("playlist.create", name="First")["id"]
    invite = node.ask("invite.create", playlist=first)["link"]
    friend = clients.friend(node, "playlists", "members", invite=invite).pulled()
    assert [each["name"] for each in friend.documents("playlists").values()] == ["First"]
    member = friend.documents("members")[f"{first}:{friend.peer}"]
    assert (member["role"], member["left"]) == ("editor", False)


def test_rxdbs_own_websocket_client_pulls_pushes_and_hears(node):
    playlist = node.ask("playlist.create", name="Stock")["id"]
    node.ask("playlist.add", playlist=playlist, tracks=[{"title": "Before"}])
    made = entry(playlist, f"{playlist}:{KEY}", "By the stock client", "zz")
    settings = json.dumps({"profile": str(node.directory), "entry": made})
    command = [*runtime(), str(CLIENT / "test/support/stock.ts"), settings]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            assert "Before" in line_of(process)
            assert line_of(process) == "added"
            assert titles(node, playlist) == ["Before", "By the stock client"]
            node.ask("playlist.add", playlist=playlist, tracks=[{"title": "From elsewhere"}])
            assert "From elsewhere" in line_of(process)
        finally:
            process.kill()


def line_of(process):
    assert select.select([process.stdout], [], [], 20)[0], "the stock client said nothing"
    return json.loads(process.stdout.readline())
