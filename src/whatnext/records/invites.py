"""Invites: a secret in a link, its public half in the playlist, and the proof a joiner makes from it.

The joiner signs nothing with the secret but its own name, so a proof that is overheard admits nobody else.
"""

import base58
import nacl.signing

from whatnext import identity
from whatnext.errors import BadLink

_CONTEXT = b"whatnext/join/1"


class InviteKey:
    """The secret half of an invite."""

    def __init__(self, seed: bytes) -> None:
        self._key = nacl.signing.SigningKey(seed)

    @classmethod
    def generate(cls) -> "InviteKey":
        """A new secret from the system's randomness."""
        return cls(bytes(nacl.signing.SigningKey.generate()))

    @classmethod
    def from_text(cls, text: str) -> "InviteKey":
        """Read the secret from a link's fragment; raises `BadLink`."""
        try:
            seed = base58.b58decode(text.encode("ascii"))
        except (ValueError, UnicodeEncodeError):
            seed = b""
        if len(seed) != 32:
            raise BadLink(
                "the link's secret (the part behind #) is damaged or cut off: copy the whole link again"
            )
        return cls(seed)

    @property
    def secret_text(self) -> str:
        """The secret as it stands in a link's fragment."""
        return base58.b58encode(bytes(self._key)).decode("ascii")

    @property
    def id(self) -> str:
        """Public half, base58: the id of the document in `invites`."""
        return base58.b58encode(bytes(self._key.verify_key)).decode("ascii")

    def prove(self, playlist: bytes, joiner: bytes) -> str:
        """Proof (a signature, base58) that `joiner` (public key) holds this secret for `playlist`."""
        return base58.b58encode(self._key.sign(_CONTEXT + playlist + joiner).signature).decode("ascii")


def proof_holds(invite: str, playlist: bytes, joiner: bytes, proof: str) -> bool:
    """Whether the holder of `invite` (its id) vouched for `joiner` in `playlist`."""
    try:
        public_key = base58.b58decode(invite.encode("ascii"))
        signature = base58.b58decode(proof.encode("ascii"))
    except ValueError:
        return False
    sizes_fit = len(public_key) == identity.PUBLIC_KEY_BYTES and len(signature) == identity.SIGNATURE_BYTES
    return sizes_fit and identity.verify(public_key, _CONTEXT + playlist + joiner, signature)
