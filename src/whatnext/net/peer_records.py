"""Signed peer records: where a peer says it is, provable to anybody, whoever passes it on.

The envelope of RFC 0002 with the routing record of RFC 0003, https://github.com/libp2p/specs/tree/master/RFC. The key
in the envelope must be the one in the PeerID: a record signed by another key says nothing about this peer.
"""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import base58
import msgspec

from whatnext.errors import ProtocolViolation, UserError
from whatnext.identity import public_key_of, verify
from whatnext.net.addresses import Kind, kind_of, without_peer
from whatnext.net.framing import framed
from whatnext.net.packed_addresses import packed, unpacked
from whatnext.net.protobuf import Message, number, octets

if TYPE_CHECKING:
    from whatnext.net.network import Network

MAX_BYTES = 4096
"""Of a sealed record; ours are a few hundred bytes long."""
MAX_ADDRESSES = 16

_DOMAIN = b"libp2p-peer-record"
_PAYLOAD_TYPE = b"\x03\x01"
_ED25519 = 1


class PeerRecord(msgspec.Struct, frozen=True):
    """A verified record; `seq` grows with each that a peer makes, `sealed` is what to pass on."""

    peer: str
    seq: int
    addresses: tuple[str, ...]
    sealed: bytes


def own_record(network: "Network") -> PeerRecord:
    """Make this node's record as of now: where others can dial it."""
    key = network.host.get_private_key()
    addresses = worth_telling(network.addresses())
    return seal(network.peer, key.sign, addresses, time.time_ns() // 1_000_000)


def seal(peer: str, sign: Callable[[bytes], bytes], addresses: Iterable[str], seq: int) -> PeerRecord:
    """Sign a record of the peer whose key signs, with the first `MAX_ADDRESSES` of these multiaddrs."""
    told = tuple(without_peer(address) for address in addresses)[:MAX_ADDRESSES]
    payload = octets(1, base58.b58decode(peer)) + number(2, seq)
    for address in told:
        payload += octets(3, octets(1, packed(address)))
    public = number(1, _ED25519) + octets(2, public_key_of(peer))
    signature = sign(_unsigned(payload))
    sealed = octets(1, public) + octets(2, _PAYLOAD_TYPE) + octets(3, payload) + octets(5, signature)
    return PeerRecord(peer, seq, told, sealed)


def unseal(sealed: bytes) -> PeerRecord:
    """Check a record that came from somewhere; raises `ProtocolViolation` unless its peer signed it."""
    if len(sealed) > MAX_BYTES:
        raise ProtocolViolation(
            f"a peer record of {len(sealed):,} bytes, and at most {MAX_BYTES:,} are taken"
        )
    envelope = Message(sealed)
    public, payload = Message(envelope.octets(1)), envelope.octets(3)
    record = Message(payload)
    peer = base58.b58encode(record.octets(1)[:64]).decode("ascii")
    try:
        key = public_key_of(peer)
    except UserError as error:
        raise ProtocolViolation(f"a peer record without an Ed25519 PeerID ({error})") from error
    if envelope.octets(2) != _PAYLOAD_TYPE or public.number(1) != _ED25519 or public.octets(2) != key:
        raise ProtocolViolation(f"this record of {peer} is not made with its key")
    if not verify(key, _unsigned(payload), envelope.octets(5)):
        raise ProtocolViolation(f"this record of {peer} is not signed by it")
    told = unpacked(Message(info).octets(1) for info in record.repeated(3)[:MAX_ADDRESSES])
    return PeerRecord(peer, record.number(2), tuple(told), sealed)


def worth_telling(addresses: Iterable[str]) -> list[str]:
    """Addresses for others to dial: loopback only when nothing else is direct (all nodes are on one device)."""
    known = list(addresses)
    outside = [address for address in known if kind_of(address) is not Kind.LOOPBACK]
    return outside if any(kind_of(address) is not Kind.RELAY for address in outside) else known


def _unsigned(payload: bytes) -> bytes:
    return framed(_DOMAIN) + framed(_PAYLOAD_TYPE) + framed(payload)
