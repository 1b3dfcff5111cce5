"""Blocking, unblocking and forgetting on a running node: what the profile keeps, and at once what goes on."""

from typing import TYPE_CHECKING

from whatnext.node import acquaintances, views
from whatnext.node.api.feed import PeerEvent
from whatnext.node.operations import CLOSED_BY_HAND
from whatnext.node.peer_names import everybody, named
from whatnext.node.requests import OfPeer

if TYPE_CHECKING:
    from whatnext.node.node import Node


async def block(node: "Node", asked: OfPeer) -> views.Blocked:
    """Close every connection to a peer; it is not dialled and not let in any more, also after a restart."""
    peer, name = _named(node, asked)
    done = acquaintances.block(node.playlists, node.standings.blocked, peer, name)
    node.contacts.wake()
    if done.changed:
        node.feed.on_peer(PeerEvent(peer=peer, state="blocked"))
    # To the peer it looks like any other end: why is its user's affair.
    await _part(node, peer, "this device's user blocked it")
    return done


async def unblock(node: "Node", asked: OfPeer) -> views.Blocked:
    """Let a peer in again, and seek it if it is a member."""
    peer, name = _named(node, asked)
    done = acquaintances.unblock(node.playlists, node.standings.blocked, peer, name)
    if done.changed:
        node.feed.on_peer(PeerEvent(peer=peer, state="unblocked"))
    node.contacts.forget(peer)
    node.contacts.wake()
    return done


async def forget(node: "Node", asked: OfPeer) -> views.Forgotten:
    """Close every connection to a peer and drop its addresses, its name and what this run has learnt of it."""
    peer, name = _named(node, asked)
    acquaintances.check_forgettable(node.playlists, peer, name)
    await _part(node, peer, "this device's user had it forgotten")
    done = acquaintances.forget(node.playlists, node.standings.blocked, peer, name)
    node.contacts.forget(peer)
    node.standings.forget(peer)
    node.instruments.timelines.forget(peer)
    node.sync_links.paused.discard(peer)
    node.feed.on_peer(PeerEvent(peer=peer, state="forgotten"))
    return done


async def _part(node: "Node", peer: str, reason: str) -> None:
    node.hub.disconnect(peer, "disconnected", CLOSED_BY_HAND)
    await node.network.disconnect(peer, reason)


def _named(node: "Node", asked: OfPeer) -> tuple[str, str | None]:
    known = everybody(node)
    peer = named(node.playlists, known, asked.peer)
    return peer, known.get(peer)
