"""The collections of design §7: which fields a record may write, of which type and size.

Strict on purpose: what a record may hold decides whether it counts, and every peer must decide alike. A new field
or collection therefore comes with a new record version (docs/decisions/adr-261122-wire-encoding.md).
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from whatnext.records import ids, positions

MAX_NAME = 500
"""Characters of a name, title, artist or album."""
MAX_VALUE_BYTES = 64 * 1024
MAX_LIST = 200
MAX_ENTRIES = 50_000
"""Entries of one playlist, removed ones included."""

Value: TypeAlias = bool | int | str | list[str] | None
Check: TypeAlias = Callable[[Value], bool]

ROLES = ("editor", "viewer")
REMOVED = "removed"
MODES = ("free", "turns", "votes")

_PEER_ID = re.compile(r"12D3KooW[1-9A-HJ-NP-Za-km-z]{44}")
_KEY_TEXT = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_SIGNATURE = re.compile(r"[1-9A-HJ-NP-Za-km-z]{64,88}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def _text(limit: int) -> Check:
    return lambda value: (
        isinstance(value, str) and len(value) <= limit and len(value.encode()) <= MAX_VALUE_BYTES
    )


def _optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(*choices: str) -> Check:
    return lambda value: isinstance(value, str) and value in choices


def _texts(limit: int) -> Check:
    each = _text(limit)
    return lambda value: (
        isinstance(value, list)
        and len(value) <= MAX_LIST
        and all(each(item) for item in value)
        and sum(len(item.encode()) for item in value) <= MAX_VALUE_BYTES
    )


def _number(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _flag(value: Value) -> bool:
    return isinstance(value, bool)


def _position(value: Value) -> bool:
    return isinstance(value, str) and positions.is_valid(value)


_TIME_MS = _number(0, 2**53 - 1)

FIELDS: dict[str, dict[str, Check]] = {
    "playlists": {
        "name": _text(MAX_NAME),
        "description": _text(MAX_VALUE_BYTES),
        "tags": _texts(MAX_NAME),
        "cover": _optional(_matches(_COLOUR)),
        "mode": _one_of(*MODES),
        "removed": _flag,
    },
    "entries": {
        "position": _position,
        "title": _text(MAX_NAME),
        "artists": _texts(MAX_NAME),
        "album": _text(MAX_NAME),
        "durationMs": _optional(_number(0, 2**31)),
        "isrc": _optional(_matches(_ISRC)),
        "mbid": _optional(_matches(_MBID)),
        "links": _texts(4096),
        "note": _text(MAX_VALUE_BYTES),
        "removed": _flag,
    },
    "votes": {"value": _number(-1, 1)},
    "comments": {
        "entryId": _optional(lambda value: isinstance(value, str) and ids.is_entry_id(value)),
        "text": _text(MAX_VALUE_BYTES),
        "removed": _flag,
    },
    "members": {
        "role": _one_of(*ROLES, REMOVED),
        "upto": _text(MAX_VALUE_BYTES),
        "invite": _matches(_KEY_TEXT),
        "proof": _matches(_SIGNATURE),
        "left": _flag,
    },
    "invites": {
        "role": _one_of(*ROLES),
        "expiresAt": _optional(_TIME_MS),
        "revoked": _flag,
        "standing": _texts(60),
    },
    "profiles": {"name": _text(MAX_NAME), "colour": _optional(_matches(_COLOUR))},
}


def _is_vote_id(text: str) -> bool:
    entry, peer = ids.parts_of_vote(text)
    return ids.is_entry_id(entry) and _PEER_ID.fullmatch(peer) is not None


def _is_comment_id(text: str) -> bool:
    peer, _, unique = text.partition(":")
    return _PEER_ID.fullmatch(peer) is not None and ids.is_entry_id(unique)


_IDS: dict[str, Callable[[str], bool]] = {
    "playlists": lambda text: text == "",
    "entries": ids.is_entry_id,
    "votes": _is_vote_id,
    "comments": _is_comment_id,
    "members": lambda text: _PEER_ID.fullmatch(text) is not None,
    "invites": lambda text: _KEY_TEXT.fullmatch(text) is not None,
    "profiles": lambda text: _PEER_ID.fullmatch(text) is not None,
}


def fault(collection: str, document_id: str, fields: dict[str, Value]) -> str | None:
    """Say what is wrong with one write, or None when it fits the schema."""
    known = FIELDS.get(collection)
    if known is None:
        return f"no collection “{collection[:40]}”"
    if not _IDS[collection](document_id):
        return f"“{document_id[:80]}” is no id in {collection}"
    if not fields:
        return f"a write to {collection} without fields"
    for name, value in fields.items():
        check = known.get(name)
        if check is None:
            return f"{collection} have no field “{name[:40]}”"
        if not check(value):
            return f"{collection}.{name} does not take {_shown(value)}"
    return None


def _shown(value: Value) -> str:
    if isinstance(value, str) and len(value) > 60:
        return f"a text of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return repr(value)
