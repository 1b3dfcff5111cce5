"""The log: what a line carries, what it never carries, and a file that stays small."""

import io
import json
import logging
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.identity import Identity
from whatnext.net.logs import OURS, adopt_libp2p_logs
from whatnext.node import log_file
from whatnext.node.log_file import NAME, OLDER
from whatnext.node.logs import MAX_EVENT, MAX_NAMES, set_up_logs

PEER = Identity(bytes(32)).peer_id
OTHER = Identity(bytes([1] * 32)).peer_id
log = logging.getLogger("whatnext.test")


@pytest.fixture
def root_logger():
    """Logging as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level
    root.setLevel(level)


def written(style="json", level="info"):
    stream = io.StringIO()
    return set_up_logs(level, style, stream), stream


def test_a_line_about_a_peer_has_it_as_a_field_and_its_name_once_that_is_known(root_logger):
    logs, stream = written()
    log.info("left: %s", "it is gone", extra={"peer": PEER})
    logs.know(PEER, "Anna")
    log.info("left: %s", "it is gone", extra={"peer": PEER})
    before, after = map(json.loads, stream.getvalue().splitlines())
    assert (before["event"], before["peer"], "name" in before) == ("left: it is gone", PEER, False)
    assert (after["peer"], after["name"]) == (PEER, "Anna")


def test_a_peer_that_only_the_text_names_becomes_the_field_too(root_logger):
    _, stream = written()
    log.info("no place at %s, try %s", PEER, OTHER)
    log.info("nobody in it")
    named, nobody = map(json.loads, stream.getvalue().splitlines())
    assert named["peer"] == PEER
    assert "peer" not in nobody


def test_people_see_a_name_and_the_end_of_the_peerid_once(root_logger):
    logs, stream = written("human")
    logs.know(PEER, "Anna")
    log.info("left: bye", extra={"peer": PEER})
    log.info("%s could not be reached, nor %s", PEER, OTHER)
    said, reached = stream.getvalue().splitlines()
    assert f"Anna (…{PEER[-6:]}): left: bye" in said
    assert f"Anna (…{PEER[-6:]}) could not be reached, nor …{OTHER[-6:]}" in reached
    assert PEER not in stream.getvalue()
    assert "peer=" not in stream.getvalue()


def test_the_secret_of_an_invite_and_control_characters_never_reach_a_line(root_logger):
    for style in ("json", "human"):
        _, stream = written(style)
        log.warning("cannot read %s", "whtnxt://join/abc?peer=x#SECRET")
        log.warning("it calls itself %s", "\x1b[2J\x07evil\x9b")
        log.error("failed", exc_info=ValueError("whtnxt://join/abc#SECRET"))
        text = stream.getvalue()
        assert "SECRET" not in text
        assert "whtnxt://join/abc?peer=x#…" in text
        assert not {"\x07", "\x9b"} & set(text)
        assert "\x1b[2J" not in text


@given(st.text(), st.text())
def test_whatever_a_peer_says_a_line_is_one_json_document_of_bounded_size(words, name):
    logs, stream = written()
    logs.know(PEER, name)
    log.info("it said %s", words * 100, extra={"peer": PEER})
    [line] = stream.getvalue().strip("\n").split("\n")
    assert len(json.loads(line)["event"]) <= MAX_EVENT


def test_names_are_bounded(root_logger):
    logs, stream = written()
    for number in range(MAX_NAMES + 1):
        logs.know(f"peer {number}", "name")
    log.info("x", extra={"peer": "peer 0"})
    log.info("x", extra={"peer": f"peer {MAX_NAMES}"})
    first, last = map(json.loads, stream.getvalue().splitlines())
    assert ("name" in first, "name" in last) == (False, True)


def test_the_profile_keeps_info_though_stderr_wants_only_warnings(root_logger, tmp_path):
    logs, stream = written("human", "warning")
    with logs.kept(tmp_path):
        log.info("kept")
        log.debug("nowhere")
        logging.getLogger("some.library").info("nor this")
        logging.getLogger("some.library").warning("but this")
    log.info("after the block")
    kept = [json.loads(line)["event"] for line in (tmp_path / NAME).read_text("utf-8").splitlines()]
    assert kept == ["kept", "but this"]
    assert stream.getvalue().count("\n") == 1
    assert root_logger.level == logging.WARNING


def test_with_debug_the_profile_keeps_all_of_ours(root_logger, tmp_path):
    logs, _ = written("human", "debug")
    with logs.kept(tmp_path):
        log.debug("detail")
    assert "detail" in (tmp_path / NAME).read_text("utf-8")


def test_the_file_is_private_and_two_of_them_stay_below_two_megabytes(root_logger, tmp_path, monkeypatch):
    monkeypatch.setattr(log_file, "MAX_BYTES", 10_000)
    logs, _ = written("human", "error")
    with logs.kept(tmp_path):
        for number in range(1000):
            log.info("line %d", number)
    assert {file.name for file in tmp_path.iterdir()} == {NAME, OLDER}
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.stat().st_size <= 10_000
    assert "line 999" in (tmp_path / NAME).read_text()


def test_a_later_run_appends(root_logger, tmp_path):
    logs, _ = written("human", "error")
    for run in ("first", "second"):
        with logs.kept(tmp_path):
            log.info(run)
    assert len((tmp_path / NAME).read_text().splitlines()) == 2


def test_a_file_that_cannot_be_written_is_said_once_and_stops_nothing(root_logger, tmp_path, capsys):
    logs, _ = written("human", "error")
    with logs.kept(tmp_path / "missing"):
        log.info("one")
        log.info("two")
    assert capsys.readouterr().err.count("cannot be written: No such file or directory") == 1


def test_what_py_libp2p_calls_errors_stays_out_unless_debug_is_wanted(root_logger):
    library = logging.getLogger("libp2p.network.swarm")
    for level, expected in (
        ("info", ["odd"]),
        ("debug", ["Failed to open a stream", "Skipping upgrade", "odd"]),
    ):
        _, stream = written("json", level)
        adopt_libp2p_logs()
        library.error("Failed to open a stream")
        library.info("Skipping upgrade")
        library.warning("odd")
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        assert [line["event"].removeprefix("libp2p.network.swarm: ") for line in lines] == expected
        assert {line["logger"] for line in lines} == {OURS}
