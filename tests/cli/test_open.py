"""Opening links: nothing is done before it is said what; malformed links do nothing at all."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from whatnext.cli import context
from whatnext.cli.commands import opening
from whatnext.cli.main import run
from whatnext.identity import Identity
from whatnext.playlists import links
from whatnext.store.database import Database
from whatnext.store.peers import AddressBook

SOURCE = Path(__file__).parents[2] / "src"
PEER = Identity(bytes(32)).peer_id
ADDRESS = "/ip4/192.0.2.1/tcp/4001"
CONNECT = str(links.ConnectLink(peer=PEER, addresses=(ADDRESS,), name="Ann"))


def book_of(profile: Path) -> dict[str, list[str]]:
    database = Database(profile / "whatnext.db")
    try:
        return {known.peer: known.addresses for known in AddressBook(database).all()}
    finally:
        database.close()


class Terminal(io.TextIOWrapper):
    def __init__(self, typed: str = "") -> None:
        super().__init__(io.BytesIO(typed.encode()), "utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode()


def at_a_terminal(monkeypatch, profile: Path, typed: str, *arguments: str) -> tuple[int, str]:
    """Exit status and what stood on the screen of stderr."""
    screen = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", Terminal(typed))
        patch.setattr(sys, "stdout", Terminal())
        patch.setattr(sys, "stderr", screen)
        return run(["--profile", str(profile), *arguments]), screen.text()


def test_without_a_node_the_own_link_has_no_address_and_says_so(direct):
    direct("id", "--name", "Anna")
    made = direct("id", "--link")
    assert made.out == f"whtnxt://connect/{direct.json('id')['peer']}?name=Anna\n"
    assert "no node runs here: start one with `whatnext node`" in made.stderr


def test_with_a_node_the_own_link_has_its_addresses(direct, profile, running_node):
    with running_node(profile):
        made = direct.json("id", "--link")
        assert "no node" not in direct("id", "--link").stderr
    found = links.parse(made["link"])
    assert (found.peer, found.addresses) == (made["peer"], ("/ip4/127.0.0.1/tcp/4001",))


def test_without_a_node_a_devices_addresses_are_kept_and_the_next_step_named(direct, profile):
    opened = direct("open", CONNECT)
    assert (opened.status, opened.out) == (0, f"{PEER}\n")
    for said in (PEER, "“Ann”", ADDRESS, "start `whatnext node`", f"whatnext connect {PEER}"):
        assert said in opened.stderr
    assert book_of(profile) == {PEER: [ADDRESS]}


def test_a_link_without_addresses_leaves_nothing_behind_and_says_so(direct, profile):
    opened = direct("open", f"whtnxt://connect/{PEER}")
    assert "names no address" in opened.stderr
    assert direct.json("open", f"whtnxt://connect/{PEER}") == {"peer": PEER, "addresses": []}
    assert book_of(profile) == {}


def test_an_invite_is_opened_as_joining_it(cli, another):
    other = another("other")
    other("id", "--name", "Ann")
    playlist = other.json("playlist", "create", "Theirs")["id"]
    opened = cli("open", other("invite", "Theirs").out.strip())
    assert (opened.status, opened.out) == (0, f"{playlist}\n")
    assert f"Join the playlist {playlist}" in opened.stderr
    assert "called “Theirs”" in opened.stderr
    assert "an invite of “Ann” (anybody can write a name into a link)" in opened.stderr
    assert other.json("id")["peer"] in opened.stderr
    assert [(p["id"], p["state"]) for p in cli.json("playlist", "list")] == [(playlist, "joining")]


def test_a_noted_join_names_the_node_as_the_next_step(direct, another):
    other = another("other")
    other("playlist", "create", "Theirs")
    assert "start `whatnext node`" in direct("open", other("invite", "Theirs").out.strip()).stderr


def test_the_own_link_is_not_opened(cli):
    refused = cli("open", cli("id", "--link").out.strip())
    assert refused.status == 2
    assert "this device's own" in refused.stderr


@pytest.mark.parametrize(
    "link", ["", "https://example.com", "whtnxt://connect/x", CONNECT + "#x", CONNECT[:-40], CONNECT + "\nx"]
)
def test_a_malformed_link_gets_one_sentence_and_touches_nothing(direct, profile, monkeypatch, link):
    def never(*_: object) -> None:
        pytest.fail("a malformed link opened the profile or asked the node")

    monkeypatch.setattr(context, "choose_backend", never)
    refused = direct("open", link, "--yes")
    assert (refused.status, refused.out) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert list(profile.iterdir()) == []


@pytest.mark.parametrize("typed", ["\n", "n\n", "", "yes please\n"])
def test_a_terminal_is_asked_and_anything_but_yes_does_nothing(profile, monkeypatch, typed):
    status, screen = at_a_terminal(monkeypatch, profile, typed, "open", CONNECT)
    assert status == 0
    assert screen.index(PEER) < screen.index("Go on? [y/N]") < screen.index("Nothing was done.")
    assert list(profile.iterdir()) == []


@pytest.mark.parametrize(("typed", "options"), [("y\n", []), ("YES\n", []), ("", ["--yes"])])
def test_yes_at_the_terminal_or_on_the_command_line_goes_on(profile, monkeypatch, typed, options):
    status, screen = at_a_terminal(monkeypatch, profile, typed, "open", CONNECT, *options)
    assert status == 0
    assert ("Go on?" in screen) == (not options)
    assert book_of(profile) == {PEER: [ADDRESS]}


def whatnext(profile: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "whatnext", "--profile", str(profile), *arguments]


@pytest.mark.real
def test_a_link_leads_one_running_node_to_another(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUTF8": "1"}
    options = ["node", "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--ready-line", "--lifeline"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment, "text": True}
    profiles = [tmp_path / "ann", tmp_path / "ben"]
    nodes = [subprocess.Popen(whatnext(profile, *options), **pipes) for profile in profiles]

    def answer(profile: Path, *arguments: str) -> str:
        done = subprocess.run(
            whatnext(profile, *arguments),
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        peers = [json.loads(node.stdout.readline())["peer"] for node in nodes]
        link = answer(profiles[0], "id", "--link").strip()
        opened = json.loads(answer(profiles[1], "open", link, "--json"))
        assert opened["peer"] == peers[0]
        connections = json.loads(answer(profiles[1], "status", "--json"))["connections"]
        assert [connection["peer"] for connection in connections] == [peers[0]]
    finally:
        for node in nodes:
            node.communicate(timeout=20)


def test_whoever_came_by_ssh_hears_how_to_bring_the_page_to_the_own_browser():
    url = "http://127.0.0.1:8123/auth?once=x"
    assert opening._over_ssh(url, {}) is None
    hint = opening._over_ssh(url, {"SSH_CONNECTION": "192.0.2.1 5000 192.0.2.2 22"})
    assert "ssh -N -L 8123:127.0.0.1:8123" in hint
