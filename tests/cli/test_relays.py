"""`whatnext relay add`, `list` and `remove`, with and without a node."""

import pytest

from whatnext.cli.context import Context
from whatnext.config import Settings
from whatnext.identity import Identity
from whatnext.node.views import RelayView

ONE, TWO = (Identity(bytes([n]) * 32).peer_id for n in (1, 2))
FIRST, SECOND = f"/ip4/192.0.2.1/tcp/4001/p2p/{ONE}", f"/dns4/relay.example/tcp/4001/p2p/{TWO}"


def test_relays_are_added_listed_in_order_and_removed_by_a_part_of_their_id(cli):
    assert cli("relay", "add", FIRST).out.strip() == ONE
    assert [r["relay"] for r in cli.json("relay", "add", SECOND)] == [ONE, TWO]
    assert [r["addresses"] for r in cli.json("relay", "list")] == [[FIRST], [SECOND]]
    assert ONE in cli("relay", "list").out
    assert [r["relay"] for r in cli.json("relay", "remove", ONE[-8:])] == [TWO]
    assert cli("relay", "remove", SECOND).status == 0
    assert cli.json("relay", "list") == []
    assert "whatnext relay add" in cli("relay", "list").stderr


def test_two_addresses_of_one_relay_are_one_relay(direct):
    other = f"/dns4/relay.example/tcp/443/wss/p2p/{ONE}"
    direct.json("relay", "add", FIRST)
    [relay] = direct.json("relay", "add", other)
    assert relay["addresses"] == [FIRST, other]
    assert direct.json("relay", "remove", ONE) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "nonsense"), "no relay"),
        (("add", "/ip4/192.0.2.1/tcp/4001"), "should end with /p2p/"),
        (("add", f"{FIRST}/p2p-circuit/p2p/{TWO}"), "leads through another relay"),
        (("add", FIRST, "--token", ""), "token"),
        (("remove", ONE), "no such relay"),
        (("remove", ""), "no such relay"),
    ],
)
def test_what_is_no_relay_is_refused_with_the_reason_and_nothing_is_kept(cli, words, says):
    result = cli("relay", *words)
    assert result.status != 0
    assert says in result.stderr
    assert cli.json("relay", "list") == []


def test_a_relay_twice_or_the_device_itself_is_refused(cli):
    me = cli.json("id")["peer"]
    cli.json("relay", "add", FIRST)
    assert "in the list already" in cli("relay", "add", FIRST).stderr
    assert "this device itself" in cli("relay", "add", f"/ip4/192.0.2.1/tcp/4001/p2p/{me}").stderr
    assert len(cli.json("relay", "list")) == 1


def test_the_beginning_of_two_relays_names_neither(cli):
    cli.json("relay", "add", FIRST)
    cli.json("relay", "add", SECOND)
    assert "several" in cli("relay", "remove", "12D3").stderr
    assert len(cli.json("relay", "list")) == 2


def test_a_token_is_kept_never_shown_and_goes_with_its_relay(cli):
    token = "a token for friends"
    added = cli("relay", "add", FIRST, "--token", token)
    shown = [added, cli("relay", "list"), cli("relay", "list", "--json")]
    assert not any(token in result.out + result.stderr for result in shown)
    assert Settings(cli.profile).relay_tokens == {ONE: token}
    cli.json("relay", "remove", ONE)
    assert Settings(cli.profile).relay_tokens == {}


def test_links_name_the_relays(cli):
    cli.json("relay", "add", FIRST)
    cli.json("playlist", "create", "Kitchen")
    assert f"relay={FIRST}" in cli("id", "--link").out
    assert f"relay={FIRST}" in cli("invite", "Kitchen").out


def test_what_a_circuit_may_last_and_carry_is_said_for_people(direct, monkeypatch):
    held = RelayView(
        relay=ONE,
        addresses=[FIRST],
        connected=True,
        reserved_until=1_790_000_000_000,
        problem=None,
        circuit_s=3600,
        circuit_bytes=67_108_864,
    )
    monkeypatch.setattr(Context, "ask", lambda *_: [held])
    assert "1 h 0 min, 67.1 MB each way" in direct("relay", "list").out
