"""What a DHT server knows: other servers by distance, and the records of those who want to be found. Sans-IO.

Distances are those of libp2p's Kademlia: SHA-256 of the binary PeerID, compared by exclusive or.
"""

import functools
import hashlib
import ipaddress
from collections.abc import Iterable

import base58
import msgspec

from whatnext.net.addresses import ip_of
from whatnext.net.peer_records import PeerRecord

BUCKET = 20
"""Servers kept at each distance (k of the paper)."""
MAX_PER_SITE = 8
"""Servers whose record names one public network (IPv4 /24, IPv6 /48): made-up peers on a rented host are cheap."""
MAX_RECORDS = 4096
"""Records kept for others, some 2 MB; when there are more, those farthest from this node go."""
RECORD_AGE_S = 3600.0
"""A record that was not renewed for so long is forgotten; a node renews its own every 20 minutes."""


@functools.lru_cache(maxsize=8192)
def key_of(peer: str) -> int:
    """Place of a peer in the key space."""
    return int.from_bytes(hashlib.sha256(base58.b58decode(peer)).digest(), "big")


def nearest(peers: Iterable[PeerRecord], key: int, count: int) -> list[PeerRecord]:
    """Those nearest to a key, nearest first."""
    return sorted(peers, key=lambda record: key_of(record.peer) ^ key)[:count]


class RoutingTable:
    """Servers: many near this node, few far away. One that was there first stays as long as it answers."""

    def __init__(self, own_peer: str) -> None:
        self._own = key_of(own_peer)
        self._servers: dict[str, PeerRecord] = {}

    def __len__(self) -> int:
        return len(self._servers)

    def add(self, record: PeerRecord) -> bool:
        """Take in a server or a newer record of it; return whether it is in the table now."""
        known = self._servers.get(record.peer)
        if key_of(record.peer) == self._own or not record.addresses:
            return False
        if known is None and not self._has_room(record):
            return False
        if known is None or record.seq > known.seq:
            self._servers[record.peer] = record
        return True

    def remove(self, peer: str) -> None:
        """It did not answer."""
        self._servers.pop(peer, None)

    def nearest(self, key: int, count: int) -> list[PeerRecord]:
        """Servers nearest to a key, nearest first."""
        return nearest(self._servers.values(), key, count)

    def all(self) -> list[PeerRecord]:
        """Every server."""
        return list(self._servers.values())

    def get(self, peer: str) -> PeerRecord | None:
        """The record of a server."""
        return self._servers.get(peer)

    def _has_room(self, record: PeerRecord) -> bool:
        bucket = self._bucket(record.peer)
        if sum(self._bucket(peer) == bucket for peer in self._servers) >= BUCKET:
            return False
        sites = _sites(record)
        return all(
            sum(site in _sites(each) for each in self._servers.values()) < MAX_PER_SITE for site in sites
        )

    def _bucket(self, peer: str) -> int:
        return (key_of(peer) ^ self._own).bit_length()


class _Kept(msgspec.Struct, frozen=True):
    record: PeerRecord
    expires: float


class Records:
    """Records of peers that announced themselves here; seconds of one monotonic clock."""

    def __init__(self, own_peer: str, limit: int = MAX_RECORDS) -> None:
        self._own = key_of(own_peer)
        self._limit = limit
        self._kept: dict[str, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, record: PeerRecord, now: float) -> None:
        """Keep a peer's record unless a newer one of it is known."""
        known = self._kept.get(record.peer)
        if known is not None and known.record.seq > record.seq and known.expires > now:
            return
        self._kept[record.peer] = _Kept(record, now + RECORD_AGE_S)
        if len(self._kept) > self._limit:
            self.tick(now)
        if len(self._kept) > self._limit:
            del self._kept[max(self._kept, key=lambda peer: key_of(peer) ^ self._own)]

    def get(self, peer: str, now: float) -> PeerRecord | None:
        """The record of a peer, as long as it was renewed."""
        kept = self._kept.get(peer)
        return kept.record if kept is not None and kept.expires > now else None

    def tick(self, now: float) -> None:
        """Forget what was not renewed."""
        self._kept = {peer: kept for peer, kept in self._kept.items() if kept.expires > now}


def _sites(record: PeerRecord) -> set[str]:
    """Public networks in a record; private ones say nothing about who is behind them."""
    found = set()
    for address in record.addresses:
        ip = ip_of(address)
        if ip is not None and ip.is_global:
            prefix = 24 if ip.version == 4 else 48
            found.add(str(ipaddress.ip_network((ip, prefix), strict=False)))
    return found
