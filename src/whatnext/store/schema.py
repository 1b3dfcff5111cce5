"""The database's shape, as numbered migrations; `PRAGMA user_version` says how many have been applied."""

import sqlite3

from whatnext.errors import StoreDamaged

APPLICATION_ID = 0x57484E58  # "WHNX": `file` and we can tell our database from another

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

    CREATE TABLE playlists (
        id BLOB PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('here', 'joining', 'leaving', 'left')),
        link TEXT,               -- the invite we are joining by
        since INTEGER NOT NULL   -- milliseconds
    ) WITHOUT ROWID;

    CREATE TABLE logs (
        id INTEGER PRIMARY KEY,
        playlist BLOB NOT NULL,
        author BLOB NOT NULL,
        epoch BLOB NOT NULL,
        seq INTEGER NOT NULL,    -- the head: how far the log counts
        hash BLOB NOT NULL,
        fork_at INTEGER,
        UNIQUE (playlist, author, epoch)
    );

    CREATE TABLE records (
        n INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival: an order in which every record counts
        log INTEGER NOT NULL REFERENCES logs (id),
        seq INTEGER NOT NULL,
        hash BLOB NOT NULL,
        kind INTEGER NOT NULL,   -- 0 counts, 1 void (kept: a later word may lift it), 2 evidence of a fork
        governs INTEGER NOT NULL,
        body BLOB NOT NULL,
        signature BLOB NOT NULL,
        UNIQUE (log, seq, hash)
    );
    CREATE INDEX governing ON records (log) WHERE governs OR kind <> 0;

    CREATE TABLE documents (
        playlist BLOB NOT NULL,
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        fields TEXT NOT NULL,    -- JSON
        stamps BLOB NOT NULL,    -- msgpack, see documents.py
        position TEXT,           -- of entries that are tracks (have a title too), for their order
        words TEXT,              -- of entries and playlists: folded text for search
        gone INTEGER NOT NULL,   -- 1 removed, 2 all its records became void
        feed INTEGER NOT NULL,   -- number in the change feed; greater than every earlier one
        PRIMARY KEY (playlist, collection, id)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX feed ON documents (feed);
    CREATE INDEX entry_order ON documents (playlist, position, id)
        WHERE collection = 'entries' AND NOT gone AND position IS NOT NULL;

    CREATE TABLE peers (
        peer TEXT PRIMARY KEY,
        name TEXT,
        addresses TEXT NOT NULL, -- JSON, see addressing.Entry
        last_seen INTEGER        -- milliseconds
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE blocked (
        peer TEXT PRIMARY KEY,
        since INTEGER NOT NULL   -- milliseconds
    ) WITHOUT ROWID;
    """,
    # Addresses carry times now (addressing.Entry): those of before count as told today.
    """
    UPDATE peers SET addresses = (
        SELECT json_group_array(json_array(value, 1000 * CAST(strftime('%s', 'now') AS INTEGER), NULL, NULL))
        FROM json_each(peers.addresses)
    );
    """,
    """
    CREATE TABLE pushes (        -- what RxDB clients pushed last, see pushes.py
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        client TEXT NOT NULL,
        document TEXT NOT NULL,
        assumed BLOB NOT NULL,   -- digest of the state that the client took for the master's
        state BLOB NOT NULL,     -- JSON of the state it pushed
        UNIQUE (client, document)
    );
    """,
    """
    ALTER TABLE pushes ADD COLUMN channel TEXT NOT NULL DEFAULT '';  -- connection on which it was pushed
    """,
    # What was here before counts as seen.
    """
    CREATE TABLE seen (
        playlist BLOB PRIMARY KEY,
        n INTEGER NOT NULL       -- of the newest record that somebody has seen, see seen.py
    ) WITHOUT ROWID;
    INSERT INTO seen SELECT id, (SELECT coalesce(max(n), 0) FROM records) FROM playlists;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version, each step whole or not at all; raises `StoreDamaged` if it is newer."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise StoreDamaged(
            f"this database has version {version}, made by a newer WhatNext; this one knows {len(MIGRATIONS)}: update"
        )
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]}; PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number + 1}; COMMIT;"
        )
