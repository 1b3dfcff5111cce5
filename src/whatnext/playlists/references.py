"""Finding what a user names: playlists, entries, peers, invites, comments, changes; by id, beginning, number or name.

None fits: `NotFound`, with the next step. More than one fits: `Ambiguous`, with the candidates.
"""

from collections.abc import Iterable, Mapping, Sequence

from whatnext.errors import Ambiguous, NotFound, UserError
from whatnext.playlists.formats.text import show
from whatnext.playlists.service import Playlists
from whatnext.playlists.values import text_of
from whatnext.records import ids
from whatnext.records.codec import Record
from whatnext.records.merge import Document

_LISTED = 8
"""Candidates named in an `Ambiguous`."""


def known_playlist(here: Playlists, text: str) -> bytes:
    """Id of a playlist, also one that is deleted or still being joined."""
    known = here.library.playlists()
    exact = ids.playlist_from_text(text)
    if exact in known:
        return exact
    names = {playlist: name(here, playlist) for playlist in known}
    for fits in (
        [p for p in known if names[p] == text],
        [p for p in known if text and names[p].casefold() == text.casefold()],
        [p for p in known if text and ids.to_text(p).startswith(text.lower())],
        [p for p in known if text and names[p].casefold().startswith(text.casefold())],
    ):
        if len(fits) > 1:
            shown = [f"{ids.to_text(p)[:12]} ({show(names[p])})" for p in fits]
            raise Ambiguous(f"{show(text)} fits several playlists: {_some(shown)}. Use more of the id")
        if fits:
            return fits[0]
    raise NotFound(f"no playlist {show(text)} is here: `whatnext playlist list` shows those that are")


def playlist(here: Playlists, text: str, *, deleted: bool = False) -> bytes:
    """Id of a playlist that has arrived and, unless `deleted` allows it, is not deleted."""
    found = known_playlist(here, text)
    if here.library.owner(found) is None:
        raise NotFound(
            f"playlist {ids.to_text(found)[:12]} has not arrived yet: it needs a member online to let this device in"
        )
    if not deleted and is_deleted(here, found):
        again = (
            f"`whatnext playlist undo {ids.to_text(found)[:12]}` brings it back"
            if here.library.owner(found) == here.library.identity.public_key
            else "`whatnext playlist leave` forgets it here as well"
        )
        raise NotFound(f"playlist {show(name(here, found))} was deleted by its owner: {again}")
    return found


def is_deleted(here: Playlists, found: bytes) -> bool:
    """Whether the owner deleted a playlist."""
    document = here.library.documents.get(found, ("playlists", ""))
    return document is not None and document.removed


def order(here: Playlists, found: bytes) -> list[tuple[str, str]]:
    """(id, position) of the entries in their order; numbers count along it from 1."""
    return here.library.documents.order(found)


def one_entry(here: Playlists, found: bytes, text: str) -> str:
    """Id of the listed entry that `text` names; a whole id does not read the list."""
    if ids.is_entry_id(text):
        document = here.library.documents.get(found, ("entries", text))
        if document is not None and is_listed(document):
            return text
    listed = order(here, found)
    return listed[entry(listed, text)][0]


def is_listed(document: Document) -> bool:
    """Whether an entry is a track of the list, by the same rule as `store.listing`."""
    return not document.removed and "title" in document.fields and "position" in document.fields


def entry(listed: Sequence[tuple[str, str]], text: str) -> int:
    """Place (from 0) in the order of the entry that `text` names by id, beginning or number."""
    if ids.is_entry_id(text):
        at = next((at for at, (known, _) in enumerate(listed) if known == text), None)
        if at is not None:
            return at
    elif text.isascii() and text.isdecimal():
        # Always a number, never the beginning of an id: "25" must not remove another track in a list of 20.
        if not 1 <= int(text[:9]) <= len(listed) or len(text) > 9:
            raise NotFound(f"there is no entry {text[:20]}: the playlist has {len(listed)}")
        return int(text) - 1
    fits = [at for at, (known, _) in enumerate(listed) if text and known.startswith(text.lower())]
    if len(fits) > 1:
        shown = [f"{at + 1} ({listed[at][0]})" for at in fits]
        raise Ambiguous(
            f"{show(text)} fits several entries: {_some(shown)}. Use more of the id, or the number"
        )
    if not fits:
        raise NotFound(
            f"no entry {show(text)} is in the playlist: `whatnext playlist show` lists ids and numbers"
        )
    return fits[0]


def entries(listed: Sequence[tuple[str, str]], texts: Iterable[str]) -> list[int]:
    """Places of several entries, in the order of the list, each once."""
    places = sorted({entry(listed, text) for text in texts})
    if not places:
        raise UserError("no entry is named: give at least one id or number")
    return places


def peer(here: Playlists, found: bytes, text: str) -> str:
    """PeerID of somebody who has or had a place in the playlist."""
    known = [member.peer for member in here.library.governance(found).members()]
    if text in known:
        return text
    named = names(here, found)
    by_name = [p for p in known if text and named.get(p, "").casefold() == text.casefold()]
    by_id = [p for p in known if text and (p.startswith(text) or p.endswith(text))]
    for fits in (by_name, by_id):
        if len(fits) > 1:
            shown = [f"…{p[-8:]} ({show(named.get(p, 'no name'))})" for p in fits]
            raise Ambiguous(f"{show(text)} fits several members: {_some(shown)}. Use the end of the PeerID")
        if fits:
            return fits[0]
    raise NotFound(f"nobody in the playlist is {show(text)}: `whatnext members list` shows who is")


def invite(here: Playlists, found: bytes, text: str) -> str:
    """Id of an invite."""
    return _by_beginning(here.library.governance(found).invites, text, "invite", "`whatnext invite list`")


def comment(here: Playlists, found: bytes, text: str) -> str:
    """Id of a comment, also by the part behind its author or the beginning of that."""
    known = {stored.id: stored.id for stored in here.library.documents.in_playlist(found, "comments")}
    if text in known:
        return text
    parts: dict[str, list[str]] = {}
    for full in known:
        parts.setdefault(full.partition(":")[2], []).append(full)
    unique = _by_beginning(parts, text, "comment", "`whatnext playlist show`")
    if len(parts[unique]) > 1:
        raise Ambiguous(f"{show(text)} fits several comments: {_some(parts[unique])}. Use the whole id")
    return parts[unique][0]


def record(records: Iterable[Record], text: str) -> Record:
    """A change, by its hash or the beginning of that."""
    by_hash = {each.hash.hex(): each for each in records}
    return by_hash[_by_beginning(by_hash, text.lower(), "change", "`whatnext playlist history`")]


def names(here: Playlists, found: bytes) -> dict[str, str]:
    """What peers call themselves, by PeerID; without those who gave no name."""
    profiles = here.library.documents.in_playlist(found, "profiles")
    return {stored.id: name for stored in profiles if (name := text_of(stored.document, "name"))}


def _by_beginning(known: Mapping[str, object], text: str, kind: str, where: str) -> str:
    if text in known:
        return text
    fits = [each for each in known if text and each.startswith(text)]
    if len(fits) > 1:
        raise Ambiguous(f"{show(text)} fits several {kind}s: {_some(fits)}. Use more of it")
    if not fits:
        raise NotFound(f"no {kind} {show(text)} is in the playlist: {where} shows those that are")
    return fits[0]


def name(here: Playlists, found: bytes) -> str:
    """What a playlist is called, or nothing."""
    document = here.library.documents.get(found, ("playlists", ""))
    return "" if document is None else text_of(document, "name")


def _some(candidates: Sequence[str]) -> str:
    more = len(candidates) - _LISTED
    return ", ".join(candidates[:_LISTED]) + (f" and {more} more" if more > 0 else "")
