"""What is kept when the node ended against its will: one readable file in the profile, the newest crash only."""

import signal
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from whatnext import __version__
from whatnext.config import CRASH_FILE, write_private
from whatnext.errors import StoreUnwritable

FILE = CRASH_FILE
_OWN_WORD = "whatnext: "
"""What an error of ours begins with on stderr (`whatnext.cli.main`)."""
MAX_LINES = 60
"""Of the log's end; the whole log is `whatnext log`."""


class CrashReport(msgspec.Struct, frozen=True, kw_only=True):
    """One crash; `at_s` is seconds since 1970, `status` as in `Popen.returncode`."""

    at_s: float
    status: int
    was_ready: bool
    lived_s: float
    lines: Sequence[str]

    @property
    def how(self) -> str:
        """In words, how the process ended."""
        if self.status >= 0:
            return f"exit status {self.status}"
        try:
            return f"killed by {signal.Signals(-self.status).name}"
        except ValueError:
            return f"killed by signal {-self.status}"

    @property
    def reason(self) -> str | None:
        """The sentence with which the node itself ended, the CLI's last word; None for a crash without one."""
        last = self.lines[-1] if self.lines else ""
        return last.removeprefix(_OWN_WORD) if last.startswith(_OWN_WORD) else None

    def text(self) -> str:
        """The report as a page of plain text. It holds no token and no invite: the node logs none."""
        when = datetime.fromtimestamp(self.at_s, UTC).isoformat(timespec="seconds")
        phase = "after it was ready" if self.was_ready else "before it was ready"
        log = "\n".join(self.lines) or "(nothing)"
        why = "" if self.reason is None else f"{self.reason[:1].upper()}{self.reason[1:]}.\n\n"
        return (
            f"WhatNext {__version__}: the node ended\n\n{why}"
            f"when:  {when}\nhow:   {self.how}, {phase}\nlived: {self.lived_s:.1f} s\n\n"
            f"The last it wrote:\n{log}\n"
        )


def keep(directory: Path, report: CrashReport) -> Path:
    """Write the report, readable by its owner only; return where. Raises `StoreUnwritable`."""
    path = directory / FILE
    write_private(path, report.text().encode("utf-8", "backslashreplace"))
    return path


def kept_in(directory: Path, report: CrashReport) -> tuple[Path | None, str]:
    """Keep the report in the profile, or where that cannot be (a full disk) among temporary files; where, in words."""
    try:
        path = keep(directory, report)
    except StoreUnwritable as error:
        try:
            path = keep(Path(tempfile.mkdtemp(prefix="whatnext-")), report)
        except (OSError, StoreUnwritable):
            return None, f"the crash report is not kept: {error}"
    return path, f"what it wrote last is in {path}"
