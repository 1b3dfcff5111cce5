"""Undo: put back what one change replaced, where that change still stands.

Tracks that were added by hundreds at once are several records, and without a record named they are taken back together.

The record set says what each field was before. A field that somebody has written since is left alone, and the answer
says so. Undoing an undo does the change again. Who is in a playlist is not undone here: another word of the owner is.
"""

from collections.abc import Iterator, Sequence

import msgspec

from whatnext import clock, identity
from whatnext.errors import NotFound, NotPermitted, UserError
from whatnext.playlists import references, values
from whatnext.playlists.batches import MAX_TRACKS
from whatnext.playlists.history import clause_of, in_merge_order, undone_hashes
from whatnext.playlists.past import UNWRITTEN, Past
from whatnext.playlists.requests import Undo
from whatnext.playlists.sentences import quoted
from whatnext.playlists.service import Playlists, unchanged
from whatnext.playlists.undoable import why_not
from whatnext.playlists.views import Changed
from whatnext.records import ids
from whatnext.records.codec import Meta, Record, Write
from whatnext.records.merge import Document, Stamp
from whatnext.records.permissions import EDITORS
from whatnext.records.schema import Value

_APART_MS = 5_000
"""Between two records of one change, at most: a page hands over a thousand tracks at a time, ten records."""
_MADE_BY = {"entries": "title", "comments": "text"}
"""The field whose first write makes a document of a collection."""


def undo(here: Playlists, asked: Undo) -> Changed:
    """Take back one change; an own deleted playlist comes back by it too."""
    playlist = references.playlist(here, asked.playlist, deleted=True)
    records = in_merge_order(here, playlist)
    if asked.record:
        return _undo_one(here, playlist, records, references.record(records, asked.record))
    first, *more = [_undo_one(here, playlist, records, each) for each in _newest_own(here, records)]
    if not more:
        return first
    return msgspec.structs.replace(
        first,
        record=more[-1].record or first.record,
        ids=[touched for each in [first, *more] for touched in each.ids],
        notes=[
            first.notes[0],
            f"with the {len(more)} changes just before it, by which tracks were added as well",
            *first.notes[1:],
            *(note for each in more for note in each.notes if not note.startswith("undid: ")),
        ],
    )


def _undo_one(here: Playlists, playlist: bytes, records: Sequence[Record], target: Record) -> Changed:
    what = clause_of(here, playlist, records, target)
    if reason := why_not(target, what):
        raise UserError(reason)
    inverse = _Inverse(here, playlist, records, target)
    writes = [write for each in target.body.writes for write in inverse.of(each)]
    _check_right(here, playlist, writes)
    if not writes:
        return unchanged(playlist, *inverse.notes, "nothing was left to undo")
    touched = [write.id for write in writes if write.id]
    answer = here.write(playlist, writes, touched, meta=Meta(undoes=target.hash))
    return msgspec.structs.replace(answer, notes=[f"undid: {what}", *inverse.notes, *answer.notes])


class _Inverse:
    """The writes that put back what a record replaced; `notes` say what they leave alone."""

    def __init__(self, here: Playlists, playlist: bytes, records: Sequence[Record], target: Record) -> None:
        self.notes: list[str] = []
        self._here = here
        self._playlist = playlist
        self._target = target
        self._past = Past(records, {(write.collection, write.id) for write in target.body.writes})
        self._names = references.names(here, playlist)

    def of(self, write: Write) -> Iterator[Write]:
        """The inverse of one write: one write, or none."""
        document = self._here.library.documents.get(self._playlist, (write.collection, write.id))
        if document is None or write.collection not in UNWRITTEN:
            return
        maker = _MADE_BY.get(write.collection)
        if maker in write.fields and not self._past.before((write.collection, write.id), maker, self._target):
            fields = self._unmake(write, document)
        else:
            fields = dict(self._restored(write, document))
        if fields:
            yield Write(write.collection, write.id, fields)

    def _unmake(self, write: Write, document: Document) -> dict[str, Value]:
        if document.removed:
            self.notes.append(f"{_called(write, document)} was removed already")
            return {}
        changed = {s for s in document.stamps.values() if s[1] != self._target.body.author}
        if changed:
            self.notes.append(f"{_called(write, document)} was changed since by {self._who(max(changed))}")
        return {"removed": True}

    def _restored(self, write: Write, document: Document) -> Iterator[tuple[str, Value]]:
        key = (write.collection, write.id)
        for field in write.fields:
            if not self._past.stands(key, field, self._target):
                who = self._who(document.stamps.get(field))
                self.notes.append(
                    f"{field} of {_called(write, document)} was changed since by {who} and stays"
                )
                continue
            before = self._past.before(key, field, self._target)
            if before or field in UNWRITTEN[write.collection]:
                yield field, before[-1].value if before else UNWRITTEN[write.collection][field]

    def _who(self, stamp: Stamp | None) -> str:
        peer = identity.peer_id(stamp[1]) if stamp else ""
        return "you" if peer == self._here.me else self._names.get(peer, f"…{peer[-8:]}")


def _called(write: Write, document: Document) -> str:
    if write.collection == "playlists":
        return "the playlist"
    if write.collection == "comments":
        return f"the comment {quoted(values.text_of(document, 'text'))}"
    return quoted(values.text_of(document, "title")) if write.collection == "entries" else "the vote"


def _newest_own(here: Playlists, records: Sequence[Record]) -> list[Record]:
    """The newest own change that stands: one record, or several of tracks added at once, newest first."""
    found: list[Record] = []
    for record in _standing(here, records):
        if found and not _is_continued(record, found[-1]):
            break
        found.append(record)
    if not found:
        raise NotFound(
            "none of this device's changes is left to undo: `whatnext playlist history` names all changes"
        )
    return found


def _is_continued(record: Record, later: Record) -> bool:
    """Whether a record is full of added tracks and the later one goes on with them (`batches.in_batches`)."""
    apart = clock.millis(later.body.hlc) - clock.millis(record.body.hlc)
    return _tracks_added(record) == MAX_TRACKS and _tracks_added(later) > 0 and apart <= _APART_MS


def _tracks_added(record: Record) -> int:
    """How many tracks a record adds; 0 where it does something else as well."""
    writes = [write for write in record.body.writes if write.collection != "profiles"]
    added = [
        write
        for write in writes
        if write.collection == "entries" and {"title", "position"} <= write.fields.keys()
    ]
    return len(added) if len(added) == len(writes) else 0


def _standing(here: Playlists, records: Sequence[Record]) -> Iterator[Record]:
    undone = undone_hashes(records)
    own = here.library.identity.public_key
    for record in reversed(records):
        meta = record.body.meta
        mine = record.body.author == own and meta.by is None
        said_name_only = all(write.collection == "profiles" for write in record.body.writes)
        if mine and meta.undoes is None and record.hash not in undone and not said_name_only:
            yield record


def _check_right(here: Playlists, playlist: bytes, writes: Sequence[Write]) -> None:
    """Refuse with a sentence what the record's rules would refuse: others' votes and words are theirs."""
    may_edit = here.library.standing(playlist, here.me) in EDITORS
    for write in writes:
        if write.collection == "votes" and ids.parts_of_vote(write.id)[1] != here.me:
            raise NotPermitted("a vote belongs to its voter: only that member can take it back")
        if write.collection == "comments" and ids.author_of_comment(write.id) != here.me:
            if write.fields.keys() != {"removed"}:
                raise NotPermitted("a comment's words belong to its author: only that member can change them")
            if not may_edit:
                raise NotPermitted(
                    "only a comment's author, an editor or the owner can remove it or bring it back"
                )
