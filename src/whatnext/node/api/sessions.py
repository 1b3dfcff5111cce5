"""Cookies of signed-in browsers: `expiry.nonce.mac`, which a node started anew on the profile still knows.

Nothing is kept: the MAC's key comes from the device key, so a page open while the node restarts goes on without another
one-time link, and only the profile's owner can make a cookie. What it costs: a single session cannot be ended early.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable

SECONDS = 30 * 24 * 3600
"""How long a browser stays signed in."""
_CONTEXT = b"whatnext: key of browser sessions, version 1"


def key_from(sign: Callable[[bytes], bytes]) -> bytes:
    """The 32-byte key for the holder of a device key; `sign` is deterministic, as Ed25519 is."""
    return hashlib.sha256(sign(_CONTEXT)).digest()


def new(key: bytes, now_s: float) -> str:
    """A session's text, from now on."""
    claim = f"{int(now_s) + SECONDS}.{secrets.token_urlsafe(12)}"
    return f"{claim}.{_mac(key, claim)}"


def is_valid(key: bytes, text: str, now_s: float) -> bool:
    """Whether a text is a session made with this key that has not expired."""
    claim, _, mac = text.rpartition(".")
    if not hmac.compare_digest(mac.encode(), _mac(key, claim).encode()):
        return False
    return int(claim.partition(".")[0]) > now_s


def _mac(key: bytes, claim: str) -> str:
    return hmac.new(key, claim.encode(), hashlib.sha256).hexdigest()
