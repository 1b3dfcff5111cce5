"""Blocking and forgetting from the command line, with and without a node."""

import pytest

from whatnext.identity import Identity
from whatnext.store.blocklist import Blocklist
from whatnext.store.database import Database
from whatnext.store.peers import AddressBook

BEN = Identity.generate().peer_id


@pytest.fixture(autouse=True)
def ben(profile):
    """Somebody met before, in a profile that is there already."""
    database = Database(profile / "whatnext.db")
    AddressBook(database).met(BEN, worked=["/ip4/192.0.2.7/tcp/1"], announced=[], name="Ben", now_ms=7)
    database.close()


def test_a_block_is_made_by_name_kept_and_lifted(cli):
    done = cli.json("peers", "block", "be")
    assert (done["peer"], done["name"], done["blocked"], done["changed"]) == (BEN, "Ben", True, True)
    again = cli("peers", "block", BEN)
    assert again.status == 0
    assert "already" in again.stderr
    assert cli.json("peers", "unblock", f"…{BEN[-6:]}")["changed"] is True
    assert "was not blocked" in cli("peers", "unblock", "Ben").stderr


def test_a_relay_among_the_peers_is_called_one(direct, running_node):
    relay = Identity(b"r" * 32).peer_id
    direct("relay", "add", f"/ip4/192.0.2.1/tcp/4001/p2p/{relay}")
    direct("peers", "block", relay)  # so that it is known
    with running_node(direct.profile):
        assert {peer["peer"]: peer["relay"] for peer in direct.json("peers")} == {BEN: False, relay: True}
        [line] = [line for line in direct("peers").out.splitlines() if relay in line]
    assert line.startswith("(a relay)")


def test_a_block_outlives_the_node(direct, running_node):
    with running_node(direct.profile):
        direct.json("peers", "block", "Ben")
        assert direct.json("peers", "list")[0]["blocked"] is True
        refused = direct("connect", BEN)
        assert (refused.status, "unblock" in refused.stderr) == (2, True)
    database = Database(direct.profile / "whatnext.db")
    assert Blocklist(database).all() == [BEN]
    database.close()


def test_who_was_never_met_can_be_blocked_by_its_whole_peerid_only(cli):
    stranger = Identity.generate().peer_id
    assert cli("peers", "block", stranger[-8:]).status == 3
    assert cli.json("peers", "block", stranger)["changed"] is True
    assert cli.json("peers", "unblock", stranger[-8:])["changed"] is True


def test_this_device_does_not_block_itself(cli):
    assert "itself" in cli("peers", "block", cli.json("id")["peer"]).stderr


def test_a_peer_is_forgotten_and_a_block_stays(cli):
    cli("peers", "block", "Ben")
    forgotten = cli.json("peers", "forget", "Ben")
    assert (forgotten["peer"], forgotten["wasKnown"], forgotten["blocked"]) == (BEN, True, True)
    assert cli.json("peers", "forget", BEN)["wasKnown"] is False
    assert cli.json("peers", "unblock", BEN)["changed"] is True


def test_a_member_is_not_forgotten_and_a_block_says_that_it_stays_a_member(cli, another):
    anna = another("anna")
    link = anna.json("invite", anna.json("playlist", "create", "Road trip")["id"])["link"]
    cli("join", link)
    owner = anna.json("id")["peer"]
    refused = cli("peers", "forget", owner)
    assert refused.status == 2
    assert "member" in refused.stderr
    assert cli.json("peers", "block", owner)["changed"] is True
