"""Looks at the files of a profile without changing them; makes neither key nor database."""

import os
import shutil
import sqlite3
import stat
import time
from pathlib import Path

from whatnext.config import CRASH_FILE, ProfileLock
from whatnext.errors import KeyDamaged, ProfileBusy, StoreUnwritable
from whatnext.identity import KEY_FILE, load_or_create
from whatnext.node.doctor.findings import FileSeen, FileState, ProfileSeen
from whatnext.store import schema
from whatnext.store.database import FILE as DATABASE_FILE


def look(directory: Path, *, node_answers: bool) -> ProfileSeen:
    """What the profile holds. The lock is tried, for a moment, only when no node answers for it."""
    held, unwritable = None, None
    if node_answers:
        held = "the running node"
    else:
        try:
            with ProfileLock(directory):
                pass
        except ProfileBusy as error:
            held = str(error)
        except StoreUnwritable as error:
            unwritable = str(error)
    if not os.access(directory, os.W_OK):
        unwritable = unwritable or f"this user may not write to {directory}"
    crash = directory / CRASH_FILE
    crashed = crash.stat().st_mtime if crash.is_file() else None
    return ProfileSeen(
        directory=str(directory),
        key=_key(directory / KEY_FILE),
        database=_database(directory / DATABASE_FILE),
        free_bytes=shutil.disk_usage(directory).free,
        held=held,
        unwritable=unwritable,
        crash=None if crashed is None else str(crash),
        crashed_s=0.0 if crashed is None else time.time() - crashed,
    )


def _key(path: Path) -> FileSeen:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if os.name == "posix" and mode & 0o077:
            return FileSeen(str(path), FileState.OPEN, f"{mode:04o}")
        load_or_create(path.parent)  # it exists: this reads
    except FileNotFoundError:
        return FileSeen(str(path), FileState.MISSING)
    except OSError as error:
        return FileSeen(str(path), FileState.UNREADABLE, error.strerror or str(error))
    except KeyDamaged:
        return FileSeen(str(path), FileState.DAMAGED)
    return FileSeen(str(path), FileState.FINE)


def _database(path: Path) -> FileSeen:
    """`quick_check` through a read-only connection, which goes beside a running node's own."""
    if not path.exists():
        return FileSeen(str(path), FileState.MISSING)
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)
        try:
            if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
                return FileSeen(str(path), FileState.DAMAGED, "it is not a WhatNext database")
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        return FileSeen(str(path), FileState.UNREADABLE, str(error))
    except sqlite3.DatabaseError as error:
        return FileSeen(str(path), FileState.DAMAGED, str(error))
    return FileSeen(str(path), FileState.FINE if verdict == "ok" else FileState.DAMAGED, str(verdict))
