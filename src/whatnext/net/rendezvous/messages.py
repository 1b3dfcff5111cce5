"""The protocol's messages as bytes: sans-IO. Malformed ones raise `ProtocolViolation`."""

import base64
import enum
import hashlib

import msgspec

from whatnext.errors import ProtocolViolation
from whatnext.net.protobuf import Message, number, octets

PROTOCOL = "/rendezvous/1.0.0"
MAX_BYTES = 256 * 1024
"""Of one message: a page of `MAX_PAGE` records of ours, each below 4 KiB and mostly 300 bytes."""
MAX_NAMESPACE = 255
MAX_PAGE = 50
DEFAULT_TTL_S, MAX_TTL_S = 7200, 72 * 3600  # by the specification

OF_ONE_PEER = "/whatnext/peer/"
"""Namespaces in which one peer alone may register: the one they are made from."""


class Status(enum.IntEnum):
    """How a request ended."""

    OK = 0
    E_INVALID_NAMESPACE = 100
    E_INVALID_SIGNED_PEER_RECORD = 101
    E_INVALID_TTL = 102
    E_INVALID_COOKIE = 103
    E_NOT_AUTHORIZED = 200
    E_INTERNAL_ERROR = 300
    E_UNAVAILABLE = 400


class Register(msgspec.Struct, frozen=True):
    """Ask to stand under a namespace for `ttl` seconds (0: the default); as an entry found, `ttl` is what is left."""

    namespace: str
    record: bytes
    ttl: int = 0


class Registered(msgspec.Struct, frozen=True):
    """Answer to `Register`; `ttl` is what was granted."""

    status: int
    text: str = ""
    ttl: int = 0


class Unregister(msgspec.Struct, frozen=True):
    """Take the own entry back; not answered."""

    namespace: str


class Discover(msgspec.Struct, frozen=True):
    """Ask who stands under a namespace; with the cookie of an earlier answer only what came since."""

    namespace: str
    limit: int = 0
    cookie: bytes = b""


class Discovered(msgspec.Struct, frozen=True):
    """Answer to `Discover`."""

    status: int
    text: str = ""
    entries: tuple[Register, ...] = ()
    cookie: bytes = b""


AnyMessage = Register | Registered | Unregister | Discover | Discovered


def namespace_of(peer: str) -> str:
    """Where a peer registers so that only those who know its PeerID find it."""
    digest = hashlib.sha256(b"whatnext/rendezvous/1" + peer.encode("ascii")).digest()
    return OF_ONE_PEER + base64.b32encode(digest).decode("ascii").rstrip("=").lower()


def encode(message: AnyMessage) -> bytes:
    """One message, without its length."""
    match message:
        case Register():
            return number(1, 0) + octets(2, _register(message))
        case Registered(status=status, text=text, ttl=ttl):
            return number(1, 1) + octets(3, number(1, status) + octets(2, text.encode()) + number(3, ttl))
        case Unregister(namespace=namespace):
            return number(1, 2) + octets(4, octets(1, namespace.encode()))
        case Discover(namespace=namespace, limit=limit, cookie=cookie):
            asked = octets(1, namespace.encode()) + number(2, limit) + octets(3, cookie)
            return number(1, 3) + octets(5, asked)
        case Discovered(status=status, text=text, entries=entries, cookie=cookie):
            found = b"".join(octets(1, _register(entry)) for entry in entries)
            found += octets(2, cookie) + number(3, status) + octets(4, text.encode())
            return number(1, 4) + octets(6, found)


def decode(data: bytes) -> AnyMessage:
    """The message in these bytes."""
    message = Message(data)
    kind = message.number(1)
    if kind > 4:
        raise ProtocolViolation(f"a rendezvous message of type {kind}, and there are 0 to 4")
    body = Message(message.octets((2, 3, 4, 5, 6)[kind]))
    if kind == 0:
        return _registration(body)
    if kind == 1:
        return Registered(body.number(1), body.text(2), body.number(3))
    if kind == 2:
        return Unregister(body.text(1))
    if kind == 3:
        return Discover(body.text(1), body.number(2), body.octets(3))
    entries = tuple(_registration(Message(entry)) for entry in body.repeated(1)[:MAX_PAGE])
    return Discovered(body.number(3), body.text(4), entries, body.octets(2))


def _register(entry: Register) -> bytes:
    return octets(1, entry.namespace.encode()) + octets(2, entry.record) + number(3, entry.ttl)


def _registration(body: Message) -> Register:
    return Register(body.text(1), body.octets(2), body.number(3))
