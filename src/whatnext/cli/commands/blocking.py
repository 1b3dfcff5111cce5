"""Refusing a peer, and forgetting one; with and without a running node."""

from whatnext.cli.arguments import Given, PeerRef
from whatnext.cli.context import Context
from whatnext.cli.words import short_peer
from whatnext.node.requests import OfPeer
from whatnext.node.views import Blocked, Forgotten


def block(peer: PeerRef, *, context: Given) -> None:
    """Refuse a peer: no connection either way, until it is unblocked. It stays in shared playlists."""
    done = context.ask("peers.block", OfPeer(peer=peer), Blocked)
    who = _about(done, context)
    if who is None:
        return
    if not done.changed:
        context.say(f"{who} was blocked already.")
        return
    context.say(f"{who} is blocked: this device neither dials it nor lets it in, also after a restart.")
    if done.shared:
        context.say(
            f"It is still a member of {', '.join(done.shared)}: what it writes there comes through other members, and"
            " yours reaches it the same way. The owner of a playlist removes it: whatnext members remove"
        )


def unblock(peer: PeerRef, *, context: Given) -> None:
    """Let a blocked peer in again."""
    done = context.ask("peers.unblock", OfPeer(peer=peer), Blocked)
    if who := _about(done, context):
        context.say(f"{who} is no longer blocked." if done.changed else f"{who} was not blocked.")


def forget(peer: PeerRef, *, context: Given) -> None:
    """Drop the addresses and the name of a peer that is no member; it may come back by itself."""
    done = context.ask("peers.forget", OfPeer(peer=peer), Forgotten)
    who = _about(done, context)
    if who is None:
        return
    context.say(f"{who} is forgotten." if done.was_known else f"Nothing was kept of {who}.")
    context.say(
        "It stays blocked: whatnext peers unblock"
        if done.blocked
        else "It is let in if it connects again; to refuse it: whatnext peers block"
    )


def _about(done: Blocked | Forgotten, context: Context) -> str | None:
    """Print whom it was about and tell what to call it; None where JSON has said everything."""
    if context.show(done):
        return None
    context.print(done.peer)
    return done.name or short_peer(done.peer)
