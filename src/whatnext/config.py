"""The profile: one directory per device with its key, database and settings, used by one process at a time."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from whatnext.errors import UNREADABLE, LocalError, ProfileBusy, StoreUnwritable

SETTINGS_FILE = "settings.json"
LOCK_FILE = "profile.lock"
CRASH_FILE = "crash-report.txt"
"""What the desktop keeps of the last node that ended against its will."""
PRIVATE_DIRECTORY, PRIVATE_FILE = 0o700, 0o600


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What `settings.json` holds."""

    name: str = ""
    colour: str | None = None
    listen: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
    relay_tokens: dict[str, str] = {}
    music: str | None = None
    tells_playing: bool = True
    notifications: bool = True


def profile_directory(explicit: Path | str | None = None) -> Path:
    """The directory asked for, or the user's own one for this system; made, for its owner only, if it is missing.

    Raises `StoreUnwritable` when it cannot be made.
    """
    if explicit is None:
        import platformdirs

        directory = Path(platformdirs.user_data_dir("whatnext", appauthor=False))
    else:
        directory = Path(explicit).expanduser().absolute()
    try:
        directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnwritable(
            f"the profile directory {directory} cannot be made ({error.strerror or error}):"
            " choose another with --profile"
        ) from error
    return directory


class Settings:
    """The settings of a profile, kept in its `settings.json`; a change is on the disk when its method returns."""

    def __init__(self, directory: Path) -> None:
        """Read the settings; raises `LocalError` when the file is damaged."""
        self.directory: Path = directory
        self._path = directory / SETTINGS_FILE
        self._kept = _read(self._path)

    @property
    def name(self) -> str:
        """What members see this device called; empty while no name was chosen."""
        return self._kept.name

    @property
    def colour(self) -> str | None:
        """`#rrggbb`, or None."""
        return self._kept.colour

    @property
    def listen(self) -> tuple[str, ...]:
        """Multiaddrs to listen on; empty leaves the choice to the node."""
        return self._kept.listen

    @property
    def relays(self) -> tuple[str, ...]:
        """Relays this device uses, as multiaddrs that end in `/p2p/` and the relay's PeerID; the first is preferred."""
        return self._kept.relays

    def rename(self, name: str, colour: str | None) -> None:
        """Keep another name and colour; raises `StoreUnwritable`."""
        self._keep(msgspec.structs.replace(self._kept, name=name, colour=colour))

    def listen_on(self, addresses: tuple[str, ...]) -> None:
        """Keep other addresses to listen on, from the next start; raises `StoreUnwritable`."""
        self._keep(msgspec.structs.replace(self._kept, listen=addresses))

    @property
    def relay_tokens(self) -> Mapping[str, str]:
        """By a relay's PeerID, what it wants to be shown before it lets this device in. Secret: never logged."""
        return self._kept.relay_tokens

    def relay_over(self, relays: tuple[str, ...], tokens: Mapping[str, str] | None = None) -> None:
        """Keep other relays, and other tokens where given; raises `StoreUnwritable`."""
        shown = dict(self._kept.relay_tokens if tokens is None else tokens)
        self._keep(msgspec.structs.replace(self._kept, relays=relays, relay_tokens=shown))

    @property
    def music(self) -> str | None:
        """Folder with the user's own audio files, as an absolute path."""
        return self._kept.music

    def play_from(self, folder: str | None) -> None:
        """Keep another music folder, or none; raises `StoreUnwritable`."""
        self._keep(msgspec.structs.replace(self._kept, music=folder))

    @property
    def tells_playing(self) -> bool:
        """Whether members of a playlist hear which of its tracks is played here."""
        return self._kept.tells_playing

    def tell_playing(self, *, on: bool) -> None:
        """Keep that they hear it, or that they do not; raises `StoreUnwritable`."""
        self._keep(msgspec.structs.replace(self._kept, tells_playing=on))

    @property
    def notifications(self) -> bool:
        """Whether the desktop tells what friends did."""
        return self._kept.notifications

    def notify(self, *, on: bool) -> None:
        """Keep that the desktop tells it, or that it does not; raises `StoreUnwritable`."""
        self._keep(msgspec.structs.replace(self._kept, notifications=on))

    def _keep(self, kept: _Kept) -> None:
        write_private(self._path, msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
        self._kept = kept


class ProfileLock:
    """One process per profile: held from `acquire` (or `with`) to `release`, or until the process ends, however."""

    def __init__(self, directory: Path, stop: str = "`whatnext node stop`", *, file: str = LOCK_FILE) -> None:
        """`stop` is how a user ends what may hold it; another `file` is another lock."""
        self._path = directory / file
        self._stop = stop
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the profile; raises `ProfileBusy` naming the process that has it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        except OSError as error:
            raise StoreUnwritable(
                f"{self._path} cannot be opened ({error.strerror or error}): make its directory writable,"
                " or choose another profile with --profile"
            ) from error
        if not _try_lock(descriptor):
            os.lseek(descriptor, 0, os.SEEK_SET)  # not pread and pwrite, which Windows has not
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            named = f"process {holder}" if holder.isdecimal() else "another process"
            raise ProfileBusy(
                f"{named} uses the profile {self._path.parent}: stop it ({self._stop}),"
                " or use another profile with --profile"
            )
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the profile free; nothing when it is not held. The file stays: removing it would let two in."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by its owner only; raises `StoreUnwritable`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreUnwritable(
            f"{path} cannot be written: {error.strerror or error}; it is as it was before"
        ) from error


def _read(path: Path) -> _Kept:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        return _Kept()
    except OSError as error:
        raise LocalError(f"{path} cannot be read: {error.strerror or error}") from error
    except UNREADABLE as error:
        raise LocalError(
            f"{path} is damaged ({error}): correct it, or move it away to start with default settings"
        ) from error


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            os.lseek(descriptor, 1024, os.SEEK_SET)  # behind the number, so that others can read it
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        # flock, not lockf: that one is lost when any descriptor of the file is closed in this process.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
