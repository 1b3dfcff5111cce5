"""The device key: an Ed25519 key file in the profile, and the libp2p PeerID it makes.

The file holds the 32-byte seed as one line of base58 behind a short header, mode 0600. We keep it ourselves:
py-libp2p's SQLite peerstore would write the private key unencrypted beside addresses.
"""

import functools
import os
import stat
from pathlib import Path

import base58
import nacl.exceptions
import nacl.signing

from whatnext.errors import KeyDamaged, UserError

KEY_FILE = "device.key"
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
_HEADER = "whatnext-device-key-1 "

# libp2p PeerID of an Ed25519 key: identity multihash (0x00, 36 bytes) of the protobuf PublicKey{Type=1, Data}.
# https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
_PEER_ID_PREFIX = bytes.fromhex("002408011220")


@functools.lru_cache(maxsize=4096)  # base58 in Python: 17 µs each under the profiler, and several a record
def peer_id(public_key: bytes) -> str:
    """PeerID text (`12D3KooW…`, base58btc) of a 32-byte Ed25519 public key."""
    return base58.b58encode(_PEER_ID_PREFIX + public_key).decode("ascii")


@functools.lru_cache(maxsize=4096)  # likewise
def public_key_of(peer: str) -> bytes:
    """32-byte Ed25519 public key inside a PeerID; `UserError` when the text is no such PeerID."""
    try:
        raw = base58.b58decode(peer.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raw = b""
    if len(raw) != len(_PEER_ID_PREFIX) + PUBLIC_KEY_BYTES or not raw.startswith(_PEER_ID_PREFIX):
        raise UserError(
            f"“{peer[:60]}” is not an Ed25519 PeerID: it should look like 12D3KooW… (52 characters)"
        )
    return raw[len(_PEER_ID_PREFIX) :]


def is_peer(text: str) -> bool:
    """Whether a text is a whole PeerID of a device like ours."""
    try:
        public_key_of(text)
    except UserError:
        return False
    return True


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` was made by `public_key` (32 bytes)."""
    try:
        nacl.signing.VerifyKey(public_key).verify(message, signature)
    except (nacl.exceptions.BadSignatureError, ValueError, nacl.exceptions.ValueError):
        return False
    return True


class Identity:
    """One device: its signing key, public key and PeerID."""

    def __init__(self, seed: bytes) -> None:
        self._key = nacl.signing.SigningKey(seed)
        self.public_key: bytes = bytes(self._key.verify_key)
        self.peer_id: str = peer_id(self.public_key)

    @classmethod
    def generate(cls) -> "Identity":
        """Make a new key from the system's randomness."""
        return cls(bytes(nacl.signing.SigningKey.generate()))

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes; only `whatnext.net` needs them, for Noise."""
        return bytes(self._key)

    def sign(self, message: bytes) -> bytes:
        """64-byte Ed25519 signature over `message`."""
        return self._key.sign(message).signature

    def __repr__(self) -> str:
        return f"Identity({self.peer_id})"


def load_or_create(directory: Path) -> Identity:
    """Read the profile's key, or create it once (0600, written whole or not at all).

    Raises `KeyDamaged` when the file is readable by others or is not a key; it is never replaced.
    """
    path = directory / KEY_FILE
    try:
        return _read(path)
    except FileNotFoundError:
        _create(path)
        return _read(path)


def _read(path: Path) -> Identity:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise KeyDamaged(
            f"{path} can be read by others (mode {mode:04o}). If nobody else used this account, run: chmod 600 {path}"
        )
    text = path.read_text("ascii", errors="replace").strip()
    seed = b""
    if text.startswith(_HEADER):
        try:
            seed = base58.b58decode_check(text.removeprefix(_HEADER).encode())
        except ValueError:
            seed = b""
    if len(seed) != PUBLIC_KEY_BYTES:
        raise KeyDamaged(
            f"{path} is not a WhatNext device key. Put a copy of the file back (`whatnext backup` keeps one beside the"
            " database), or move it away to start as a new device: playlists shared with the old one need a new invite"
        )
    return Identity(seed)


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    body = _HEADER + base58.b58encode_check(Identity.generate().seed).decode("ascii") + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    try:
        # Unlike rename, a link fails when another process was first: the key is created once.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
