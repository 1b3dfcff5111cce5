"""Blocked peers stay blocked over restarts, and a database of the first version gets its table."""

import sqlite3

from whatnext.store import schema
from whatnext.store.blocklist import Blocklist
from whatnext.store.database import Database


def test_a_block_lasts_until_it_is_lifted(tmp_path):
    database = Database(tmp_path / "w.db")
    blocked = Blocklist(database)
    assert blocked.add("B", 5)
    assert not blocked.add("B", 6)
    assert "B" in blocked
    assert "C" not in blocked
    database.close()

    database = Database(tmp_path / "w.db")
    blocked = Blocklist(database)
    assert blocked.all() == ["B"]
    assert blocked.remove("B")
    assert not blocked.remove("B")
    assert "B" not in blocked
    database.close()

    database = Database(tmp_path / "w.db")
    assert Blocklist(database).all() == []
    database.close()


def test_a_database_of_the_first_version_gets_the_table_and_keeps_its_peers(tmp_path):
    old = sqlite3.connect(tmp_path / "w.db")
    old.executescript(schema.MIGRATIONS[0])
    old.execute("INSERT INTO peers VALUES ('B', 'Ben', '[\"/a\"]', 7)")
    old.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()

    database = Database(tmp_path / "w.db")
    blocked = Blocklist(database)
    assert blocked.all() == []
    assert blocked.add("B", 8)
    rows = database.connection.execute("SELECT peer, name, last_seen FROM peers").fetchall()
    assert rows == [("B", "Ben", 7)]
    database.close()
