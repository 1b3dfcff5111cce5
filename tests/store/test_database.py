import os
import random
import shutil
import sqlite3
import subprocess

import pytest

from whatnext.clock import HybridClock
from whatnext.errors import StoreDamaged, StoreUnwritable
from whatnext.identity import Identity
from whatnext.records import ids
from whatnext.records.codec import Write
from whatnext.store import Library
from whatnext.store.database import Database
from whatnext.store.schema import MIGRATIONS

NOW_MS = 1_800_000_000_000


def open_library(path) -> Library:
    return Library(Identity(b"\x01" * 32), HybridClock(lambda: NOW_MS), path)


def fill(library: Library, count: int) -> bytes:
    rng = random.Random(1)
    changes = [
        [Write("entries", ids.to_text(rng.randbytes(10)), {"title": "x" * 400, "position": "a0V"})]
        for _ in range(count)
    ]
    return library.create([Write("playlists", "", {"name": "Kitchen"})], *changes)


def test_a_clean_end_goes_on_with_the_same_log(tmp_path):
    library = open_library(tmp_path / "w.db")
    playlist = fill(library, 1)
    library.close()
    again = open_library(tmp_path / "w.db")
    again.write(playlist, [Write("playlists", "", {"name": "Two"})])
    assert [head.seq for head in again.heads(playlist).values()] == [3]


def test_an_unclean_end_begins_a_new_log(tmp_path):
    library = open_library(tmp_path / "w.db")
    playlist = fill(library, 1)
    library.database.connection.close()  # killed: nothing marked the end
    again = open_library(tmp_path / "w.db")
    again.write(playlist, [Write("playlists", "", {"name": "Two"})])
    assert sorted(head.seq for head in again.heads(playlist).values()) == [1, 2]


def test_a_copied_database_begins_a_new_log(tmp_path):
    library = open_library(tmp_path / "w.db")
    playlist = fill(library, 1)
    library.close()
    shutil.copy(tmp_path / "w.db", tmp_path / "copy.db")
    copy = open_library(tmp_path / "copy.db")
    copy.write(playlist, [Write("playlists", "", {"name": "Two"})])
    assert len(copy.heads(playlist)) == 2


def test_a_backup_taken_while_in_use_holds_everything_and_begins_a_new_log(tmp_path):
    library = open_library(tmp_path / "w.db")
    playlist = fill(library, 20)
    library.database.backup(tmp_path / "backup.db")
    backup = open_library(tmp_path / "backup.db")
    assert dict(backup.heads(playlist)) == dict(library.heads(playlist))
    assert backup.database.epoch != library.database.epoch


def test_only_the_owner_can_read_the_database_and_its_backup(tmp_path):
    library = open_library(tmp_path / "w.db")
    fill(library, 1)
    library.database.backup(tmp_path / "backup.db")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert {"w.db", "w.db-wal", "backup.db"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_backup_overwrites_nothing(tmp_path):
    library = open_library(tmp_path / "w.db")
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(StoreUnwritable, match="exists already"):
        library.database.backup(tmp_path / "precious")
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_full_disk_is_said_and_loses_nothing_acknowledged(tmp_path):
    library = open_library(tmp_path / "w.db")
    playlist = fill(library, 5)
    heads = dict(library.heads(playlist))
    pages = library.database.connection.execute("PRAGMA page_count").fetchone()[0]
    library.database.connection.execute(f"PRAGMA max_page_count = {pages + 1}")  # SQLite's own SQLITE_FULL
    with pytest.raises(StoreUnwritable, match="is full"):
        library.write(playlist, [Write("playlists", "", {"description": "x" * 60_000})])
    assert dict(library.heads(playlist)) == heads
    library.database.connection.execute("PRAGMA max_page_count = 1000000")
    library.write(playlist, [Write("playlists", "", {"description": "y" * 60_000})])
    assert sum(head.seq for head in library.heads(playlist).values()) == 7


@pytest.mark.real
def test_a_disk_that_is_really_full_is_said_and_the_database_still_opens(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        library = open_library(disk / "w.db")
        playlist = fill(library, 5)
        change = [Write("playlists", "", {"description": "x" * 60_000})]

        def write_on() -> None:
            for _ in range(100):
                library.write(playlist, change)
                acknowledged.append(dict(library.heads(playlist)))

        acknowledged = [dict(library.heads(playlist))]
        with pytest.raises(StoreUnwritable, match="is full"):
            write_on()
        library.database.connection.close()
        assert dict(open_library(disk / "w.db").heads(playlist)) == acknowledged[-1]
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_read_only_directory_is_said(tmp_path):
    if os.geteuid() == 0:
        directory = "/proc/self"  # root ignores modes, but nobody writes here
    else:
        tmp_path.chmod(0o500)
        directory = str(tmp_path)
    with pytest.raises(StoreUnwritable, match="cannot be written"):
        Database(f"{directory}/w.db")


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(tmp_path):
    path = tmp_path / "w.db"
    path.write_bytes(b"this is a letter to my friend" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="backup restore"):
        Database(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_as_it_was(tmp_path):
    path = tmp_path / "w.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.commit()
    other.close()
    with pytest.raises(StoreDamaged, match="another program"):
        Database(path)
    assert sqlite3.connect(path).execute("SELECT count(*) FROM bookmarks").fetchone() == (0,)


def test_a_damaged_page_is_found_at_the_start_after_a_crash_and_nothing_is_overwritten(tmp_path):
    path = tmp_path / "w.db"
    library = open_library(path)
    fill(library, 300)
    library.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    library.database.connection.close()
    content = bytearray(path.read_bytes())
    for page in range(4, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 200] = os.urandom(200)
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="nothing was overwritten"):
        Database(path)
    assert path.read_bytes() == bytes(content)


def test_a_database_of_a_newer_version_is_refused_with_the_way_out(tmp_path):
    Database(tmp_path / "w.db").close()
    raw = sqlite3.connect(tmp_path / "w.db")
    raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    raw.close()
    with pytest.raises(StoreDamaged, match="update"):
        Database(tmp_path / "w.db")


def test_a_migration_that_was_cut_short_is_done_again_whole(tmp_path):
    raw = sqlite3.connect(tmp_path / "w.db")  # killed after creating the file, before the first migration
    raw.execute("PRAGMA journal_mode = WAL")
    raw.close()
    library = open_library(tmp_path / "w.db")
    assert fill(library, 1)
