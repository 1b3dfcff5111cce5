"""Peers that this device's user wants nothing to do with; kept across restarts, until unblocked."""

from whatnext.store.database import Database, translated


class Blocklist:
    """The table `blocked`. One object per database: what it answers is remembered, so asking costs no query."""

    def __init__(self, database: Database) -> None:
        """Read who is blocked; raises `StoreDamaged` or `StoreUnwritable`."""
        self._database = database
        with translated(database.path):
            self._peers = {peer for (peer,) in database.connection.execute("SELECT peer FROM blocked")}

    def __contains__(self, peer: object) -> bool:
        return peer in self._peers

    def all(self) -> list[str]:
        """PeerIDs, sorted."""
        return sorted(self._peers)

    def add(self, peer: str, now_ms: int) -> bool:
        """Block a peer; return whether that is new. Durable on return; raises `StoreUnwritable`."""
        if peer in self._peers:
            return False
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO blocked (peer, since) VALUES (?, ?)", (peer, now_ms))
        self._peers.add(peer)
        return True

    def remove(self, peer: str) -> bool:
        """Lift a block; return whether there was one. Durable on return; raises `StoreUnwritable`."""
        if peer not in self._peers:
            return False
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM blocked WHERE peer = ?", (peer,))
        self._peers.discard(peer)
        return True
