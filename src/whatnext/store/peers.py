"""The address book: peers this device has met, where they were reached, newest success first."""

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from whatnext.store import addressing
from whatnext.store.addressing import Entry
from whatnext.store.database import Database, translated

MAX_PEERS = 4096
"""Past that, those not seen for longest are forgotten."""


class KnownPeer(msgspec.Struct, frozen=True):
    """A peer we have met; `last_seen` is milliseconds since 1970, None for one that was only named to us."""

    peer: str
    name: str | None
    entries: list[Entry]
    last_seen: int | None

    @property
    def addresses(self) -> list[str]:
        """Where it may be, newest success first."""
        return [entry.address for entry in self.entries]


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class AddressBook:
    """The table `peers`; what is stale is left out of every answer. Writing raises `StoreUnwritable`."""

    def __init__(self, database: Database, now_ms: Callable[[], int] = _wall_ms) -> None:
        self._database = database
        self._now_ms = now_ms

    def all(self) -> list[KnownPeer]:
        """Everybody, those seen last first."""
        with translated(self._database.path):
            rows = self._database.connection.execute(
                "SELECT peer, name, addresses, last_seen FROM peers ORDER BY coalesce(last_seen, 0) DESC, peer"
            ).fetchall()
        return [self._known(row) for row in rows]

    def get(self, peer: str) -> KnownPeer | None:
        """One peer, or None."""
        with translated(self._database.path):
            row = self._database.connection.execute(
                "SELECT peer, name, addresses, last_seen FROM peers WHERE peer = ?", (peer,)
            ).fetchone()
        return None if row is None else self._known(row)

    def addresses(self, peer: str) -> list[str]:
        """Where the peer may be, newest success first."""
        known = self.get(peer)
        return [] if known is None else known.addresses

    def note(self, peer: str, addresses: Iterable[str]) -> None:
        """Add addresses that somebody named, behind those that worked. What is known already is not written anew."""
        before = self._before(peer)
        known = set(before.addresses)
        fresh = [address for address in addresses if address not in known]
        entries = addressing.told(before.entries, fresh, self._now_ms())
        self._put(before, msgspec.structs.replace(before, entries=entries))

    def met(
        self, peer: str, *, worked: Sequence[str], announced: Sequence[str], name: str | None, now_ms: int
    ) -> None:
        """The peer is here now: the addresses that worked go first, then what it announces, then older ones."""
        before = self._before(peer)
        entries = addressing.tried(before.entries, worked, (), now_ms)
        if announced:
            entries = addressing.announced(entries, announced, now_ms)
        self._put(before, KnownPeer(peer, name or before.name, entries, now_ms))

    def failed(self, peer: str, addresses: Iterable[str]) -> None:
        """These did not answer; only the first failure since a success is written."""
        before = self.get(peer)
        if before is not None:
            entries = addressing.tried(before.entries, (), addresses, self._now_ms())
            self._put(before, msgspec.structs.replace(before, entries=entries))

    def drop(self, peer: str, address: str) -> bool:
        """Forget one address, as somebody else answered there; return whether it was known."""
        before = self.get(peer)
        if before is None or address not in before.addresses:
            return False
        entries = [entry for entry in before.entries if entry.address != address]
        self._put(before, msgspec.structs.replace(before, entries=entries))
        return True

    def forget(self, peer: str) -> bool:
        """Remove a peer; return whether it was known."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM peers WHERE peer = ?", (peer,)).rowcount > 0

    def _before(self, peer: str) -> KnownPeer:
        return self.get(peer) or KnownPeer(peer, None, [], None)

    def _put(self, before: KnownPeer, known: KnownPeer) -> None:
        if known == before:
            return
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO peers (peer, name, addresses, last_seen) VALUES (?, ?, ?, ?)",
                (known.peer, known.name, msgspec.json.encode(known.entries).decode(), known.last_seen),
            )
            connection.execute(
                "DELETE FROM peers WHERE peer IN"
                " (SELECT peer FROM peers ORDER BY coalesce(last_seen, 0) DESC, peer LIMIT -1 OFFSET ?)",
                (MAX_PEERS,),
            )

    def _known(self, row: tuple[str, str | None, str, int | None]) -> KnownPeer:
        peer, name, addresses, last_seen = row
        entries = msgspec.json.decode(addresses, type=list[Entry])
        return KnownPeer(peer, name, addressing.settle(entries, self._now_ms()), last_seen)
