"""The rule at the door: whether a joiner may be let in now, by what the member it asks knows.

Only the member that introduces a joiner applies it (design §4): an invite's expiry is a matter of that member's
clock, and an admission that was accepted once counts everywhere.
"""

from typing import Literal, TypeAlias

from whatnext import identity
from whatnext.records import invites
from whatnext.records.codec import Record
from whatnext.records.governance import Governance, is_member
from whatnext.records.merge import Document
from whatnext.records.schema import REMOVED

JoinRefusal: TypeAlias = Literal["expired", "revoked", "unknown_invite", "removed", "bad_proof", "not_here"]
"""Why a joiner is not let in; only "unknown_invite" and "not_here" may pass when this member learns more."""


def join_refusal(governance: Governance, record: Record, now_ms: int) -> JoinRefusal | None:
    """Why the author of an admission is not let in at `now_ms`, or None.

    Whoever is a member already is let in, however old the invite.
    """
    named = _proven_invite(governance.playlist, record)
    if named is None:
        return "bad_proof"
    standing = governance.standing(record.body.author)
    if standing == REMOVED:
        return "removed"
    if is_member(standing):
        return None
    invite = governance.invites.get(named)
    if invite is None:
        return "unknown_invite"
    return invite_refusal(invite, identity.peer_id(record.body.author), now_ms)


def invite_refusal(invite: Document, peer: str, now_ms: int) -> Literal["expired", "revoked"] | None:
    """Why an invite lets nobody else in at `now_ms`, or None."""
    if invite.fields.get("revoked") is True:
        standing = invite.fields.get("standing")
        return None if isinstance(standing, list) and peer in standing else "revoked"
    expires = invite.fields.get("expiresAt")
    return "expired" if isinstance(expires, int) and now_ms > expires else None


def _proven_invite(playlist: bytes, record: Record) -> str | None:
    """The invite that a record proves its author holds; None when it proves nothing."""
    peer = identity.peer_id(record.body.author)
    for write in record.body.writes:
        if record.playlist != playlist or (write.collection, write.id) != ("members", peer):
            continue
        invite, proof = write.fields.get("invite"), write.fields.get("proof")
        if isinstance(invite, str) and isinstance(proof, str):
            return invite if invites.proof_holds(invite, playlist, record.body.author, proof) else None
    return None
