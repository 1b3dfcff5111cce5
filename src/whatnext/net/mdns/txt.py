"""The TXT record of libp2p's mDNS: `dnsaddr=<multiaddr>/p2p/<PeerID>` strings, and two attributes of our own.

https://github.com/libp2p/specs/blob/master/discovery/mdns.md for the strings,
https://www.rfc-editor.org/rfc/rfc6763#section-6 for their framing: each is one length byte and at most 255 bytes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from whatnext.net.addresses import Kind, dial_order, ip_of, kind_of, peer_in, without_peer

SERVICE = "_p2p._udp.local."
ATTRIBUTES = (b"app=whatnext", b"v=1")
"""Tell WhatNext peers from other libp2p programs, which skip strings that do not begin with `dnsaddr=`."""

MAX_STRING = 255
MAX_TEXT = 1100
"""Bytes of all strings together: with names and other records it still fits one Ethernet frame (RFC 6762 §17)."""
MAX_ADDRESSES = 16
"""Addresses believed from one announcement; a device with more interfaces than that is lying or can be skipped."""

_PREFIX = b"dnsaddr="
_PEER_ID = re.compile(r"[1-9A-HJ-NP-Za-km-z]{46,64}")  # base58: Ed25519 52 characters, RSA 46, secp256k1 53
_ADDRESS = re.compile(r"/(?:ip4|ip6|dns|dns4|dns6|dnsaddr)/[!-~]+")


class Advert(msgspec.Struct, frozen=True):
    """What one announcement says: whose it is, where to dial (multiaddrs without `/p2p/`), whether it is WhatNext."""

    peer: str
    addresses: tuple[str, ...]
    whatnext: bool


def pack(peer: str, addresses: Sequence[str]) -> bytes:
    """TXT data announcing `addresses` (with or without `/p2p/`), nearest first, as many as fit; b"" when none does.

    Loopback is told only by a device that has nothing else, circuits never: who hears this can dial directly.
    """
    text = _framed(ATTRIBUTES)
    any_fits = False
    for address in _worth_telling(map(without_peer, addresses)):
        string = _PREFIX + f"{address}/p2p/{peer}".encode()
        if len(string) <= MAX_STRING and len(text) + 1 + len(string) <= MAX_TEXT:
            text += _framed([string])
            any_fits = True
    return text if any_fits else b""


def read(texts: Iterable[bytes]) -> Advert | None:
    """What the TXT data of one instance says; js-libp2p sends one TXT record an address. Never raises.

    None when it names no peer. Strings that are malformed, of another peer than the first one named, or past
    `MAX_ADDRESSES` are skipped.
    """
    peer: str | None = None
    addresses: dict[str, None] = {}
    attributes: set[bytes] = set()
    for string in _strings(texts):
        if not string.startswith(_PREFIX):
            attributes.add(string)
            continue
        full = string.removeprefix(_PREFIX).decode("utf-8", "replace")
        named, address = peer_in(full), without_peer(full)
        if named is None or not _PEER_ID.fullmatch(named) or not _dialable(address):
            continue
        peer = peer or named
        if named == peer and len(addresses) < MAX_ADDRESSES:
            addresses[address] = None
    if peer is None:
        return None
    return Advert(peer, tuple(_worth_telling(addresses)), ATTRIBUTES[0] in attributes)


def _strings(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Strings of TXT data; one whose length byte promises too much ends its record."""
    for text in texts:
        at = 0
        while at < len(text):
            end = at + 1 + text[at]
            if end > len(text):
                break
            yield text[at + 1 : end]
            at = end


def _framed(strings: Iterable[bytes]) -> bytes:
    return b"".join(bytes([len(string)]) + string for string in strings)


def _dialable(address: str) -> bool:
    if not _ADDRESS.fullmatch(address):
        return False
    ip = ip_of(address)
    if ip is None:
        return address.startswith("/dns")
    return not (ip.is_unspecified or ip.is_multicast)


def _worth_telling(addresses: Iterable[str]) -> list[str]:
    """Dialable addresses, best first; loopback only when there is nothing else, circuits never."""
    direct = [a for a in dial_order(addresses) if kind_of(a) is not Kind.RELAY and _dialable(a)]
    return [a for a in direct if kind_of(a) is not Kind.LOOPBACK] or direct
