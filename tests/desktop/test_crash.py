"""The crash report: readable, private, and whole or absent."""

import stat

import pytest

from whatnext.desktop import crash
from whatnext.desktop.crash import CrashReport


def report(**changed) -> CrashReport:
    told = {
        "at_s": 1_795_360_801.5,
        "status": -9,
        "was_ready": True,
        "lived_s": 3.21,
        "lines": ["one", "two"],
    }
    return CrashReport(**{**told, **changed})


def test_a_report_says_when_how_and_what_was_written_last():
    text = report().text()
    assert "when:  2026-11-22T15:20:01+00:00\n" in text
    assert "how:   killed by SIGKILL, after it was ready\n" in text
    assert "lived: 3.2 s\n" in text
    assert text.endswith("The last it wrote:\none\ntwo\n")
    assert "(nothing)" in report(lines=[]).text()
    assert "before it was ready" in report(was_ready=False).text()


@pytest.mark.parametrize(
    ("status", "how"),
    [(5, "exit status 5"), (-11, "killed by SIGSEGV"), (-77, "killed by signal 77")],
)
def test_an_end_is_named(status, how):
    assert report(status=status).how == how


def test_a_report_is_kept_for_its_owner_and_the_newest_wins(tmp_path):
    crash.keep(tmp_path, report(lines=["old \udcff"]))
    path = crash.keep(tmp_path, report(lines=["new"]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().endswith("new\n")
    assert [file.name for file in tmp_path.iterdir()] == ["crash-report.txt"]


def test_the_sentence_with_which_the_node_ended_stands_first():
    damaged = report(status=5, was_ready=False, lines=["starting", "whatnext: settings.json is damaged"])
    assert damaged.reason == "settings.json is damaged"
    assert "the node ended\n\nSettings.json is damaged.\n\nwhen:" in damaged.text()
    assert report(lines=["whatnext: told", "Traceback"]).reason is None
    assert report(lines=[]).reason is None


def test_where_the_profile_cannot_be_written_the_report_is_kept_elsewhere(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    monkeypatch.setattr(crash.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    path, where = crash.kept_in(gone, report())
    assert path == tmp_path / crash.FILE
    assert where == f"what it wrote last is in {path}"
    assert path.read_text() == report().text()
    monkeypatch.setattr(crash.tempfile, "mkdtemp", lambda prefix: str(gone))
    path, where = crash.kept_in(gone, report())
    assert path is None
    assert where.startswith("the crash report is not kept: ")
