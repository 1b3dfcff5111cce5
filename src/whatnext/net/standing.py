"""What a peer is to this node, as far as the network needs to know it: whom to refuse, whom to keep."""

import enum
from collections.abc import Callable


class Standing(enum.IntEnum):
    """In the order in which connections are given up when there are too many: the least first."""

    BLOCKED = 0
    """Refused as soon as its handshake shows who it is, and never dialled."""
    STRANGER = 1
    KNOWN = 2
    """Met before, named by the user or by a link."""
    MEMBER = 3
    """Shares a playlist with this node."""
    RELAY = 4
    """Carries this node's other connections."""


Judge = Callable[[str], Standing]
"""Asked with a PeerID whenever it matters, in the trio thread: it must be quick and must not raise."""


def everybody_is_known(peer: str) -> Standing:
    """Judge of a network nobody gave one."""
    return Standing.KNOWN
