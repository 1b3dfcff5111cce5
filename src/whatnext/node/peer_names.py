"""Finding which peer a user means, over everybody this node knows."""

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

from whatnext.errors import Ambiguous, NotFound, UserError
from whatnext.identity import is_peer
from whatnext.node.wanted import wanted
from whatnext.playlists.references import names
from whatnext.playlists.service import Playlists
from whatnext.store.blocklist import Blocklist
from whatnext.store.peers import AddressBook

if TYPE_CHECKING:
    from whatnext.node.node import Node

_LISTED = 8


def everybody(node: "Node") -> dict[str, str | None]:
    """PeerIDs with names: connected, met before, blocked, members of a playlist here, or on this network.

    A name is what a peer said of itself with its key: in a greeting over its own connection, or in a signed profile.
    """
    found: dict[str, str | None] = {connection.peer: None for connection in node.network.connections()}
    found |= known(node.playlists, node.standings.blocked)
    for row in node.neighbours.listing():
        found.setdefault(row.peer, None)
    found.pop(node.network.peer, None)
    return found


def known(here: Playlists, blocked: Blocklist) -> dict[str, str | None]:
    """PeerIDs with names: met before, blocked, or members of a playlist here."""
    found: dict[str, str | None] = dict.fromkeys(blocked.all())
    found |= {peer.peer: peer.name for peer in AddressBook(here.library.database).all()}
    for playlist in here.library.playlists():
        found.update(names(here, playlist))
    for peer in wanted(here.library):
        found.setdefault(peer, None)
    found.pop(here.me, None)
    return found


def named(here: Playlists, everybody: Mapping[str, str | None], text: str) -> str:
    """PeerID of somebody known, or a whole PeerID never heard of; raises as `find_peer`, and for this device's own."""
    if is_peer(text):
        if text == here.me:
            raise UserError("that is this device itself: name another peer")
        return text
    return find_peer(everybody, text)


def find_peer(known: Mapping[str, str | None], text: str) -> str:
    """PeerID behind a PeerID, the beginning or end of one (`…` before it says so), a name or how a name begins.

    `known` maps PeerIDs to names. Case does not matter in names, nor how an accent is written. A whole name goes
    before the beginning of a longer one. Raises `NotFound` or `Ambiguous` with the candidates.
    """
    text = text.strip()
    is_id = text.startswith("…")
    text = text.lstrip("…")
    if text in known:
        return text
    by_id = {p for p in known if text and (p.startswith(text) or p.endswith(text))}
    names = {} if is_id or not text else {p: _folded(name) for p, name in known.items() if name}
    wanted = _folded(text)
    # Together: whoever calls itself like the end of a friend's PeerID must not get the friend's calls.
    exactly = by_id | {p for p, name in names.items() if name == wanted}
    for fits in (exactly, {p for p, name in names.items() if name.startswith(wanted)}):
        if len(fits) > 1:
            raise Ambiguous(
                f"“{text[:60]}” fits several peers: {_listed(known, sorted(fits))}. Use the end of the PeerID"
            )
        if fits:
            return fits.pop()
    raise NotFound(f"no peer “{text[:60]}” is known here: `whatnext peers` shows who is")


def _folded(text: str) -> str:
    """For comparing: Unicode's canonical caseless form (The Unicode Standard, 3.13, D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())


def _listed(known: Mapping[str, str | None], peers: list[str]) -> str:
    shown = ", ".join(f"…{p[-8:]} ({known[p] or 'no name'})" for p in peers[:_LISTED])
    more = len(peers) - _LISTED
    return f"{shown} and {more} more" if more > 0 else shown
