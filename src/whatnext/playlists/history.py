"""Who did what, when: read from the records, newest first."""

from collections.abc import Sequence

from whatnext import clock, identity
from whatnext.errors import UserError
from whatnext.playlists import references
from whatnext.playlists.requests import ShowHistory
from whatnext.playlists.rewinding import Rewind
from whatnext.playlists.sentences import Context, describe
from whatnext.playlists.service import Playlists
from whatnext.playlists.undoable import why_not
from whatnext.playlists.values import text_of
from whatnext.playlists.views import HistoryItem
from whatnext.records import ids
from whatnext.records.codec import Record

MAX_ITEMS = 10_000


def show(here: Playlists, asked: ShowHistory) -> list[HistoryItem]:
    """The newest changes, of the whole playlist or of one entry (removed ones too)."""
    if not 1 <= asked.limit <= MAX_ITEMS:
        raise UserError(f"the limit is {asked.limit}: give a number from 1 to {MAX_ITEMS:,}")
    playlist = references.playlist(here, asked.playlist, deleted=True)
    entry = None if asked.entry is None else _entry(here, playlist, asked.entry)
    records = in_merge_order(here, playlist)
    undone = undone_hashes(records)
    teller = _Teller(here, playlist, records)
    rewind = Rewind(records)
    items: list[HistoryItem] = []
    for record in reversed(records):
        if entry is None or _touches(record, entry):
            items.append(teller.item(record, rewind, undone=record.hash in undone))
            if len(items) == asked.limit:
                break
        rewind.step_back(record)
    return items


def in_merge_order(here: Playlists, playlist: bytes) -> list[Record]:
    """All counted records as merge sees them: oldest stamp first, the same on every device."""
    return sorted(here.library.records(playlist), key=lambda record: record.stamp)


def undone_hashes(records: Sequence[Record]) -> set[bytes]:
    """Hashes of the records (given in merge order) that are undone by a later one which is not undone itself."""
    undone: set[bytes] = set()
    for record in reversed(records):
        if record.body.meta.undoes is not None and record.hash not in undone:
            undone.add(record.body.meta.undoes)
    return undone


def clause_of(here: Playlists, playlist: bytes, records: Sequence[Record], record: Record) -> str:
    """What one of the records (in merge order) did."""
    return _Teller(here, playlist, records).clause(record)


class _Teller:
    """Tells records in clauses."""

    def __init__(self, here: Playlists, playlist: bytes, records: Sequence[Record]) -> None:
        self._here = here
        self._playlist = playlist
        self._by_hash = {record.hash: record for record in records}
        self._names = references.names(here, playlist)

    def item(self, record: Record, at: Rewind, *, undone: bool) -> HistoryItem:
        """One item; `at` is the list as it was right behind the record."""
        peer = record.body.meta.by or identity.peer_id(record.body.author)
        undoes = record.body.meta.undoes
        original = None if undoes is None else self._by_hash.get(undoes)
        what = self.clause(record, at) if original is None else f"undid: {self.clause(original)}"
        return HistoryItem(
            record=record.hash.hex(),
            at=clock.millis(record.body.hlc),
            peer=peer,
            name=self._names.get(peer),
            what=what,
            undoes=None if undoes is None else undoes.hex(),
            undone=undone,
            can_undo=why_not(record, what) is None,
        )

    def clause(self, record: Record, at: Rewind | None = None) -> str:
        """What a record did; with the list as it was right behind it (`at`) also where entries were moved to."""

        def moved_to(written: Sequence[str]) -> tuple[int, int | None]:
            if at is not None:
                return _moved(at, record, written), at.number(written[0])
            if len(written) == 1:
                return 1, None
            then = Rewind([each for each in self._by_hash.values() if each.stamp <= record.stamp])
            return _moved(then, record, written), None

        return describe(record, Context(self._name, self._title, self._invite_role, moved_to))

    def _name(self, peer: str) -> str:
        return self._names.get(peer, f"…{peer[-8:]}")

    def _title(self, entry: str) -> str:
        document = self._here.library.documents.get(self._playlist, ("entries", entry))
        return entry if document is None else text_of(document, "title") or entry

    def _invite_role(self, invite: str) -> str:
        document = self._here.library.governance(self._playlist).invites.get(invite)
        return "member" if document is None else text_of(document, "role") or "member"


def _moved(at: Rewind, record: Record, written: Sequence[str]) -> int:
    """How many entries a record moved: it names them before those whose long positions it only made short."""
    if len(written) == 1:
        return 1
    after = [entry for entry in at.order() if entry != written[0]]
    at.step_back(record)
    before = [entry for entry in at.order() if entry != written[0]]
    at.step_forward(record)
    return 1 if before == after else len(written)


def _touches(record: Record, entry: str) -> bool:
    for write in record.body.writes:
        if write.collection == "entries" and write.id == entry:
            return True
        if write.collection == "votes" and ids.parts_of_vote(write.id)[0] == entry:
            return True
        if write.collection == "comments" and write.fields.get("entryId") == entry:
            return True
    return False


def _entry(here: Playlists, playlist: bytes, text: str) -> str:
    if ids.is_entry_id(text) and here.library.documents.get(playlist, ("entries", text)) is not None:
        return text
    return references.one_entry(here, playlist, text)
