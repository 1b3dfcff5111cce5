"""The address book: peers this device has met, where they were reached, newest success first."""

from collections.abc import Iterable, Sequence

import msgspec

from whatnext.store.database import Database, translated

MAX_ADDRESSES = 16
"""Per peer: a liar that announces thousands costs no more."""
MAX_PEERS = 4096
"""Past that, those not seen for longest are forgotten."""


class KnownPeer(msgspec.Struct, frozen=True):
    """A peer we have met; `last_seen` is milliseconds since 1970, None for one that was only named to us."""

    peer: str
    name: str | None
    addresses: list[str]
    last_seen: int | None


class AddressBook:
    """The table `peers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[KnownPeer]:
        """Everybody, those seen last first."""
        with translated(self._database.path):
            rows = self._database.connection.execute(
                "SELECT peer, name, addresses, last_seen FROM peers ORDER BY coalesce(last_seen, 0) DESC, peer"
            ).fetchall()
        return [_known(row) for row in rows]

    def get(self, peer: str) -> KnownPeer | None:
        """One peer, or None."""
        with translated(self._database.path):
            row = self._database.connection.execute(
                "SELECT peer, name, addresses, last_seen FROM peers WHERE peer = ?", (peer,)
            ).fetchone()
        return None if row is None else _known(row)

    def addresses(self, peer: str) -> list[str]:
        """Where the peer may be, newest success first."""
        known = self.get(peer)
        return [] if known is None else known.addresses

    def note(self, peer: str, addresses: Iterable[str]) -> None:
        """Add addresses that somebody named, behind those that worked."""
        known = self.get(peer) or KnownPeer(peer, None, [], None)
        self._put(known, msgspec.structs.replace(known, addresses=_merged(known.addresses, addresses)))

    def met(
        self, peer: str, *, worked: Sequence[str], announced: Iterable[str], name: str | None, now_ms: int
    ) -> None:
        """The peer is here now: the addresses that worked go first, then what it announces, then older ones."""
        known = self.get(peer) or KnownPeer(peer, None, [], None)
        addresses = _merged(_merged(worked, announced), known.addresses)
        self._put(known, KnownPeer(peer, name or known.name, addresses, now_ms))

    def forget(self, peer: str) -> bool:
        """Remove a peer; return whether it was known."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM peers WHERE peer = ?", (peer,)).rowcount > 0

    def _put(self, before: KnownPeer, known: KnownPeer) -> None:
        if known == before:
            return
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO peers (peer, name, addresses, last_seen) VALUES (?, ?, ?, ?)",
                (known.peer, known.name, msgspec.json.encode(known.addresses).decode(), known.last_seen),
            )
            connection.execute(
                "DELETE FROM peers WHERE peer IN"
                " (SELECT peer FROM peers ORDER BY coalesce(last_seen, 0) DESC, peer LIMIT -1 OFFSET ?)",
                (MAX_PEERS,),
            )


def _merged(first: Iterable[str], then: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*first, *then]))[:MAX_ADDRESSES]


def _known(row: tuple[str, str | None, str, int | None]) -> KnownPeer:
    peer, name, addresses, last_seen = row
    return KnownPeer(peer, name, msgspec.json.decode(addresses, type=list[str]), last_seen)
