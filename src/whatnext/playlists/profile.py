"""The device's own name, and backups of what it keeps."""

import os
from pathlib import Path

from whatnext.errors import StoreUnwritable, UserError
from whatnext.identity import KEY_FILE
from whatnext.playlists import values
from whatnext.playlists.requests import CreateBackup, Nothing, SetProfile
from whatnext.playlists.service import Playlists
from whatnext.playlists.views import BackupMade, ProfileView
from whatnext.records.codec import Write
from whatnext.records.governance import is_member


def show(here: Playlists, _: Nothing) -> ProfileView:
    """PeerID, name and colour of this device, and where its profile lies."""
    directory = here.settings.directory
    return ProfileView(
        peer=here.me,
        name=here.settings.name,
        colour=here.settings.colour,
        directory=None if directory is None else str(directory),
    )


def rename(here: Playlists, asked: SetProfile) -> ProfileView:
    """Take a name (and colour): kept for playlists to come, told in those that are here."""
    name = values.line(asked.name, "the name", needed=True)
    colour = here.settings.colour if asked.colour is None else values.colour(asked.colour)
    here.settings.rename(name, colour)
    for playlist in here.library.playlists():
        if not is_member(here.library.standing(playlist, here.me)):
            continue
        document = here.library.documents.get(playlist, ("profiles", here.me))
        known = {"colour": None} | ({} if document is None else document.fields)
        fields = {f: v for f, v in {"name": name, "colour": colour}.items() if known.get(f) != v}
        if fields:
            here.library.write(playlist, [Write("profiles", here.me, dict(fields))])
    return show(here, Nothing())


def back_up(here: Playlists, asked: CreateBackup) -> BackupMade:
    """Copy the database to a new file, and the device key beside it; nothing is overwritten."""
    target = Path(asked.target)
    if not target.is_absolute():
        raise UserError(
            f"{target} is no absolute path: the node may run in another directory, so give the whole path"
        )
    directory = here.settings.directory
    key = None if directory is None else target.with_name(f"{target.name}.key")
    if key is not None and key.exists():
        raise StoreUnwritable(f"{key} exists already: choose another name, nothing was overwritten")
    here.library.database.backup(target)
    if directory is not None and key is not None:
        _copy_key(directory / KEY_FILE, key)
    return BackupMade(path=str(target), bytes=target.stat().st_size, key=None if key is None else str(key))


def _copy_key(source: Path, target: Path) -> None:
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreUnwritable(f"the database is backed up, the device key is not: {error}") from error
