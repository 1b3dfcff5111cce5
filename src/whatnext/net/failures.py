"""What went wrong at one address, in words a user can act on."""

import errno

import msgspec
import trio
from libp2p.io.exceptions import IOException
from libp2p.security.exceptions import HandshakeFailure
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.transport.exceptions import MuxerUpgradeFailure, SecurityUpgradeFailure

from whatnext.errors import WhatNextError
from whatnext.net.admission.gate import TurnedAway

CODES = (
    "refused",
    "no_route",
    "timeout",
    "hung_up",
    "not_permitted",
    "wrong_peer",
    "full",
    "refused_here",
    "turned_away",
    "no_transport",
    "not_libp2p",
    "given_up",
    "not_tried",
    "other",
)
"""Short names of what can go wrong at one address: labels of counters, so the list is short and closed."""

HUNG_UP = frozenset({"hung_up", "turned_away", "full", "wrong_peer", "not_libp2p"})
"""Those by which somebody was there and did not want this connection, which trying soon again does not change."""

_BY_ERRNO = {
    errno.ECONNREFUSED: ("refused: nothing listens there", "refused"),
    errno.ENETUNREACH: ("no route to that network", "no_route"),
    errno.EHOSTUNREACH: ("no route to that host", "no_route"),
    errno.ETIMEDOUT: ("timed out", "timeout"),
    errno.ECONNRESET: ("hung up during the handshake", "hung_up"),
    errno.EACCES: ("not permitted by this device (firewall)", "not_permitted"),
    errno.EPERM: ("not permitted by this device (firewall)", "not_permitted"),
}


class Failure(msgspec.Struct, frozen=True):
    """One address that did not work: why, whether somebody else answered there, and the reason's name in `CODES`."""

    address: str
    reason: str
    wrong_peer: bool = False
    code: str = "other"


def describe(address: str, error: BaseException) -> Failure:
    """Turn what one dial raised into a reason: our own errors say it, of py-libp2p's we walk to the causes."""
    if isinstance(error, WhatNextError):
        return Failure(address, str(error))
    chain = _causes(error)
    if any(isinstance(link, PeerIDMismatchesPubkey) or "Peer ID mismatch" in str(link) for link in chain):
        reason = "another peer answered: its key is not the PeerID dialled"
        return Failure(address, reason, wrong_peer=True, code="wrong_peer")
    for link in chain:
        if isinstance(link, TurnedAway):
            code = "full" if link.refusal.code == "full" else "refused_here"
            return Failure(address, link.refusal.reason, code=code)
    if any("No registered transport" in str(link) for link in chain):
        return Failure(address, "no transport of this node can dial it", code="no_transport")
    if any(isinstance(link, trio.TooSlowError) for link in chain):
        return Failure(address, "timed out", code="timeout")
    for link in chain:
        if isinstance(link, OSError) and link.errno in _BY_ERRNO:
            reason, code = _BY_ERRNO[link.errno]
            return Failure(address, reason, code=code)
    if any(isinstance(link, IOException) for link in chain):
        if any(isinstance(link, MuxerUpgradeFailure) for link in chain):
            reason = "hung up once it knew who this is: it has no room, or it blocks this device"
            return Failure(address, reason, code="turned_away")
        return Failure(address, "hung up during the handshake: full, or no libp2p peer", code="hung_up")
    if any(
        isinstance(link, HandshakeFailure | SecurityUpgradeFailure | MuxerUpgradeFailure) for link in chain
    ):
        reason = "answered, but not as a libp2p peer with Noise and yamux"
        return Failure(address, reason, code="not_libp2p")
    return Failure(address, str(chain[-1]) or type(chain[-1]).__name__)


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    pending = [error]
    while pending and len(found) < 32:
        link = pending.pop()
        found.append(link)
        if isinstance(link, BaseExceptionGroup):
            pending.extend(link.exceptions)
        cause = link.__cause__ or link.__context__
        if cause is not None and cause not in found:
            pending.append(cause)
    return found
