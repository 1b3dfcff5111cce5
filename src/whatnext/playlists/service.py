"""What every operation works with: the library, this device's name, randomness, and its addresses.

Operations are functions over `Playlists`, divided by purpose into the modules beside this one and listed in
`operations`. Nothing here awaits: a change is durable when the operation returns, or it did not happen.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from whatnext.playlists.batches import in_batches
from whatnext.playlists.views import Changed
from whatnext.records import ids, positions
from whatnext.records.codec import Meta, Record, Write
from whatnext.records.governance import is_member
from whatnext.records.schema import Value
from whatnext.store import Library


class Rng(positions.Rng, Protocol):
    """Randomness from outside. Invite secrets come from it: give a `random.SystemRandom` outside of tests."""

    def randbytes(self, n: int, /) -> bytes:
        """Return `n` random bytes."""
        ...


class Settings(Protocol):
    """Own name and colour, kept between runs (`whatnext.config.Settings`)."""

    @property
    def name(self) -> str:
        """The name members see; empty while none was chosen."""
        ...

    @property
    def colour(self) -> str | None:
        """`#rrggbb`, or None."""
        ...

    @property
    def directory(self) -> Path | None:
        """Where the profile lies; None when it is in memory."""
        ...

    def rename(self, name: str, colour: str | None) -> None:
        """Keep another name and colour."""
        ...


class Playlists:
    """The playlists of one device, as operations see them."""

    def __init__(
        self,
        library: Library,
        *,
        rng: Rng,
        settings: Settings,
        addresses: Callable[[], list[str]] = list,
        relays: Callable[[], list[str]] = list,
    ) -> None:
        self.library = library
        self.rng = rng
        self.settings = settings
        self.addresses = addresses
        self.relays = relays
        self._introduced: set[bytes] = set()

    @property
    def me(self) -> str:
        """PeerID of this device."""
        return self.library.identity.peer_id

    def new_id(self) -> str:
        """A new entry id, also the unique part of a comment's."""
        return ids.to_text(self.rng.randbytes(ids.ENTRY_ID_BYTES))

    def write(
        self,
        playlist: bytes,
        writes: Iterable[Write],
        touched: Sequence[str],
        *,
        meta: Meta | None = None,
        also: Callable[[], None] | None = None,
    ) -> Changed:
        """Make a change durable: one record, or a few where it is large; say what came of it.

        `also` runs in the same transaction. Raises `NotPermitted`, `LimitExceeded`, or what the disk says; then
        nothing of it was kept.
        """
        batches = in_batches(writes)
        if not batches:
            return unchanged(playlist)
        batches[0] += self._introduction(playlist)
        records = self.library.write_all(playlist, batches, meta, also)
        self._introduced.add(playlist)
        return changed(playlist, records, touched)

    def introduce(self) -> list[bytes]:
        """Say this device's name in every playlist that has let it in and does not know it; return which.

        The node calls it when a playlist arrives; the first change to a playlist would do it as well.
        """
        told = []
        for playlist in self.library.playlists():
            writes = self._introduction(playlist)
            if writes and is_member(self.library.standing(playlist, self.me)):
                self.library.write(playlist, writes)
                self._introduced.add(playlist)
                told.append(playlist)
        return told

    def profile_fields(self) -> dict[str, Value]:
        """What this device says of itself."""
        fields: dict[str, Value] = {"name": self.settings.name}
        if self.settings.colour is not None:
            fields["colour"] = self.settings.colour
        return fields

    def _introduction(self, playlist: bytes) -> list[Write]:
        if playlist in self._introduced or not self.settings.name:
            return []
        if self.library.documents.get(playlist, ("profiles", self.me)) is not None:
            return []
        return [Write("profiles", self.me, self.profile_fields())]


def changed(playlist: bytes, records: Sequence[Record], touched: Sequence[str]) -> Changed:
    """The answer to a change that was made; a change of several records is named by the last."""
    notes = []
    if len(records) > 1:
        notes.append(
            f"kept as {len(records)} changes: undo takes back added tracks together, all else one change at a time"
        )
    return Changed(
        playlist=ids.to_text(playlist), record=records[-1].hash.hex(), ids=list(touched), notes=notes
    )


def unchanged(playlist: bytes, *notes: str) -> Changed:
    """The answer when all was as asked for already."""
    return Changed(playlist=ids.to_text(playlist), record=None, ids=[], notes=list(notes))
