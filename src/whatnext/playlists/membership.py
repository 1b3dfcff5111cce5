"""The owner's word on members, and leaving.

A word names the last record that still counts of each of the member's logs (`upto`): backdating does not get around
it. With very many logs those with the most records are named, what fits into one value; the others end.
"""

from collections.abc import Mapping

from whatnext import identity
from whatnext.errors import NotPermitted, UserError
from whatnext.playlists import references
from whatnext.playlists.requests import ChangeRole, OfPlaylist, RemoveMember
from whatnext.playlists.service import Playlists, unchanged
from whatnext.playlists.viewing import Reader
from whatnext.playlists.views import Changed, MemberView
from whatnext.records import ids, schema
from whatnext.records.codec import Write
from whatnext.records.governance import Mark, encode_marks, governs, is_member
from whatnext.records.ids import LogKey
from whatnext.records.judge import Head
from whatnext.records.permissions import OWNER

_MAX_MARKS = 700
"""Marks of one word: 50 bytes each, 67 in base64, in a value of 64 KiB."""


def list_all(here: Playlists, asked: OfPlaylist) -> list[MemberView]:
    """Everybody who has or had a place, the owner first."""
    return Reader(here, references.playlist(here, asked.playlist)).members()


def change_role(here: Playlists, asked: ChangeRole) -> Changed:
    """Give a member another role; a removed one is taken back."""
    playlist, peer = _subject(here, asked.playlist, asked.peer, "changes roles")
    if here.library.standing(playlist, peer) == asked.role:
        return unchanged(playlist, f"this member is {asked.role} already")
    return here.write(playlist, [word(here, playlist, peer, asked.role)], [peer])


def remove(here: Playlists, asked: RemoveMember) -> Changed:
    """Remove a member; what it wrote until now stays."""
    playlist, peer = _subject(here, asked.playlist, asked.peer, "removes members")
    if here.library.standing(playlist, peer) == schema.REMOVED:
        return unchanged(playlist, "this member was removed before")
    return here.write(playlist, [word(here, playlist, peer, schema.REMOVED)], [peer])


def leave(here: Playlists, asked: OfPlaylist) -> Changed:
    """Leave a playlist: the members are told, this device forgets its documents."""
    playlist = references.known_playlist(here, asked.playlist)
    standing = here.library.standing(playlist, here.me)
    if standing == OWNER and not references.is_deleted(here, playlist):
        raise UserError(
            "this device owns the playlist and cannot leave it: `whatnext playlist delete` ends it"
        )
    answer = Changed(playlist=ids.to_text(playlist), record=None, ids=[here.me])
    if is_member(standing) and standing != OWNER:
        answer = here.write(playlist, [Write("members", here.me, {"left": True})], [here.me])
    here.library.leave(playlist)
    return answer


def word(here: Playlists, playlist: bytes, peer: str, role: str) -> Write:
    """The owner's word: this role from now on."""
    author = identity.public_key_of(peer)
    heads = here.library.heads(playlist)
    counted = {log: head for log, head in heads.items() if log.author == author and head.seq}
    if len(counted) > _MAX_MARKS:
        counted = _weightiest(here, playlist, counted)
    marks = [Mark(log.epoch, head.seq, head.hash) for log, head in sorted(counted.items())]
    return Write("members", peer, {"role": role, "upto": encode_marks(marks)})


def _weightiest(here: Playlists, playlist: bytes, counted: Mapping[LogKey, Head]) -> dict[LogKey, Head]:
    """As many logs as one word can name: those that hold the admission, without which none counts, then the longest."""
    admitting = {record.log for record in here.library.records(playlist) if governs(record)}
    by_weight = sorted(counted, key=lambda log: (log not in admitting, -counted[log].seq, log))
    return {log: counted[log] for log in by_weight[:_MAX_MARKS]}


def keep_role(here: Playlists, playlist: bytes, peer: str) -> list[Write]:
    """The owner's word that a member stays what it is; nothing for one who is no member."""
    standing = here.library.standing(playlist, peer)
    return [word(here, playlist, peer, standing)] if standing in schema.ROLES and standing else []


def require_owner(here: Playlists, playlist: bytes, does: str) -> None:
    """Refuse what only the owner does; raises `NotPermitted`."""
    standing = here.library.standing(playlist, here.me)
    if standing != OWNER:
        owner = here.library.owner(playlist)
        named = "" if owner is None else identity.peer_id(owner)
        called = references.names(here, playlist).get(named, f"…{named[-8:]}")
        raise NotPermitted(f"only the owner ({called}) {does}; this device is {standing or 'no member'}")


def _subject(here: Playlists, playlist: str, peer: str, does: str) -> tuple[bytes, str]:
    found = references.playlist(here, playlist)
    require_owner(here, found, does)
    member = references.peer(here, found, peer)
    if member == here.me:
        raise UserError("this device owns the playlist: its own place cannot be changed")
    return found, member
