"""The benches with real nodes, small: what they print has the promised keys and makes sense."""

import json
import socket
import threading

import pytest

from whatnext.bench.main import run
from whatnext.bench.nodes import Node
from whatnext.bench.wire import Caller, Watcher
from whatnext.errors import ConnectionLost, LocalError, WhatNextError


def measured(capsys, *words):
    assert run(list(words)) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.real
def test_live_loses_nothing_and_compares_with_the_echo(capsys):
    report = measured(capsys, "live", "--peers", "3", "--edits", "20", "--entries", "5", "--pause-ms", "0")
    assert {"p50_ms", "p99_ms", "lost", "echo_p50_ms", "ratio"} <= report.keys()
    assert report["lost"] == 0
    assert report["edits"] == 20
    assert 0 < report["echo_p50_ms"] < report["p50_ms"] <= report["p99_ms"] <= report["max_ms"]
    assert report["driver_ms"] < report["p50_ms"] / 4
    assert report["sync_bytes_per_edit"][0] > 200 > max(report["sync_bytes_per_edit"][1:]) > 5
    assert all(20 < each < 500 for each in report["resident_mb"])


@pytest.mark.real
def test_the_stages_of_an_edit_follow_each_other_and_add_up(capsys):
    words = ("live", "--peers", "2", "--edits", "30", "--entries", "5", "--pause-ms", "1", "--stages")
    report = measured(capsys, *words)
    stages = report["stages_ms"]
    assert len(stages) == 9
    assert all(0 < value < report["max_ms"] for value in stages.values()), stages
    assert report["p50_ms"] / 3 < sum(stages.values()) < report["p50_ms"] * 2


@pytest.mark.real
def test_cold_brings_every_entry(capsys):
    report = measured(capsys, "cold", "--entries", "300", "--per-record", "100")
    assert report["entries"] == 300
    assert report["records"] == 4
    assert 0 <= report["seconds"] < report["from_join_s"]
    assert report["bytes"] > 300 * 100


@pytest.mark.real
def test_start_measures_a_node_and_a_command(capsys):
    report = measured(capsys, "start", "--repeats", "1", "--entries", "10")
    assert 0 < report["ready_s"] < 60
    assert 20 < report["rss_mb"] < 500
    assert report["python_ms"] < report["cli_ms"]


@pytest.mark.real
def test_a_node_that_does_not_start_is_shown_with_its_log(tmp_path):
    with pytest.raises(LocalError, match="nonsense"):
        Node(tmp_path, listen="/nonsense").start()


@pytest.mark.real
def test_what_a_node_refuses_is_raised_with_its_sentence(tmp_path):
    node = Node(tmp_path)
    node.start()
    try:
        with pytest.raises(WhatNextError, match=r"playlist\.show: .*nothing-here"):
            node.ask("playlist.show", playlist="nothing-here")
    finally:
        node.stop()
    assert not node.is_running


class Pretended:
    """A server that answers every connection with the same bytes, in small pieces."""

    token = "token"

    def __init__(self, answer, piece=7):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._pieces = [answer[at : at + piece] for at in range(0, len(answer), piece)]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        connection, _ = self._listener.accept()
        connection.recv(65536)
        for piece in self._pieces:
            connection.sendall(piece)
        connection.close()


def chunked(*events):
    body = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events)
    return b"HTTP/1.1 200\r\ntransfer-encoding: chunked\r\n\r\n" + body


READY = b'id: 3\nevent: ready\ndata: {"feed":3}\n\n'


def test_the_watcher_reads_events_however_the_bytes_come():
    events = [
        READY,
        b": still here\n\n",
        b'id: 4\nevent: change\ndata: {"feed":4,"local":false}\n\n',
        b'event: peer\ndata: {"state":"in sync","playlist":"p"}\n\n',
    ]
    watcher = Watcher(Pretended(chunked(*events)))
    assert watcher.wait("peer", state="in sync", playlist="p").data["playlist"] == "p"
    with pytest.raises(ConnectionLost, match="ended"):
        watcher.wait("peer")
    watcher.close()


def test_the_watcher_does_not_take_another_event_for_the_one_awaited():
    watcher = Watcher(Pretended(chunked(READY, b'event: peer\ndata: {"state":"connected"}\n\n')))
    with pytest.raises(ConnectionLost):
        watcher.wait("peer", state="in sync")
    watcher.close()


def test_the_caller_reads_an_answer_however_the_bytes_come():
    caller = Caller(Pretended(b'HTTP/1.1 404 \r\ncontent-length: 12\r\n\r\n{"detail":1}'))
    caller.send("playlist.show", b"{}")
    answer = None
    while answer is None:
        answer = caller.read()
    assert answer == (404, b'{"detail":1}')
    caller.close()
