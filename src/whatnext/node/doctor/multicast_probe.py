"""The multicast self-test: an mDNS question of our own, sent on each interface discovery uses, must be heard back.

The kernel hands a multicast sender its own copy through the same filters as what comes from outside, so a firewall
that stops mDNS here, either way, is caught. That the access point passes it on is not shown by it.
"""

import errno
import secrets
import selectors
import socket
import struct
import time
from collections.abc import Mapping

from whatnext.node.doctor.findings import InterfaceSeen, MulticastSeen

GROUP_V4, GROUP_V6, PORT = "224.0.0.251", "ff02::fb", 5353  # RFC 6762 §3
WAIT_S = 1.0
_TYPE_PTR, _CLASS_IN = 12, 1


def hear_ourselves(
    targets: frozenset[str | int], interfaces: list[InterfaceSeen], wait_s: float = WAIT_S
) -> list[MulticastSeen]:
    """Test what `whatnext.net.mdns.interfaces.usable` gave, all at once; blocks for at most `wait_s`."""
    seen: list[MulticastSeen] = []
    asked: dict[socket.socket, tuple[str, bytes]] = {}
    try:
        for target in sorted(targets, key=str):
            name = _name_of(target, interfaces)
            question = _question(secrets.token_hex(12))
            try:
                asked[_ask(target, question)] = (name, question)
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                seen.append(MulticastSeen(name, error.strerror or str(error), port_taken=taken))
        heard = _listen(asked, wait_s)
    finally:
        for each in asked:
            each.close()
    return seen + [
        MulticastSeen(name, None if each in heard else f"sent, but not heard back in {wait_s:g} s")
        for each, (name, _) in asked.items()
    ]


def _name_of(target: str | int, interfaces: list[InterfaceSeen]) -> str:
    if isinstance(target, int):
        return socket.if_indextoname(target)
    name = next((each.name for each in interfaces if target in each.ips), "")
    return f"{name} ({target})" if name else target


def _question(nonce: str) -> bytes:
    """A standard query nobody has an answer to (RFC 1035 §4.1)."""
    labels = (nonce, "_whatnext-doctor", "_udp", "local")
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return struct.pack("!6H", 0, 0, 1, 0, 0, 0) + name + struct.pack("!2H", _TYPE_PTR, _CLASS_IN)


def _ask(target: str | int, question: bytes) -> socket.socket:
    """Send on one interface; returns the socket that should hear it. Raises `OSError`, also when a filter says no."""
    made = socket.socket(socket.AF_INET6 if isinstance(target, int) else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as avahi and zeroconf share it
        if isinstance(target, int):
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            group = socket.inet_pton(socket.AF_INET6, GROUP_V6) + struct.pack("@I", target)
            made.bind(("", PORT))
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, target)
        else:
            own = socket.inet_aton(target)
            made.bind(("", PORT))
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP_V4) + own)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
        made.setblocking(False)
        made.sendto(question, (GROUP_V6 if isinstance(target, int) else GROUP_V4, PORT))
    except OSError:
        made.close()
        raise
    return made


def _listen(asked: Mapping[socket.socket, tuple[str, bytes]], wait_s: float) -> set[socket.socket]:
    """Those that heard their own question."""
    heard: set[socket.socket] = set()
    deadline = time.monotonic() + wait_s
    with selectors.DefaultSelector() as selector:
        for each in asked:
            selector.register(each, selectors.EVENT_READ, each)
        while len(heard) < len(asked) and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if key.data.recv(9000) == asked[key.data][1]:
                    heard.add(key.data)
    return heard
