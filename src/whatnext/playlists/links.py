"""`whtnxt://` links (design §9): read strictly, written so that they read back the same. Nothing is dialled here.

`whtnxt://connect/<PeerID>?addr=<multiaddr>&relay=<multiaddr>&name=<text>`
`whtnxt://join/<playlist id>?peer=<PeerID>&addr=…&relay=…&name=<text>&list=<text>#<invite secret>`
"""

import ipaddress
import itertools
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

import msgspec

from whatnext import identity
from whatnext.errors import BadLink, UserError
from whatnext.playlists.formats.text import show
from whatnext.records import ids, schema
from whatnext.records.invites import InviteKey

SCHEME = "whtnxt://"
MAX_CHARS = 4096
MAX_EACH = 16
"""Peers, addresses and relays of one link."""
MAX_WORDS = 60
"""Characters of a name that this device writes into its own links, for the same reason."""
MAX_RELAYS = 4
"""Relays that this device writes into its own links: a QR code has to hold them."""

_ALLOWED = re.compile(r"[!-~]+")
_SECRET = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_PART = re.compile(r"[A-Za-z0-9._~%:=+,-]{1,256}")
_KEEP = "/:"  # readable in a query


class ConnectLink(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device can be reached, also through `relays`; `name` is what its owner calls it."""

    peer: str
    addresses: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
    name: str = ""

    def __str__(self) -> str:
        query = [*_pairs("addr", self.addresses), *_pairs("relay", self.relays)]
        query += _pairs("name", (self.name,) if self.name else ())
        return f"{SCHEME}connect/{self.peer}" + ("?" + "&".join(query) if query else "")


class JoinLink(msgspec.Struct, frozen=True, kw_only=True):
    """An invite: the playlist's id, members that can let the holder of `secret` in, where they are.

    `name` is what the inviter (the first peer) is called, `title` what the playlist is: both are only what the link
    says, for the question that is asked before anything happens.
    """

    playlist: bytes
    secret: str
    peers: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
    name: str = ""
    title: str = ""

    def __str__(self) -> str:
        query = [*_pairs("peer", self.peers), *_pairs("addr", self.addresses), *_pairs("relay", self.relays)]
        query += [*_pairs("name", (self.name,) if self.name else ())]
        query += [*_pairs("list", (self.title,) if self.title else ())]
        return f"{SCHEME}join/{ids.to_text(self.playlist)}?{'&'.join(query)}#{self.secret}"


def parse(text: str) -> ConnectLink | JoinLink:
    """Read a link; raises `BadLink` with one sentence on what is wrong with it."""
    text = text.strip()
    if len(text) > MAX_CHARS:
        raise BadLink(f"the link has {len(text)} characters; one of ours has at most {MAX_CHARS}")
    if not text.lower().startswith(SCHEME):
        raise BadLink(f"{show(text)} is no WhatNext link: those begin with {SCHEME}")
    if not _ALLOWED.fullmatch(text):
        raise BadLink("the link holds spaces or foreign characters: copy it again, in one piece")
    rest, _, fragment = text[len(SCHEME) :].partition("#")
    path, _, query = rest.partition("?")
    kind, _, subject = path.partition("/")
    given = _query(query)
    if kind.lower() == "connect":
        return _connect(subject, given, fragment)
    if kind.lower() == "join":
        return _join(subject, given, fragment)
    raise BadLink(f"the link asks for {show(kind)}; this WhatNext knows “connect” and “join”: update it")


CIRCUIT = "/p2p-circuit"
"""Ends an address that leads through the relay before it."""


def circuits(link: ConnectLink | JoinLink) -> list[str]:
    """Addresses at which any peer of the link may be reached through the link's relays."""
    return [relay + CIRCUIT for relay in link.relays if "/p2p/" in relay]


def usable_relays(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those relay addresses that a link carries."""
    return tuple(dict.fromkeys(address for address in addresses if _is_usable(address)))[:MAX_RELAYS]


def brief(text: str) -> str:
    """As much of a name as a link of ours carries: one line, so that it reads back."""
    return "".join(char for char in text if char.isprintable())[:MAX_WORDS].strip()


_LOOPBACK = ("/ip4/127.", "/ip6/::1/")


def check_address(text: str) -> str:
    """A multiaddr that begins with a host, as far as can be told without dialling; raises `BadLink`."""
    parts = text.split("/")
    if len(parts) < 3 or parts[0] or not all(_PART.fullmatch(part) for part in parts[1:]):
        raise BadLink(f"{show(text)} is no address: it should look like /ip4/192.0.2.1/tcp/4001")
    _check_host(text, parts[1], parts[2])
    for protocol, value in itertools.pairwise([*parts[3:], ""]):
        if protocol in ("tcp", "udp") and not (value.isdecimal() and 0 < int(value[:6]) < 65536):
            raise BadLink(f"{show(text)} has no usable {protocol} port: it should be 1 to 65535")
        if protocol == "p2p":
            _peer(value)
    return text


def usable(addresses: Iterable[str], me: str) -> tuple[str, ...]:
    """Those of this device's addresses that its own link carries, as short as they can be.

    The link names the device already, and a loopback address leads a friend to the friend's own machine: it is
    left out unless there is no other. Circuits are left to the link's relays.
    """
    direct = [address for address in addresses if not address.removesuffix(f"/p2p/{me}").endswith(CIRCUIT)]
    fit = [address.removesuffix(f"/p2p/{me}") for address in direct if _is_usable(address)]
    reachable = [address for address in fit if not address.startswith(_LOOPBACK)]
    return tuple((reachable or fit)[:MAX_EACH])


def _is_usable(address: str) -> bool:
    """Whether a link's reader would take it; one of a single interface, say, it would not."""
    try:
        check_address(address)
    except BadLink:
        return False
    return True


def _check_host(text: str, protocol: str, host: str) -> None:
    if protocol in ("ip4", "ip6"):
        try:
            fits = ipaddress.ip_address(host).version == int(protocol[-1])
        except ValueError:
            fits = False
    else:
        fits = protocol in ("dns", "dns4", "dns6", "dnsaddr") and _HOST.fullmatch(host) is not None
    if not fits:
        raise BadLink(
            f"{show(text)} names no host: it should begin like /ip4/192.0.2.1, /ip6/2001:db8::1 or /dns4/example.net"
        )


def _connect(peer: str, given: dict[str, list[str]], fragment: str) -> ConnectLink:
    _only(given, {"addr", "relay", "name"})
    if fragment:
        raise BadLink("a connect link has nothing behind a “#”: this may be two links run together")
    return ConnectLink(
        peer=_peer(peer),
        addresses=_addresses(given.get("addr", []), {peer}),
        relays=_addresses(given.get("relay", []), None),
        name=_words(given, "name"),
    )


def _join(playlist: str, given: dict[str, list[str]], secret: str) -> JoinLink:
    _only(given, {"peer", "addr", "relay", "name", "list"})
    found = ids.playlist_from_text(playlist)
    if found is None:
        raise BadLink(
            f"{show(playlist)} is no playlist id (32 letters and digits): copy the whole link again"
        )
    if not secret:
        raise BadLink("the link's secret (the part behind #) is missing: copy the whole link again")
    if not _SECRET.fullmatch(secret) or InviteKey.from_text(secret).secret_text != secret:
        raise BadLink("the link's secret (the part behind #) is damaged: copy the whole link again")
    peers = given.get("peer", [])
    if not peers:
        raise BadLink("the link names no member to join through (peer=…): ask for a new one")
    return JoinLink(
        playlist=found,
        secret=secret,
        peers=tuple(_peer(peer) for peer in peers),
        addresses=_addresses(given.get("addr", []), set(peers)),
        relays=_addresses(given.get("relay", []), None),
        name=_words(given, "name"),
        title=_words(given, "list"),
    )


def _words(given: dict[str, list[str]], key: str) -> str:
    """One line that the link's maker wrote, at most once."""
    found = given.get(key, [""])
    if len(found) > 1:
        raise BadLink(f"the link has {len(found)} parts '{key}', where one belongs: copy it again")
    if len(found[0]) > schema.MAX_NAME or not found[0].isprintable():
        raise BadLink(f"the link's {key} is not one line of at most {schema.MAX_NAME} characters")
    return found[0]


def _query(text: str) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for part in text.split("&") if text else []:
        key, equals, raw = part.partition("=")
        try:
            value = unquote(raw, errors="strict")
        except UnicodeDecodeError as error:
            raise BadLink(f"the link's part {show(part)} is not UTF-8: copy it again") from error
        if not (key and equals and value) or re.search("%(?![0-9A-Fa-f]{2})", raw):
            raise BadLink(f"the link's part {show(part)} is damaged: copy it again")
        given.setdefault(key, []).append(value)
    for key, values in given.items():
        if len(values) > MAX_EACH:
            raise BadLink(f"the link has {len(values)} parts {show(key)}; at most {MAX_EACH} are read")
    return given


def _only(given: dict[str, list[str]], known: set[str]) -> None:
    for key in given.keys() - known:
        raise BadLink(f"the link has a part {show(key)} that this WhatNext does not know: update it")


def _peer(text: str) -> str:
    try:
        if identity.peer_id(identity.public_key_of(text)) == text:
            return text
    except UserError as error:
        raise BadLink(str(error)) from error
    raise BadLink(f"{show(text)} is not a PeerID: copy the link again")


def _addresses(texts: list[str], peers: set[str] | None) -> tuple[str, ...]:
    for text in texts:
        check_address(text)
        before, found, last = text.rpartition("/p2p/")
        if peers is not None and found and "/" not in last and before and last not in peers:
            raise BadLink(f"the address {show(text)} is another device's than the link's")
    return tuple(texts)


def _pairs(key: str, values: tuple[str, ...]) -> list[str]:
    return [f"{key}={quote(value, safe=_KEEP)}" for value in values]
