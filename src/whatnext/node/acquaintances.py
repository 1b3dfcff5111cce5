"""Whom this profile knows, blocks and forgets: the same with and without a running node."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from whatnext.errors import UserError
from whatnext.node import views
from whatnext.node.peer_names import known, named
from whatnext.node.requests import OfPeer
from whatnext.node.wanted import wanted
from whatnext.playlists.requests import Nothing
from whatnext.playlists.service import Playlists
from whatnext.playlists.viewing import list_all
from whatnext.records.governance import is_member
from whatnext.records.ids import to_text
from whatnext.store.blocklist import Blocklist
from whatnext.store.peers import AddressBook


def block(here: Playlists, blocked: Blocklist, peer: str, name: str | None) -> views.Blocked:
    """Keep that this peer is not wanted; durable on return."""
    changed = blocked.add(peer, here.library.clock.now_ms())
    shared = shared_with(here, peer)
    return views.Blocked(peer=peer, name=name, blocked=True, changed=changed, shared=shared)


def unblock(here: Playlists, blocked: Blocklist, peer: str, name: str | None) -> views.Blocked:
    """Take the block back; durable on return."""
    changed = blocked.remove(peer)
    shared = shared_with(here, peer)
    return views.Blocked(peer=peer, name=name, blocked=False, changed=changed, shared=shared)


def forget(here: Playlists, blocked: Blocklist, peer: str, name: str | None) -> views.Forgotten:
    """Remove a peer from the address book; a block stays. Raises as `check_forgettable`."""
    check_forgettable(here, peer, name)
    was_known = AddressBook(here.library.database).forget(peer)
    return views.Forgotten(peer=peer, name=name, was_known=was_known, blocked=peer in blocked)


def check_forgettable(here: Playlists, peer: str, name: str | None) -> None:
    """Raises `UserError` for a member: this device would look for it, and know it, again at once."""
    shared = shared_with(here, peer)
    if shared or peer in wanted(here.library):
        where = f" of {', '.join(shared)}" if shared else ""
        raise UserError(
            f"{name or peer} is a member{where}: this device keeps in touch with members. Leave the playlist or"
            " remove the member first (`whatnext playlist leave`, `whatnext members remove`), or block the peer"
        )


def shared_with(here: Playlists, peer: str) -> list[str]:
    """Names of the playlists here in which the peer is a member."""
    found = []
    summaries = {each.id: each.name for each in list_all(here, Nothing())}
    for playlist in here.library.shared():
        members = here.library.governance(playlist).members()
        if any(m.peer == peer and not m.left and is_member(m.role) for m in members):
            found.append(summaries.get(to_text(playlist), to_text(playlist)))
    return found


def _offline(
    act: Callable[[Playlists, Blocklist, str, str | None], Any],
) -> Callable[[Playlists, OfPeer], Any]:
    def run(here: Playlists, asked: OfPeer) -> Any:
        blocked = Blocklist(here.library.database)
        everybody = known(here, blocked)
        peer = named(here, everybody, asked.peer)
        return act(here, blocked, peer, everybody.get(peer))

    return run


OFFLINE: Mapping[str, Callable[[Playlists, Any], Any]] = MappingProxyType(
    {"peers.block": _offline(block), "peers.unblock": _offline(unblock), "peers.forget": _offline(forget)}
)
"""Operations of the node that a profile without one can do as well."""
