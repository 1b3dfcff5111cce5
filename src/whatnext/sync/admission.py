"""Who is let in: what a member checks before it passes on a newcomer's admission, and what the newcomer is told.

An invite's expiry is enforced here and only here (design §4): the record set alone cannot tell when a peer joined, so
the member that is shown an admission by its own author looks at its own clock.
"""

from typing import Final

from whatnext.errors import InvalidRecord
from whatnext.identity import peer_id
from whatnext.records.codec import Record, SignedRecord, decode
from whatnext.records.schema import REMOVED
from whatnext.store import Library

NOT_HERE: Final = "not_here"
UNKNOWN_INVITE: Final = "unknown_invite"
EXPIRED: Final = "expired"
REVOKED: Final = "revoked"
UNAVAILABLE: Final = "unavailable"
TOO_MANY: Final = "too_many"
INVALID: Final = "invalid_record"

RETRYABLE = frozenset({NOT_HERE, UNKNOWN_INVITE, UNAVAILABLE, TOO_MANY})
FINAL = frozenset({EXPIRED, REVOKED})
"""An invite that no longer holds: only the owner's word can change that."""

SENTENCES = {
    NOT_HERE: "this member does not have the playlist yet: it is asked again when it does",
    UNKNOWN_INVITE: "this member has not heard of the invite yet: it is asked again when it has",
    EXPIRED: "the invite has expired: ask for a new one",
    REVOKED: "the invite was revoked: ask the owner for a new one",
    REMOVED: "the owner removed this device from the playlist: your copy stays, changes are no longer shared",
    UNAVAILABLE: "the other device cannot store anything at the moment: it is asked again later",
    TOO_MANY: "too many attempts to join: wait a minute",
    INVALID: "the other device finds what this one sent damaged: update WhatNext on both",
}


def sentence(code: str, detail: str) -> str:
    """What a refusal means for the user; the peer's own words only for a code this version does not know."""
    known = SENTENCES.get(code)
    return known if known is not None else f"the other device refused ({code}): {detail[:200]}"


def is_admission(record: Record) -> bool:
    """Whether a record admits its own author by an invite."""
    author = peer_id(record.body.author)
    return any(
        w.collection == "members" and w.id == author and "proof" in w.fields for w in record.body.writes
    )


def check(library: Library, playlist: bytes, peer: str, signed: SignedRecord) -> str | None:
    """Why `peer` may not come in with this admission of its own, as a code; None when it may.

    Raises `InvalidRecord` when the record is none, is not the peer's, or proves nothing.
    """
    record = decode(signed)
    if peer_id(record.body.author) != peer or not is_admission(record):
        raise InvalidRecord(f"{record!r} is no admission of the peer that shows it")
    code = library.check_join(playlist, signed, library.clock.now_ms())
    if code == "bad_proof":
        raise InvalidRecord(f"{record!r} proves no invite")
    return code
