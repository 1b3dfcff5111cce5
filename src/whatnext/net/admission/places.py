"""After the handshake: whether a peer gets a place, and whose. Pure.

In this order: a blocked peer never; not too many to one peer, nor from one address; then whether there is room. When
there is none, a peer may give up an older connection of its own, and whoever is more to this node than a stranger
takes the place of somebody who is less.
"""

from collections.abc import Sequence

import msgspec

from whatnext.net.admission.pruning import Held, worth
from whatnext.net.admission.refusal import Refusal
from whatnext.net.config import NetConfig
from whatnext.net.standing import Standing


class Seat(msgspec.Struct, frozen=True):
    """A place is granted; `instead_of` has to go first, None when there is room."""

    instead_of: Held | None = None


def seat(newcomer: Held, table: Sequence[Held], config: NetConfig) -> Seat | Refusal:
    """Decide about a newcomer; `table` are the places taken, also by those granted one that are not there yet."""
    return refuse(newcomer, table, config) or _find(newcomer, table, config.max_connections)


def refuse(newcomer: Held, table: Sequence[Held], config: NetConfig) -> Refusal | None:
    """Reasons to say no even when there is room."""
    if newcomer.standing is Standing.BLOCKED:
        return Refusal("blocked", "this peer is blocked here")
    to_it = sum(held.peer == newcomer.peer for held in table)
    if to_it >= config.max_connections_per_peer:
        return Refusal("peer_limit", f"{to_it} connections to this peer are open already")
    origin = newcomer.origin
    if origin is None or not _counts(newcomer):
        return None
    limit = (config.per_near_ip if origin.near else config.per_ip).connections
    if sum(held.origin == origin and _counts(held) for held in table) >= limit:
        return Refusal("ip_limit", f"{limit} connections from {origin.key} are open already")
    return None


def yields(held: Held, newcomer: Held) -> bool:
    """Whether the newcomer matters more: to be met before is enough against strangers."""
    return Standing.STRANGER < newcomer.standing > held.standing


def _counts(held: Held) -> bool:
    # What this node dialled, it wanted; and friends behind one address must not keep each other out.
    return held.inbound and held.standing < Standing.MEMBER


def _find(newcomer: Held, table: Sequence[Held], maximum: int) -> Seat | Refusal:
    if len(table) < maximum:
        return Seat()
    there = [held for held in table if not held.passing]
    own = [held for held in there if held.peer == newcomer.peer]
    less = [held for held in there if yields(held, newcomer)]
    if own or less:
        return Seat(max(own, key=lambda held: held.age_s) if own else min(less, key=worth))
    return Refusal("full", f"this node has its maximum of {maximum} connections already")
