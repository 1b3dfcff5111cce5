"""Who stands registered at a meeting point: sans-IO, requests and the clock in, answers out. Seconds throughout.

In memory only: after a restart peers register anew, as they do when their connection comes back. Whatever a client
does, the table stays below `Limits.total` entries of at most 4 KiB.
"""

from collections import Counter

import msgspec

from whatnext.errors import ProtocolViolation
from whatnext.net.peer_records import PeerRecord, unseal
from whatnext.net.rendezvous.messages import (
    DEFAULT_TTL_S,
    MAX_NAMESPACE,
    MAX_PAGE,
    MAX_TTL_S,
    OF_ONE_PEER,
    Discover,
    Discovered,
    Register,
    Registered,
    Status,
    Unregister,
    namespace_of,
)
from whatnext.rates import Buckets

_COOKIE_BYTES = 8


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one meeting point keeps, and for whom."""

    total: int = 10_000
    """Entries: some 10 MB when all are as long as they may be."""
    per_peer: int = 8
    """Namespaces one peer stands in; a WhatNext node needs one."""
    per_host: int = 256
    """Entries from one IP address: a dormitory behind one NAT, not an army of made-up peers."""
    per_namespace: int = 500
    rate: float = 2.0
    """Requests a second and peer, on average."""
    burst: float = 40.0
    """Requests at once: a node that wakes up looks for everybody it knows."""
    max_callers: int = 4096
    """Peers whose rate is remembered; the one that asked longest ago makes room."""


class _Entry(msgspec.Struct, frozen=True):
    number: int
    record: PeerRecord
    host: str
    expires: float


class Table:
    """The registrations."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._number = 0
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._spaces: dict[str, dict[str, _Entry]] = {}
        self._held: Counter[str] = Counter()  # entries by peer and by host
        self._callers = Buckets(self.limits.rate, self.limits.burst, self.limits.max_callers)

    def __len__(self) -> int:
        return len(self._entries)

    def register(self, peer: str, host: str, asked: Register, now: float) -> Registered:
        """A connected peer at this IP address wants to stand under a namespace."""
        if refusal := self._refusal(peer, asked.namespace, now):
            return Registered(*refusal)
        if asked.ttl > MAX_TTL_S:
            return Registered(Status.E_INVALID_TTL, f"at most {MAX_TTL_S} s")
        try:
            record = unseal(asked.record)
        except ProtocolViolation as error:
            return Registered(Status.E_INVALID_SIGNED_PEER_RECORD, str(error))
        if record.peer != peer:
            return Registered(Status.E_NOT_AUTHORIZED, "a peer registers itself alone")
        if asked.namespace.startswith(OF_ONE_PEER) and asked.namespace != namespace_of(peer):
            return Registered(Status.E_NOT_AUTHORIZED, "this namespace belongs to another peer")
        before = self._spaces.get(asked.namespace, {}).get(peer)
        if before is not None and before.record.seq > record.seq:
            return Registered(Status.E_INVALID_SIGNED_PEER_RECORD, "a newer record is known")
        if before is None and (full := self._full(peer, host, asked.namespace, now)):
            return Registered(Status.E_UNAVAILABLE, full)
        ttl = asked.ttl or DEFAULT_TTL_S
        self._number += 1
        self._put(asked.namespace, _Entry(self._number, record, host, now + ttl))
        return Registered(Status.OK, ttl=ttl)

    def unregister(self, peer: str, asked: Unregister) -> None:
        """A peer takes its own entry back."""
        self._remove(asked.namespace, peer)

    def discover(self, peer: str, asked: Discover, now: float) -> Discovered:
        """A peer asks who stands under a namespace, the oldest entry first."""
        if refusal := self._refusal(peer, asked.namespace, now):
            return Discovered(*refusal)
        if len(asked.cookie) not in (0, _COOKIE_BYTES):
            return Discovered(Status.E_INVALID_COOKIE, "this cookie was not given here")
        since = int.from_bytes(asked.cookie, "big")
        space = self._spaces.get(asked.namespace, {})
        fresh = [entry for entry in space.values() if entry.number > since and entry.expires > now]
        page = fresh[: min(asked.limit or MAX_PAGE, MAX_PAGE)]
        cookie = (page[-1].number if page else since).to_bytes(_COOKIE_BYTES, "big")
        entries = [
            Register(asked.namespace, entry.record.sealed, max(1, int(entry.expires - now))) for entry in page
        ]
        return Discovered(Status.OK, entries=tuple(entries), cookie=cookie)

    def tick(self, now: float) -> None:
        """Forget whose time is over."""
        for (namespace, peer), entry in list(self._entries.items()):
            if entry.expires <= now:
                self._remove(namespace, peer)

    def _refusal(self, peer: str, namespace: str, now: float) -> tuple[Status, str] | None:
        if not self._callers.take(peer, 1, now):
            return Status.E_UNAVAILABLE, "too many requests: wait a little"
        if not 0 < len(namespace.encode()) <= MAX_NAMESPACE:  # none would list everybody
            return Status.E_INVALID_NAMESPACE, f"a namespace has 1 to {MAX_NAMESPACE} bytes"
        return None

    def _full(self, peer: str, host: str, namespace: str, now: float) -> str | None:
        if len(self._entries) >= self.limits.total:
            self.tick(now)
        if len(self._entries) >= self.limits.total:
            return "this meeting point is full"
        if len(self._spaces.get(namespace, ())) >= self.limits.per_namespace:
            return "this namespace is full"
        if self._held[peer] >= self.limits.per_peer:
            return f"a peer stands in at most {self.limits.per_peer} namespaces"
        if self._held[host] >= self.limits.per_host:
            return "too many peers from this address"
        return None

    def _put(self, namespace: str, entry: _Entry) -> None:
        self._remove(namespace, entry.record.peer)
        self._entries[namespace, entry.record.peer] = entry
        self._held.update((entry.record.peer, entry.host))
        self._spaces.setdefault(namespace, {})[entry.record.peer] = entry

    def _remove(self, namespace: str, peer: str) -> None:
        entry = self._entries.pop((namespace, peer), None)
        if entry is None:
            return
        space = self._spaces[namespace]
        del space[peer]
        if not space:
            del self._spaces[namespace]
        for holder in (peer, entry.host):
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]
