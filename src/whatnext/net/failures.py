"""What went wrong at one address, in words a user can act on."""

import errno

import msgspec
import trio
from libp2p.io.exceptions import IOException
from libp2p.security.exceptions import HandshakeFailure
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.transport.exceptions import MuxerUpgradeFailure, SecurityUpgradeFailure

_BY_ERRNO = {
    errno.ECONNREFUSED: "refused: nothing listens there",
    errno.ENETUNREACH: "no route to that network",
    errno.EHOSTUNREACH: "no route to that host",
    errno.ETIMEDOUT: "timed out",
    errno.ECONNRESET: "hung up during the handshake",
    errno.EACCES: "not permitted by this device (firewall)",
    errno.EPERM: "not permitted by this device (firewall)",
}


class Failure(msgspec.Struct, frozen=True):
    """One address that did not work: why, and whether somebody else answered there."""

    address: str
    reason: str
    wrong_peer: bool = False


def describe(address: str, error: BaseException) -> Failure:
    """Turn what py-libp2p raised for one dial into a reason, by walking to its causes."""
    chain = _causes(error)
    if any(isinstance(link, PeerIDMismatchesPubkey) or "Peer ID mismatch" in str(link) for link in chain):
        return Failure(address, "another peer answered: its key is not the PeerID dialled", wrong_peer=True)
    if any("Maximum connections" in str(link) for link in chain):
        return Failure(address, "this node has its maximum of connections already")
    if any("No registered transport" in str(link) for link in chain):
        return Failure(address, "no transport of this node can dial it")
    if any(isinstance(link, trio.TooSlowError) for link in chain):
        return Failure(address, "timed out")
    for link in chain:
        if isinstance(link, OSError) and link.errno in _BY_ERRNO:
            return Failure(address, _BY_ERRNO[link.errno])
    if any(isinstance(link, IOException) for link in chain):
        return Failure(address, "hung up during the handshake: full, or no libp2p peer")
    if any(
        isinstance(link, HandshakeFailure | SecurityUpgradeFailure | MuxerUpgradeFailure) for link in chain
    ):
        return Failure(address, "answered, but not as a libp2p peer with Noise and yamux")
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
