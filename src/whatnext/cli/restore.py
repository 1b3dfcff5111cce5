"""Putting a backup in the place of a profile's database; nothing that was there is lost."""

import os
import shutil
import time
from pathlib import Path

import msgspec

from whatnext import identity
from whatnext.config import ProfileLock, profile_directory, write_private
from whatnext.errors import BadFile, KeyDamaged, StoreDamaged, StoreUnwritable, UserError
from whatnext.store.database import FILE as DATABASE_FILE
from whatnext.store.database import Database

_SIDE_FILES = ("", "-wal", "-shm")


class Restored(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the database is, and what the files that were there are called now; `key`: the device key came too."""

    database: str
    kept: list[str]
    key: bool


def restore(profile: Path | None, backup: Path) -> Restored:
    """Check the backup, move what is there aside, put the backup in its place.

    Raises `ProfileBusy` while a node runs, `BadFile` or `StoreDamaged` when the backup is none, `UserError` when it
    is another device's; then everything is as it was.
    """
    directory = profile_directory(profile)
    backup = backup.expanduser().absolute()
    with ProfileLock(directory):
        key = _key_to_restore(directory, backup)
        fresh = _checked_copy(backup, directory)
        try:
            kept = _move_aside(directory)
            fresh.replace(directory / DATABASE_FILE)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise StoreUnwritable(f"{directory} cannot be written: {error.strerror or error}") from error
        if key is not None:
            write_private(directory / identity.KEY_FILE, key)
    return Restored(database=str(directory / DATABASE_FILE), kept=kept, key=key is not None)


def _checked_copy(backup: Path, directory: Path) -> Path:
    """A copy of the backup in the profile that opens and passes SQLite's checks."""
    fresh = directory / f".{DATABASE_FILE}.restoring"
    try:
        shutil.copyfile(backup, fresh)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BadFile(f"{backup} cannot be copied: {error.strerror or error}") from error
    fresh.chmod(0o600)
    try:
        _check(fresh)
    except StoreDamaged as error:
        for suffix in _SIDE_FILES:
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
        raise BadFile(f"{backup} is no usable backup: {error}") from error
    return fresh


def _check(database_file: Path) -> None:
    if database_file.stat().st_size == 0:
        raise StoreDamaged("it is empty")
    database = Database(database_file)
    verdict = database.connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    database.close()
    if verdict != "ok":
        raise StoreDamaged(str(verdict))


def _move_aside(directory: Path) -> list[str]:
    kept = []
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for suffix in _SIDE_FILES:
        old = directory / (DATABASE_FILE + suffix)
        if old.exists():
            new = directory / f"{DATABASE_FILE}.before-{stamp}-{os.getpid()}{suffix}"
            old.rename(new)
            kept.append(str(new))
    return kept


def _key_to_restore(directory: Path, backup: Path) -> bytes | None:
    """The backup's device key if this profile has none; raises `UserError` when it has another one."""
    beside = backup.with_name(f"{backup.name}.key")
    theirs = beside.read_bytes() if beside.exists() else None
    own = directory / identity.KEY_FILE
    if not own.exists():
        return theirs
    if theirs is not None and own.read_bytes().strip() != theirs.strip():
        try:
            named = f"this profile is the device {identity.load_or_create(directory).peer_id}"
        except KeyDamaged as error:
            named = str(error)
        raise UserError(
            f"{beside.name} is another device's key than the profile's: {named}. Restore into a new profile"
            " with --profile, or move the profile's device.key away first"
        )
    return None
