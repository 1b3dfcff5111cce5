"""The SQLite file: opening, transactions, clean and unclean ends, online backup.

WAL with `synchronous=FULL`: a commit is on the disk when it returns (0.2 ms here), so what we acknowledge survives a
power cut as well as a kill. SQLite's errors become ours, which say what to do.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from whatnext.errors import StoreDamaged, StoreUnwritable, WhatNextError
from whatnext.records.ids import EPOCH_BYTES
from whatnext.store import schema

FILE = "whatnext.db"
MEMORY = ":memory:"


class Database:
    """One open database; used from one thread."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        with translated(path):
            self.connection = _connect(path)
            self._unclean = self._meta("state") == b"open"
            if self._unclean:
                _check(self.connection, path)
            schema.migrate(self.connection)
            self._restored = self._meta("place") not in (None, self._place())
        self.epoch = self._meta("epoch") or os.urandom(EPOCH_BYTES)
        self._marked = False
        self.feed_id = self._feed_id()
        if self._unclean or self._restored:
            self.renew_epoch()

    def _feed_id(self) -> str:
        """Names the change feed: another one in a copy, whose numbers go their own way."""
        known = self._meta("feed")
        if known is None or self._restored:
            known = os.urandom(EPOCH_BYTES)
            with self.transaction():
                self._set_meta("feed", known)
        return known.hex()

    def renew_epoch(self) -> None:
        """Begin new logs from now on: a lost or doubled commit can never become two records with one number."""
        self.epoch = os.urandom(EPOCH_BYTES)
        self._marked = False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable on return; raises `StoreUnwritable` or `StoreDamaged`."""
        was_marked = self._marked
        with translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                self._marked = was_marked  # the mark is rolled back with everything else
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def mark_writing(self) -> None:
        """Note, inside a transaction that writes a record of ours, that this epoch is in use and not yet closed."""
        if not self._marked:
            self._set_meta("epoch", self.epoch)
            self._set_meta("state", b"open")
            self._marked = True

    def close(self) -> None:
        """End cleanly: the next start goes on with the same logs."""
        if self._marked:
            with self.transaction():
                self._set_meta("state", b"closed")
                self._set_meta("place", self._place())
        self.connection.close()

    def backup(self, target: Path) -> None:
        """Copy the database while it is in use; the copy begins new logs when it is opened. Never overwrites."""
        if target.exists():
            raise StoreUnwritable(f"{target} exists already: choose another name, nothing was overwritten")
        partial = target.with_name(f".{target.name}.partial")
        with translated(target):
            partial.unlink(missing_ok=True)  # what an earlier attempt left
            _private(partial)
            copy = sqlite3.connect(partial, isolation_level=None)
            try:
                self.connection.backup(copy, pages=256)
                copy.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (b"open",))
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.rename(target)

    def _place(self) -> bytes:
        """Device and inode: a copied file is not the file we closed."""
        if self.path == MEMORY:
            return b"memory"
        found = os.stat(self.path)
        return f"{found.st_dev}:{found.st_ino}".encode()

    def _meta(self, key: str) -> bytes | None:
        try:
            row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):  # a new database, not migrated yet
                return None
            raise
        return None if row is None else bytes(row[0])

    def _set_meta(self, key: str, value: bytes) -> None:
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _private(path: Path | str) -> None:
    """Create the file for its owner only; SQLite gives its journal files the same mode."""
    if path != MEMORY:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _connect(path: Path | str) -> sqlite3.Connection:
    _private(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and application != schema.APPLICATION_ID:
        connection.close()
        raise StoreDamaged(f"{path} is a database of another program; nothing was changed")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -16000")
    return connection


def _check(connection: sqlite3.Connection, path: Path | str) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _damaged(path, verdict)


def _damaged(path: Path | str, detail: object) -> StoreDamaged:
    return StoreDamaged(
        f"{path} is damaged ({detail}); nothing was overwritten. `whatnext backup restore FILE` puts a backup in its"
        " place and keeps the damaged file beside it; what friends have comes back by sync"
    )


@contextmanager
def translated(path: Path | str) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except WhatNextError:
        raise
    except sqlite3.OperationalError as error:
        raise _operational(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise _unwritable(path, "full" if error.errno == errno.ENOSPC else str(error.strerror)) from error


def _operational(path: Path | str, error: sqlite3.OperationalError) -> WhatNextError:
    text = str(error)
    if any(sign in text for sign in ("full", "readonly", "unable to open")):
        return _unwritable(path, text)
    if "locked" in text:
        return StoreUnwritable(f"{path} is locked by another program: close it and try again")
    return _damaged(path, error)


def _unwritable(path: Path | str, why: str) -> StoreUnwritable:
    if "full" in why:
        return StoreUnwritable(
            f"the disk that holds {path} is full: free some space and try again; nothing was lost"
        )
    return StoreUnwritable(f"{path} cannot be written ({why}): check the directory's permissions")
