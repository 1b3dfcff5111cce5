"""What operations of the running node ask for; those of playlists are in `whatnext.playlists.requests`."""

from whatnext.playlists.requests import Request


class PingPeer(Request, frozen=True, kw_only=True):
    """Send pings to a connected peer, one after the other."""

    peer: str
    count: int = 4


class OfPeer(Request, frozen=True, kw_only=True):
    """Something to do with a peer: its PeerID, the beginning or end of it, its name, or how that begins."""

    peer: str


class Discover(Request, frozen=True, kw_only=True):
    """List who is on the same network; with `foreign` also libp2p nodes of other programs."""

    foreign: bool = False


class Connect(Request, frozen=True, kw_only=True):
    """Connect to a peer: a multiaddr with `/p2p/<PeerID>`, a `whtnxt://connect/…` link, or a PeerID known here."""

    target: str


class Disconnect(Request, frozen=True, kw_only=True):
    """Close every connection to a peer; the node does not dial it again until it is asked to."""

    peer: str


class OfRelay(Request, frozen=True, kw_only=True):
    """A relay: its multiaddr ending in `/p2p/<PeerID>`; to remove one, also its PeerID or how that begins or ends.

    `token` is what its host gave this device, for a relay that does not let in everybody.
    """

    relay: str
    token: str | None = None
