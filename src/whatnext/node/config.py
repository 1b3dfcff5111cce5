"""What a user may set about a node."""

from typing import Literal

import msgspec

from whatnext.node.transports import Extra

Service = Literal["rendezvous", "dht"]


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one run of the node."""

    listen: tuple[str, ...] = ()
    """Multiaddrs to listen on; empty means those of the profile's settings, or else TCP and WebSocket everywhere.

    Port 0 takes the one of last time.
    """
    transports: frozenset[Extra] = frozenset()
    """Transports to run beside those listened on: to dial with, and on a port of their own to be dialled."""
    announce: tuple[str, ...] = ()
    """Multiaddrs told to others instead of those listened on, for a forwarded port."""
    upnp: bool = True
    """Ask the router at home to forward this node's ports."""
    mdns: bool = True
    """Tell this network who is here, and find who else is."""
    relays: tuple[str, ...] = ()
    """Relays to use in this run beside those of the profile's settings; multiaddrs with `/p2p/<PeerID>`."""
    serve: frozenset[Service] = frozenset()
    """What this node does for others, as a relay does: help them find each other."""
    api_port: int = 0
    """Port of the local API on 127.0.0.1; 0 takes a free one."""
    lifeline: bool = False
    """Stop when standard input ends: whoever started the node is gone."""
    ready_line: bool = False
    """Say on stdout, as one line of JSON, when and where the node is ready."""
