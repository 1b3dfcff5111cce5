"""Who shares a playlist with this node, or can let it into one; and what each peer is to the network."""

from collections.abc import Callable, Collection

import trio

from whatnext.errors import BadLink, WhatNextError
from whatnext.net.standing import Standing
from whatnext.playlists import links
from whatnext.records.governance import is_member
from whatnext.store import Change, Library
from whatnext.store.blocklist import Blocklist
from whatnext.store.peers import AddressBook

LAZY_S = 2.0
"""How old the list of members may be while playlists change: a flood of edits and dials does not look each time."""


def wanted(library: Library) -> dict[str, list[str]]:
    """PeerIDs to be connected with, each with addresses from its invite link. Costs milliseconds."""
    found: dict[str, list[str]] = {}
    for _, text in library.links_to_join():
        for peer, addresses in _in_link(text).items():
            found.setdefault(peer, []).extend(addresses)
    for playlist in library.shared():
        governance = library.governance(playlist)
        if governance.owner is None or not is_member(governance.standing(library.identity.public_key)):
            continue
        for member in governance.members():
            if not member.left and is_member(member.role):
                found.setdefault(member.peer, [])
    found.pop(library.identity.peer_id, None)
    return found


class Standings:
    """The judge of `open_network`: blocked, relay, member, known or a stranger."""

    def __init__(
        self,
        library: Library,
        book: AddressBook,
        blocked: Blocklist,
        now: Callable[[], float],
        relays: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        """`relays` gives the PeerIDs of the relays in use, `now` seconds of a monotonic clock."""
        self._library = library
        self._book = book
        self.blocked = blocked
        self._now = now
        self._relays = relays
        self._members: frozenset[str] = frozenset()
        self._looked = float("-inf")
        self._stale = True
        self._named: set[str] = set()

    def on_change(self, change: Change) -> None:
        """For `Library.subscribe`: members are looked up again when next asked for."""
        self._stale = True

    def name(self, peer: str) -> None:
        """The user asked for this peer: it is no stranger for the rest of this run."""
        self._named.add(peer)

    def forget(self, peer: str) -> None:
        """A stranger again, unless it is a member or a relay."""
        self._named.discard(peer)

    def judge(self, peer: str) -> Standing:
        """What a peer is to this node; a database that fails makes strangers of peers, which refuses nobody."""
        if peer in self.blocked:
            return Standing.BLOCKED
        if peer in self._relays():
            return Standing.RELAY
        try:
            if peer in self._current_members():
                return Standing.MEMBER
            known = self._book.get(peer)
        except WhatNextError:
            known = None
        # Everybody who connects gets into the book: only who greeted, or was named to us, is more than a stranger.
        is_known = peer in self._named or (known is not None and bool(known.name or known.last_seen is None))
        return Standing.KNOWN if is_known else Standing.STRANGER

    def _current_members(self) -> frozenset[str]:
        if self._stale and self._now() - self._looked >= LAZY_S:
            self._members = frozenset(wanted(self._library))
            self._looked, self._stale = self._now(), False
        return self._members


def standings_of(library: Library, relays: Callable[[], Collection[str]] = frozenset) -> Standings:
    """The judge of a node, for the one trio run it lives in; `relays` gives the PeerIDs of the relays in use."""
    book, blocked = AddressBook(library.database), Blocklist(library.database)
    return Standings(library, book, blocked, trio.current_time, relays)


def _in_link(text: str) -> dict[str, list[str]]:
    """Peers of an invite link with their addresses; one that names no peer belongs to all of them."""
    try:
        link = links.parse(text)
    except BadLink:
        return {}  # kept by an older version: the playlist can be left, nothing else depends on it
    if not isinstance(link, links.JoinLink):
        return {}
    found: dict[str, list[str]] = {peer: [] for peer in link.peers}
    for address in link.addresses:
        before, _, last = address.rpartition("/p2p/")
        for peer in [last] if before and last in found else found:
            found[peer].append(before if before and last in found else address)
    for known in found.values():
        known.extend(links.circuits(link))
    return found
