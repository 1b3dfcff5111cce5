"""What a durable commit costs on this disk, with nothing of ours: the floor under every number that ends on disk."""

import os
import sqlite3
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

COMMITS = 200
ROW_BYTES = 400
"""About one record with its document."""


def commit_ms() -> float:
    """Median milliseconds of a small SQLite commit in WAL with `synchronous=FULL`, as our database makes them."""
    with TemporaryDirectory(prefix="whatnext-bench-") as top:
        connection = sqlite3.connect(Path(top) / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE rows (row BLOB)")
        took = []
        for _ in range(COMMITS):
            began = time.perf_counter()
            connection.execute("INSERT INTO rows VALUES (?)", (os.urandom(ROW_BYTES),))
            took.append((time.perf_counter() - began) * 1000)
        connection.close()
    return median(took)
