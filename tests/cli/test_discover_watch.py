"""The list of neighbours that stays: what is shown of each change, and the events it is fed by."""

import json

import msgspec
import pytest

from whatnext.cli import neighbour_list, tables
from whatnext.cli.context import Context
from whatnext.cli.events import KEEPALIVE, listen, parse
from whatnext.errors import ConnectionLost
from whatnext.node.state_file import NodeFile, read
from whatnext.node.views import NeighbourView, Stopping
from whatnext.playlists.requests import Nothing

ANNA = NeighbourView(
    peer="12D3KooWanna",
    name="Anna",
    whatnext=True,
    state="here",
    since_ms=5,
    connected=False,
    addresses=["/ip4/192.0.2.7/tcp/1", "/ip4/192.0.2.7/tcp/2/ws"],
)


def with_(neighbour, **changed):
    return msgspec.structs.replace(neighbour, **changed)


QUIET = with_(ANNA, state="quiet", since_ms=0)
LISTS = [[], [ANNA], [with_(ANNA, since_ms=900)], [QUIET], [with_(QUIET, name="\x1b[2JEve", state="gone")]]


def test_only_what_changed_is_a_change_and_time_alone_is_none():
    assert neighbour_list.changes([], [ANNA]) == [ANNA]
    assert neighbour_list.changes([ANNA], [with_(ANNA, since_ms=99)]) == []
    assert neighbour_list.changes([ANNA], [with_(ANNA, connected=True)]) != []
    assert neighbour_list.changes([ANNA], []) == []


def test_off_a_terminal_each_change_is_a_line_without_control_characters(capsys):
    neighbour_list.show(iter(LISTS), Context(), foreign=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["here", "quiet", "gone"]
    assert lines[0].endswith("here  Anna  12D3KooWanna  /ip4/192.0.2.7/tcp/1")
    assert "\x1b" not in lines[2]


def test_with_json_each_change_is_a_document(capsysbinary):
    neighbour_list.show(iter(LISTS), Context(as_json=True), foreign=False)
    documents = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert [each["state"] for each in documents] == ["here", "quiet", "gone"]
    assert documents[0]["peer"] == ANNA.peer


def test_on_a_terminal_the_table_is_drawn_anew(capsys, monkeypatch):
    monkeypatch.setattr(tables, "is_rich", lambda: True)
    neighbour_list.show(iter(LISTS), Context(), foreign=True)
    shown = capsys.readouterr().out
    assert "Eve" in shown
    assert "WHATNEXT" in shown
    assert "\x1b[2J" not in shown


def test_events_are_read_as_the_standard_says():
    stream = [
        b": still here\n", b"\n", b"id: 7\n", b"event: peer\n", b'data: {"peer":\n', b'data: "B"}\r\n', b"\n", b"\n",
        b"event: ready\n", b"\n", b"data: {}\n", b"\n", b"event: cut short\n",
    ]  # fmt: skip
    assert list(parse(stream)) == [(KEEPALIVE, b""), ("peer", b'{"peer":"B"}'), ("message", b"{}")]


def test_the_node_tells_its_events_until_it_stops(direct, running_node):
    with running_node(direct.profile):
        events = listen(read(direct.profile))
        assert next(events)[0] == "ready"
        direct.json("peers", "block", "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp")
        kind, data = next(events)
        assert (kind, json.loads(data)["state"]) == ("peer", "blocked")
    assert [kind for kind, _ in events] == []


def test_a_node_that_is_gone_is_said():
    nobody = NodeFile(url="http://127.0.0.1:1", token="t", pid=1, peer="P", started=0)
    with pytest.raises(ConnectionLost, match="status"):
        next(listen(nobody))


def test_watching_needs_a_node_and_ends_with_it(direct, running_node, monkeypatch):
    assert direct("discover", "--watch").status == 6
    seen = []

    def stop_after_the_first(lists, context, *, foreign):
        seen.append(next(lists))
        context.ask("node.stop", Nothing(), Stopping)
        seen.extend(lists)

    monkeypatch.setattr(neighbour_list, "show", stop_after_the_first)
    with running_node(direct.profile):
        ended = direct("discover", "--watch")
    assert (ended.status, ended.stderr) == (0, "The node has stopped.\n")
    assert seen == [[]]
