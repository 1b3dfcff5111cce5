"""Where a relay keeps its key: a directory of its own, never a person's profile."""

import os
from pathlib import Path

from whatnext.config import profile_directory
from whatnext.errors import NotFound, StoreUnwritable, UserError
from whatnext.identity import KEY_FILE, load_or_create
from whatnext.store.database import FILE as DATABASE_FILE


def relay_directory(explicit: Path | None) -> Path:
    """The directory asked for, or `whatnext-relay` in the user's data directory; made if it is missing.

    Raises `UserError` for the profile of a device: a relay under its PeerID would pass for that device.
    """
    if explicit is None:
        import platformdirs

        explicit = Path(platformdirs.user_data_dir("whatnext-relay", appauthor=False))
    directory = profile_directory(explicit)
    if (directory / DATABASE_FILE).exists():
        raise UserError(
            f"{directory} is the profile of a device: give the relay a directory of its own with --profile"
        )
    return directory


def copy_key(directory: Path, target: Path) -> str:
    """Copy a relay's key to a new file only its owner can read; return the PeerID it makes.

    Raises `NotFound` when there is no key yet, `UserError` when the file is there, `StoreUnwritable`, `KeyDamaged`.
    To put a key back, place the copy in the relay's directory as `device.key` while no relay runs there.
    """
    if not (directory / KEY_FILE).exists():
        raise NotFound(
            f"{directory} holds no key yet: a relay makes it when it first starts (`whatnext relay`)"
        )
    peer = load_or_create(directory).peer_id
    content = (directory / KEY_FILE).read_bytes()
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UserError(f"{target} is there already: choose another name") from error
    except OSError as error:
        raise StoreUnwritable(f"{target} cannot be written: {error.strerror or error}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return peer
