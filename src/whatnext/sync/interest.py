"""Keyed hashes of playlist ids: two peers find the playlists they share and learn of no others.

A hash is HMAC-SHA-256 (RFC 2104) keyed by both nonces, over the sender's PeerID and the playlist's id, cut to 16
bytes. It holds for one link and one direction: replayed elsewhere or echoed back it matches nothing.
"""

import hashlib
import hmac
from collections.abc import Iterable

from whatnext.sync.frames import TAG_BYTES

_CONTEXT = b"whatnext/interest/1"


class InterestKey:
    """Makes the hashes that one side of one link sends."""

    def __init__(self, sender_nonce: bytes, receiver_nonce: bytes, sender: str) -> None:
        self._hmac = hmac.new(
            sender_nonce + receiver_nonce, _CONTEXT + sender.encode("ascii"), hashlib.sha256
        )

    def tag(self, playlist: bytes) -> bytes:
        """16-byte hash of a playlist id."""
        keyed = self._hmac.copy()
        keyed.update(playlist)
        return keyed.digest()[:TAG_BYTES]

    def tags(self, playlists: Iterable[bytes]) -> list[bytes]:
        """Hashes of several playlist ids, sorted: their order tells nothing."""
        return sorted(self.tag(playlist) for playlist in playlists)
