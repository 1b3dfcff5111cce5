"""The log kept in the profile: two files of at most a megabyte each, readable by their owner only."""

import os
import sys
from io import TextIOWrapper
from logging import LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

from whatnext.config import PRIVATE_FILE

NAME, OLDER = "node.log", "node.log.1"
MAX_BYTES = 1_000_000


class LogFile(RotatingFileHandler):
    """Appends to `node.log`; when it is full it becomes `node.log.1`, and the one before is gone."""

    def __init__(self, directory: Path) -> None:
        self._complained = False
        super().__init__(directory / NAME, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return open(os.open(self.baseFilename, flags, PRIVATE_FILE), "a", encoding="utf-8")

    def handleError(self, record: LogRecord) -> None:  # noqa: N802 - logging's own name
        """A line that cannot be written is lost: said once on stderr, where the line itself went too."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._complained:
            self._complained = True
            sys.stderr.write(
                f"whatnext: the log file {self.baseFilename} cannot be written: {error.strerror}\n"
            )
