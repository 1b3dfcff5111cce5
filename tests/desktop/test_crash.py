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
