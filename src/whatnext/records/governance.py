"""Who is in a playlist: the owner's words on members and invites, and the peers' own admissions.

Fed only with records that count. Nothing here depends on the order of feeding.
"""

import base64
import bisect
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Annotated, NamedTuple

import msgspec

from whatnext import identity
from whatnext.errors import UNREADABLE
from whatnext.records import invites
from whatnext.records.codec import MAX_SEQ, Epoch, Record, Write
from whatnext.records.ids import LogKey
from whatnext.records.merge import Document, Stamp
from whatnext.records.permissions import OWNER, Standing
from whatnext.records.schema import REMOVED


class Mark(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Last accepted record of one of a member's logs, as the owner names it."""

    epoch: Epoch
    seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQ)]
    hash: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Word(NamedTuple):
    """The owner's word on a member: from which record on the role holds."""

    stamp: Stamp
    role: Standing
    upto: dict[bytes, Mark]


class Member(NamedTuple):
    """A peer's place as everybody sees it."""

    peer: str
    role: Standing
    invite: str | None
    left: bool


_decode_marks = msgspec.msgpack.Decoder(list[Mark]).decode
_encode_marks = msgspec.msgpack.Encoder().encode
_RANK = {"viewer": 1, "editor": 2}


def governs(record: Record) -> bool:
    """Whether a record speaks of members or invites, and so belongs to governance."""
    return record.is_genesis or any(w.collection in ("members", "invites") for w in record.body.writes)


def encode_marks(marks: list[Mark]) -> str:
    """Marks as the text of a word's `upto`."""
    return base64.b64encode(_encode_marks(marks)).decode("ascii")


def decode_marks(text: object) -> dict[bytes, Mark]:
    """Marks in a word's `upto`; damaged ones count as none, so the word still removes."""
    try:
        return {mark.epoch: mark for mark in _decode_marks(base64.b64decode(str(text), validate=True))}
    except (ValueError, *UNREADABLE):
        return {}


class Governance:
    """Membership of one playlist, as the records fed so far make it."""

    def __init__(self, playlist: bytes) -> None:
        self.playlist = playlist
        self.owner: bytes | None = None
        self.invites: dict[str, Document] = {}
        self._words: dict[bytes, list[Word]] = {}
        self._admissions: dict[bytes, set[str]] = {}
        self._left: dict[bytes, Document] = {}

    def add(self, record: Record) -> set[bytes]:
        """Take in a governing record; return the public keys of those whose standing it may change."""
        if record.is_genesis:
            self.owner = record.body.author
        touched: set[bytes] = set()
        for write in record.body.writes:
            if write.collection == "members":
                touched |= self._add_member(record, write)
            elif write.collection == "invites" and record.body.author == self.owner:
                self.invites.setdefault(write.id, Document()).merge(write.fields, record.stamp)
                touched |= {peer for peer, used in self._admissions.items() if write.id in used}
        return touched

    def _add_member(self, record: Record, write: Write) -> set[bytes]:
        subject = identity.public_key_of(write.id)
        if record.body.author == self.owner and "role" in write.fields:
            role: Standing = write.fields["role"]  # type: ignore[assignment] # the schema allows no other value
            word = Word(record.stamp, role, decode_marks(write.fields.get("upto")))
            words = self._words.setdefault(subject, [])
            if all(word.stamp != known.stamp for known in words):
                bisect.insort(words, word, key=lambda each: each.stamp)
        elif record.body.author == subject:
            invite = self._proven(subject, write)
            if invite is not None:
                self._admissions.setdefault(subject, set()).add(invite)
            if "left" in write.fields:
                self._left.setdefault(subject, Document()).merge({"left": write.fields["left"]}, record.stamp)
        return {subject}

    def _proven(self, subject: bytes, write: Write) -> str | None:
        invite, proof = write.fields.get("invite"), write.fields.get("proof")
        if isinstance(invite, str) and isinstance(proof, str):
            return invite if invites.proof_holds(invite, self.playlist, subject, proof) else None
        return None

    def standing_for(self, record: Record) -> Standing | None:
        """Standing by which a record is judged, an admission that it brings itself included."""
        peer = identity.peer_id(record.body.author)
        own = [w for w in record.body.writes if w.collection == "members" and w.id == peer]
        proven = (self._proven(record.body.author, write) for write in own)
        return self.standing_at(record.log, record.seq, {invite for invite in proven if invite is not None})

    def standing_at(self, log: LogKey, seq: int, brought: AbstractSet[str] = frozenset()) -> Standing | None:
        """Standing by which record `seq` of `log` is judged; `brought` are invites it proves itself.

        The first of the owner's words that names this record as still accepted leaves it to the role before that
        word; a record that no word covers is judged by the last word, whatever time it claims.
        """
        if log.author == self.owner:
            return OWNER
        words = self._words.get(log.author, [])
        for index, word in enumerate(words):
            mark = word.upto.get(log.epoch)
            if mark is not None and seq <= mark.seq:
                return words[index - 1].role if index else self._admitted_as(log.author, brought)
        return words[-1].role if words else self._admitted_as(log.author, brought)

    def standing(self, author: bytes) -> Standing | None:
        """Standing of a peer's next record."""
        return self.standing_at(LogKey(author, b""), MAX_SEQ)

    def standings(self, log: LogKey, last: int) -> list[tuple[int, Standing | None]]:
        """Standing by which records 1 to `last` of a log are judged: runs of (last number, standing)."""
        marks = (word.upto.get(log.epoch) for word in self._words.get(log.author, []))
        ends = sorted({mark.seq for mark in marks if mark is not None and mark.seq < last} | {last})
        runs: list[tuple[int, Standing | None]] = []
        for end in ends:
            standing = self.standing_at(log, end)
            if runs and runs[-1][1] == standing:
                runs.pop()
            runs.append((end, standing))
        return runs

    def marks(self, log: LogKey) -> list[Mark]:
        """Records of a log that the owner named as the last accepted ones."""
        return [word.upto[log.epoch] for word in self._words.get(log.author, []) if log.epoch in word.upto]

    def disowns(self, log: LogKey, seq: int, record_hash: bytes) -> bool:
        """Whether the owner named another record than this one as number `seq` of the log."""
        return any(mark.seq == seq and mark.hash != record_hash for mark in self.marks(log))

    def right_behind(self, log: LogKey, last: int) -> object:
        """Everything that decides whether records 1 to `last` of a log count; equal means nothing changed for them.

        Which admissions stand matters beside the standing they give: a peer admitted twice may lose the first
        admission, and with it all that it wrote before the second.
        """
        standing = {
            i: self._role_of(i) for i in self._admissions.get(log.author, ()) if self._stands(i, log.author)
        }
        return self.standings(log, last), standing

    def admission(self, author: bytes, brought: AbstractSet[str] = frozenset()) -> str | None:
        """Id of the invite that admitted a peer: the one of the highest role that stands."""
        used = self._admissions.get(author, set()) | brought
        standing = [invite for invite in used if self._stands(invite, author)]
        return max(standing, key=lambda invite: (self._rank(invite), invite), default=None)

    def has_left(self, author: bytes) -> bool:
        """Whether the peer said that it left."""
        document = self._left.get(author)
        return document is not None and document.fields.get("left") is True

    def members(self) -> list[Member]:
        """Everybody who has or had a place, the owner first, then by PeerID."""
        others = (self._words.keys() | self._admissions.keys()) - {self.owner}
        listed = [] if self.owner is None else [Member(identity.peer_id(self.owner), OWNER, None, left=False)]
        for author in sorted(others, key=identity.peer_id):
            standing = self.standing(author)
            if standing is not None:
                member = Member(
                    identity.peer_id(author), standing, self.admission(author), left=self.has_left(author)
                )
                listed.append(member)
        return listed

    def admitted_through(self, invite: str) -> Iterable[bytes]:
        """Public keys of the peers whose standing admissions name this invite."""
        return [
            peer for peer, used in self._admissions.items() if invite in used and self._stands(invite, peer)
        ]

    def _admitted_as(self, author: bytes, brought: AbstractSet[str] = frozenset()) -> Standing | None:
        invite = self.admission(author, brought)
        return None if invite is None else self._role_of(invite)

    def _role_of(self, invite: str) -> Standing:
        role = self.invites[invite].fields.get("role")
        return "editor" if role == "editor" else "viewer"

    def _rank(self, invite: str) -> int:
        return _RANK[self._role_of(invite)]

    def _stands(self, invite: str, author: bytes) -> bool:
        document = self.invites.get(invite)
        if document is None:
            return False
        if document.fields.get("revoked") is not True:
            return True
        standing = document.fields.get("standing")
        return isinstance(standing, list) and identity.peer_id(author) in standing


def is_member(standing: Standing | None) -> bool:
    """Whether a standing lets a peer read and be sent the playlist."""
    return standing is not None and standing != REMOVED
