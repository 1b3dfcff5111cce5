"""Where a relay keeps its key: a directory of its own, never a person's profile."""

from pathlib import Path

from whatnext.config import profile_directory
from whatnext.errors import UserError
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
