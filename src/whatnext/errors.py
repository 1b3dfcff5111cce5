"""Every error WhatNext raises on purpose, divided by whose fault it is.

A message says what happened and what to do next. `code` is stable and machine-readable: it is the last path
segment of the API's problem type, and `exit_status` is the CLI's (documented in `docs/cli.md`).
"""

from collections.abc import Sequence

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no message: beside its own error Python's, for text that is no UTF-8, and for
what nests too deep, also in elements that it only skips."""


class WhatNextError(Exception):
    """Base of all our errors; catching it never hides a programming mistake."""

    code = "error"
    exit_status = 1
    http_status = 500


# The user's: ask for something else.


class UserError(WhatNextError):
    """What was asked for cannot be done as asked."""

    code = "bad_request"
    exit_status = 2
    http_status = 400


class NotFound(UserError):
    """Nothing by that name or id is here."""

    code = "not_found"
    exit_status = 3
    http_status = 404


class Ambiguous(UserError):
    """A prefix fits more than one thing; the message lists them."""

    code = "ambiguous"
    http_status = 409


class NotPermitted(UserError):
    """Your role in this playlist does not allow it."""

    code = "not_permitted"
    exit_status = 4
    http_status = 403


class LimitExceeded(UserError):
    """A documented limit would be passed (record, value, name, entries)."""

    code = "limit_exceeded"
    http_status = 413


class BadFile(UserError):
    """A file to import cannot be read as its format: carries the line and the reason."""

    code = "bad_file"
    http_status = 422


class BadLink(UserError):
    """A `whtnxt://` link is malformed: one sentence names the fault."""

    code = "bad_link"
    http_status = 422


# Ours or this device's: the profile, the disk, the key.


class LocalError(WhatNextError):
    """The device at hand cannot do it now: profile, disk or key."""

    code = "local"
    exit_status = 5


class ProfileBusy(LocalError):
    """Another process uses this profile."""

    code = "profile_busy"
    http_status = 409


class KeyDamaged(LocalError):
    """The device key cannot be trusted or read; the message says how to repair it."""

    code = "key_damaged"


class StoreDamaged(LocalError):
    """The database fails its checks; nothing was overwritten."""

    code = "store_damaged"


class StoreUnwritable(LocalError):
    """The disk is full or the directory is read-only; nothing was half-written."""

    code = "store_unwritable"
    http_status = 507


class NodeNotRunning(LocalError):
    """The command needs a running node and none runs on this profile."""

    code = "node_not_running"
    exit_status = 6
    http_status = 503


# The peer's.


class PeerError(WhatNextError):
    """The other side sent something it should not, or refused."""

    code = "peer"
    exit_status = 7
    http_status = 502


class InvalidRecord(PeerError):
    """Bytes that are no record: malformed, over a limit, or not signed by the author they name."""

    code = "invalid_record"


class ProtocolViolation(PeerError):
    """A peer broke the protocol; `code` travels to it in the closing frame."""

    code = "protocol_violation"


class VersionMismatch(PeerError):
    """No protocol version in common; the message says who should update."""

    code = "version_mismatch"


class Refused(PeerError):
    """The peer understood and said no; the message carries its reason."""

    code = "refused"


# The network's.


class NetworkError(WhatNextError):
    """The network did not carry it; trying again later may help."""

    code = "network"
    exit_status = 8
    http_status = 504


class Tried(msgspec.Struct, frozen=True):
    """One thing done to reach a peer, and why it led nowhere; `address` is None when a way of finding knew none."""

    way: str
    reason: str
    address: str | None = None


class Unreachable(NetworkError):
    """The peer was reached at no address; the message lists what was tried and why each failed, `tried` is that list.

    `answered`: somebody was there, and hung up.
    """

    code = "unreachable"

    def __init__(self, message: str, tried: Sequence[Tried] = (), *, answered: bool = False) -> None:
        super().__init__(message)
        self.tried = tuple(tried)
        self.answered = answered


class WrongPeer(NetworkError):
    """Somebody else answered at that address: its key is not the PeerID dialled."""

    code = "wrong_peer"


class ConnectionLost(NetworkError):
    """The connection ended before the answer came."""

    code = "connection_lost"
