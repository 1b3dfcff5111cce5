"""Documents as people read them. `show` is canonical: equal heads, equal bytes, on every device.

Decisions that all devices must share: votes count while their voter is a member (not after removal or leaving); a
comment is shown unless it, or the entry it is on, is removed; an entry is listed when its title and position count.
"""

from collections.abc import Iterable

from whatnext import clock, identity
from whatnext.playlists import references
from whatnext.playlists.requests import Nothing, OfPlaylist
from whatnext.playlists.service import Playlists
from whatnext.playlists.values import choice_of, number_of, text_of, texts_of
from whatnext.playlists.views import CommentView, EntryView, MemberView, PlaylistSummary, PlaylistView
from whatnext.records import ids
from whatnext.records.governance import is_member
from whatnext.records.merge import Document, Stamp
from whatnext.store.document_table import Stored
from whatnext.store.listing import last_stamp, totals


class Reader:
    """Makes views of one playlist's documents."""

    def __init__(self, here: Playlists, playlist: bytes) -> None:
        self.here = here
        self.playlist = playlist
        self.governance = here.library.governance(playlist)
        self._peers: dict[bytes, str] = {}
        self._votes = self._counted_votes()

    def author(self, document: Document) -> str:
        """PeerID of who made a document: the RxDB peer it was signed for, or its signer."""
        return document.by or self._peer(document.first)

    def entry(self, stored: Stored) -> EntryView:
        """One entry with its votes."""
        document = stored.document
        voters = self._votes.get(stored.id, {})
        return EntryView(
            id=stored.id,
            position=text_of(document, "position"),
            title=text_of(document, "title"),
            artists=texts_of(document, "artists"),
            album=text_of(document, "album"),
            duration_ms=number_of(document, "durationMs"),
            isrc=choice_of(document, "isrc"),
            mbid=choice_of(document, "mbid"),
            links=texts_of(document, "links"),
            note=text_of(document, "note"),
            added_by=self.author(document),
            added_at=made_at(document),
            votes=sum(voters.values()),
            voters=voters,
        )

    def entries(self) -> list[EntryView]:
        """The listed entries in their order."""
        stored = self.here.library.documents.in_playlist(self.playlist, "entries")
        return [self.entry(each) for each in stored if references.is_listed(each.document)]

    def comments(self, shown: Iterable[EntryView]) -> list[CommentView]:
        """Comments on the playlist and on the entries shown, oldest first."""
        places: set[str | None] = {None, *(entry.id for entry in shown)}
        views = [
            CommentView(
                id=stored.id,
                entry_id=choice_of(stored.document, "entryId"),
                author=stored.document.by or ids.author_of_comment(stored.id),
                text=text_of(stored.document, "text"),
                created_at=made_at(stored.document),
            )
            for stored in self.here.library.documents.in_playlist(self.playlist, "comments")
            if "text" in stored.document.fields and choice_of(stored.document, "entryId") in places
        ]
        return sorted(views, key=lambda view: (view.created_at, view.id))

    def members(self) -> list[MemberView]:
        """Everybody who has or had a place, the owner first, then by PeerID."""
        names = references.names(self.here, self.playlist)
        return [
            MemberView(
                peer=member.peer,
                name=names.get(member.peer),
                role=member.role,
                joined_via=member.invite,
                left=member.left,
            )
            for member in self.governance.members()
        ]

    def _counted_votes(self) -> dict[str, dict[str, int]]:
        voting = {m.peer for m in self.governance.members() if is_member(m.role) and not m.left}
        votes: dict[str, dict[str, int]] = {}
        for stored in self.here.library.documents.in_playlist(self.playlist, "votes"):
            entry, voter = ids.parts_of_vote(stored.id)
            value = number_of(stored.document, "value")
            if value and voter in voting:  # documents come sorted by id, so voters are in order
                votes.setdefault(entry, {})[voter] = value
        return votes

    def _peer(self, stamp: Stamp | None) -> str:
        public_key = stamp[1] if stamp else b""
        known = self._peers.get(public_key)
        if known is None:
            known = self._peers[public_key] = identity.peer_id(public_key)
        return known


def show(here: Playlists, asked: OfPlaylist) -> PlaylistView:
    """A whole playlist."""
    return view(here, references.playlist(here, asked.playlist))


def view(here: Playlists, playlist: bytes) -> PlaylistView:
    """A whole playlist that has arrived."""
    reader = Reader(here, playlist)
    document = head(here, playlist)
    entries = reader.entries()
    owner = reader.governance.owner
    assert owner is not None
    return PlaylistView(
        id=ids.to_text(playlist),
        name=text_of(document, "name"),
        description=text_of(document, "description"),
        tags=texts_of(document, "tags"),
        cover=choice_of(document, "cover"),
        mode=text_of(document, "mode") or "free",
        owner=identity.peer_id(owner),
        created_at=made_at(document),
        updated_at=_updated_at(here, playlist) or 0,
        entries=entries,
        members=reader.members(),
        comments=reader.comments(entries),
    )


def list_all(here: Playlists, _: Nothing) -> list[PlaylistSummary]:
    """Playlists that are here or being joined, without deleted ones, oldest first."""
    known = here.library.playlists()
    return [summary(here, playlist) for playlist in known if not references.is_deleted(here, playlist)]


def summary(here: Playlists, playlist: bytes) -> PlaylistSummary:
    """One playlist in a list."""
    governance = here.library.governance(playlist)
    counted = totals(here.library.database.connection, playlist)
    return PlaylistSummary(
        id=ids.to_text(playlist),
        name=text_of(head(here, playlist), "name"),
        role=governance.standing(here.library.identity.public_key),
        state="joining" if governance.owner is None else "here",
        owner=None if governance.owner is None else identity.peer_id(governance.owner),
        entries=counted.entries,
        duration_ms=counted.duration_ms,
        members=sum(1 for m in governance.members() if is_member(m.role) and not m.left),
        updated_at=_updated_at(here, playlist),
    )


def title_of(here: Playlists, playlist: bytes) -> str:
    """What people call a playlist; the beginning of its id while it has no name."""
    return text_of(head(here, playlist), "name") or ids.to_text(playlist)[:8]


def head(here: Playlists, playlist: bytes) -> Document:
    """The playlist's own document; an empty one while it has not arrived."""
    return here.library.documents.get(playlist, ("playlists", "")) or Document()


def made_at(document: Document) -> int:
    """Milliseconds of a document's first write; 0 when nothing was written."""
    return 0 if document.first is None else clock.millis(document.first[0])


def _updated_at(here: Playlists, playlist: bytes) -> int | None:
    stamp = last_stamp(here.library.database.connection, playlist)
    return None if stamp is None else clock.millis(stamp)
