"""The relay's page as people see it: a table, one line a look elsewhere, JSON when asked for."""

import json
import socket

import pytest

from whatnext.cli.context import Context
from whatnext.cli.relay_page import ask, period, show, size
from whatnext.errors import ConnectionLost, LocalError, NodeNotRunning
from whatnext.relay.limits import Limits
from whatnext.relay.status import FILE, RelayFile, RelayStatus, Talking, Waiting, leave_word

STATUS = RelayStatus(
    peer="12D3KooWRelay",
    version="0.1.0",
    addresses=["/ip4/203.0.113.5/tcp/4001/p2p/12D3KooWRelay"],
    at=0.0,
    uptime_s=3720.0,
    draining=False,
    access="open",
    connections=3,
    bytes_to_target=1_500_000,
    bytes_to_source=20,
    circuits_opened=7,
    refusals={"no_reservation": 2},
    endings={"finished": 6},
    limits=Limits(),
    rendezvous_entries=2,
    waiting=[Waiting(peer="12D3KooWanna", origin="198.51.100.7", expires_in_s=3000.0, circuits=1)],
    talking=[
        Talking(
            number=7,
            source="12D3KooW000ben",
            target="12D3KooWanna",
            origin="203.0.113.9",
            age_s=None,
            to_target=1500,
            to_source=20,
        )
    ],
)


def test_the_page_says_who_waits_and_talks_how_much_and_whom_it_refused(capsys):
    show(STATUS, Context())
    page = capsys.readouterr().out
    for words in (
        "up 1 h 2 min · access: open",
        "connected 3 of 1,024 · waiting 1 of 512 · circuits 1 of 256 · at the meeting point 2",
        "carried 1.5 MB there and 20 B back in 7 circuits",
        "circuits ended: finished 6",
        "refused: no_reservation 2",
        "…oWanna",
        "198.51.100.7",
        "opening",
    ):
        assert words in page


def test_later_looks_are_one_line_each_off_a_terminal(capsys):
    show(STATUS, Context(), again=True)
    line = capsys.readouterr().out
    assert line.endswith(" connected 3 waiting 1 circuits 1 there 1500000 back 20 refused 2\n")
    assert line.count("\n") == 1


def test_json_is_the_whole_page(capsysbinary):
    show(STATUS, Context(as_json=True), again=True)
    told = json.loads(capsysbinary.readouterr().out)
    assert (told["waiting"][0]["peer"], told["limits"]["circuits"]) == ("12D3KooWanna", 256)


def test_a_relay_that_is_not_there_is_told_apart_from_one_that_does_not_answer(tmp_path, dead_url):
    with pytest.raises(NodeNotRunning, match="whatnext relay"):
        ask(tmp_path)
    leave_word(tmp_path, RelayFile(url=dead_url, token="t", pid=1, peer="12D3KooWRelay"))
    with pytest.raises(ConnectionLost, match="does not answer"):
        ask(tmp_path)
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(NodeNotRunning):
        ask(tmp_path)


def test_another_users_relay_is_named_as_such(tmp_path, monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", forbidden)
    with pytest.raises(LocalError, match="another user's"):
        ask(tmp_path)


@pytest.fixture
def dead_url():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("seconds", "text"), [(9.9, "9 s"), (61, "1 min 1 s"), (3720, "1 h 2 min"), (90000, "1 d 1 h")]
)
def test_periods_in_their_two_largest_units(seconds, text):
    assert period(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e9, "2.5 GB"), (1e16, "10000.0 TB")]
)
def test_sizes_as_people_read_them(count, text):
    assert size(count) == text
