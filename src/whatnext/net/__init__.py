"""The network: py-libp2p behind our own narrow interface. Only this package and the relay import libp2p.

Importing it is quick; libp2p itself is loaded when a network opens.
"""

from typing import TYPE_CHECKING

from whatnext.net.config import NetConfig
from whatnext.net.events import Connected, Disconnected, Event, Missed, PathChanged, Subscription
from whatnext.net.network import Handler, Network
from whatnext.net.opening import open_network
from whatnext.net.standing import Standing

if TYPE_CHECKING:
    from whatnext.net.connections import ConnectionInfo
    from whatnext.net.streams import Stream

__all__ = [
    "Connected",
    "ConnectionInfo",
    "Disconnected",
    "Event",
    "Handler",
    "Missed",
    "NetConfig",
    "Network",
    "PathChanged",
    "Standing",
    "Stream",
    "Subscription",
    "open_network",
]


def __getattr__(name: str) -> object:
    if name == "Stream":
        from whatnext.net.streams import Stream

        return Stream
    if name == "ConnectionInfo":
        from whatnext.net.connections import ConnectionInfo

        return ConnectionInfo
    raise AttributeError(name)
