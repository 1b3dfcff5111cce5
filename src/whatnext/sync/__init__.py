"""The sync protocol: how two devices bring a playlist to the same state. README.md here is its specification."""

from whatnext.sync.driver import Stream, run_link
from whatnext.sync.hub import Hub, PeerStatus, opens_stream
from whatnext.sync.session import Greeting, Session
from whatnext.sync.versions import PROTOCOLS

__all__ = [
    "PROTOCOLS",
    "Greeting",
    "Hub",
    "PeerStatus",
    "Session",
    "Stream",
    "opens_stream",
    "run_link",
]
