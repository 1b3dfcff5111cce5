"""`node.json` in the profile: where the running node's API is and how to be let in. Gone when the node is."""

import os
from pathlib import Path

import msgspec

from whatnext.config import write_private
from whatnext.errors import UNREADABLE

FILE = "node.json"


class NodeFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a client on this device needs; `started` is milliseconds since 1970."""

    url: str
    token: str
    pid: int
    peer: str
    started: int


def write(directory: Path, content: NodeFile) -> None:
    """Write it whole, readable by its owner alone: the token opens the API."""
    write_private(directory / FILE, msgspec.json.encode(content) + b"\n")


def read(directory: Path) -> NodeFile | None:
    """What the file says, or None when it is missing or not ours; whether that node lives is another question."""
    try:
        return msgspec.json.decode((directory / FILE).read_bytes(), type=NodeFile)
    except (OSError, *UNREADABLE):
        return None


def remove(directory: Path) -> None:
    """Take it away: the node is going, or is gone."""
    (directory / FILE).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Whether a process of that number runs; it may be another program by now, so the lock has the last word."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
