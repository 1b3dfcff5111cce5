"""What the relay says of itself: one page of numbers, and who waits and talks. For the host alone: it names peers."""

from pathlib import Path

import msgspec

from whatnext.config import write_private
from whatnext.errors import UNREADABLE, LocalError
from whatnext.relay.limits import Limits

FILE = "relay.json"


class RelayFile(msgspec.Struct, frozen=True, kw_only=True):
    """`relay.json` in the relay's directory (0600): where its page is and the token for it. Gone when the relay is."""

    url: str
    token: str
    pid: int
    peer: str


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A peer with a reservation; `origin` is its address as limits count it."""

    peer: str
    origin: str
    expires_in_s: float
    circuits: int


class Talking(msgspec.Struct, frozen=True, kw_only=True):
    """A circuit; one that is being opened has no `age_s`."""

    number: int
    source: str
    target: str
    origin: str
    age_s: float | None
    to_target: int
    to_source: int


class RelayStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The page. Counts are since the start."""

    peer: str
    version: str
    addresses: list[str]
    at: float
    """Seconds since 1970."""
    uptime_s: float
    draining: bool
    access: str
    connections: int
    bytes_to_target: int
    bytes_to_source: int
    circuits_opened: int
    refusals: dict[str, int]
    endings: dict[str, int]
    limits: Limits
    rendezvous_entries: int
    waiting: list[Waiting]
    talking: list[Talking]


def leave_word(directory: Path, word: RelayFile) -> None:
    """Write `relay.json`; raises `StoreUnwritable`."""
    write_private(directory / FILE, msgspec.json.encode(word) + b"\n")


def take_back(directory: Path) -> None:
    """Remove `relay.json`."""
    (directory / FILE).unlink(missing_ok=True)


def read_word(directory: Path) -> RelayFile | None:
    """What `relay.json` says, or None when it is missing or not ours; a killed relay leaves it behind.

    Raises `LocalError` when it may not be read: the relay runs as somebody else.
    """
    try:
        return msgspec.json.decode((directory / FILE).read_bytes(), type=RelayFile)
    except PermissionError as error:
        raise LocalError(
            f"{directory / FILE} is another user's: ask as root, or as the user of the relay"
        ) from error
    except (OSError, *UNREADABLE):
        return None
