"""Names of things: playlist ids, document ids and the keys of logs.

Ids come in one alphabet (base32, lower case), so that a person can read one out and shorten it to any
unambiguous prefix. A playlist's id is made from its first record: it certifies itself and cannot be guessed.
"""

import base64
import re
from typing import NamedTuple

PLAYLIST_ID_BYTES = 20  # 160 bits: 32 base32 characters without padding, out of reach of collision searches
EPOCH_BYTES = 8
HASH_BYTES = 32
ENTRY_ID_BYTES = 10

_ENTRY_ID = re.compile(r"[a-z2-7]{16}")
_PLAYLIST_ID = re.compile(r"[a-z2-7]{32}")


class LogKey(NamedTuple):
    """One log: the records that one author numbered in one epoch."""

    author: bytes
    epoch: bytes


def to_text(raw: bytes) -> str:
    """Bytes (a multiple of five) as lower-case base32."""
    return base64.b32encode(raw).decode("ascii").lower()


def playlist_from_text(text: str) -> bytes | None:
    """20-byte playlist id behind its 32 characters, or None when the text is none."""
    if not _PLAYLIST_ID.fullmatch(text):
        return None
    return base64.b32decode(text.upper())


def is_entry_id(text: str) -> bool:
    """Whether the text is the id of an entry: 16 base32 characters."""
    return _ENTRY_ID.fullmatch(text) is not None


def vote_id(entry: str, peer: str) -> str:
    """A vote's id holds its voter: one vote per peer and entry, and the authority table can check it."""
    return f"{entry}:{peer}"


def comment_id(peer: str, unique: str) -> str:
    """A comment's id begins with its author, so nobody can create one in another's name."""
    return f"{peer}:{unique}"


def author_of_comment(document_id: str) -> str:
    """PeerID text of the author in a comment's id."""
    return document_id.partition(":")[0]


def parts_of_vote(document_id: str) -> tuple[str, str]:
    """Entry id and voter's PeerID in a vote's id."""
    entry, _, peer = document_id.partition(":")
    return entry, peer
