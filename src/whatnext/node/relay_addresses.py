"""Addresses of relays, as users write them and as this node uses them."""

from collections.abc import Iterable, Mapping, Sequence

from whatnext.config import Settings
from whatnext.errors import BadLink, UserError
from whatnext.identity import is_peer
from whatnext.net.addresses import Kind, kind_of, peer_in
from whatnext.playlists import links


def checked_relay(text: str) -> str:
    """A relay's multiaddr, checked without dialling; raises `UserError` with what is wrong."""
    text = text.strip()
    try:
        links.check_address(text)
    except BadLink as error:
        raise UserError(f"no relay: {error}") from error
    if peer_in(text) is None:
        raise UserError(
            f"{text[:120]} does not say which relay: it should end with /p2p/ and its PeerID, as `whatnext relay` shows"
        )
    if kind_of(text) is Kind.RELAY:
        raise UserError(f"{text[:120]} leads through another relay: give the relay's own address")
    return text


def relay_peers(addresses: Iterable[str]) -> dict[str, list[str]]:
    """PeerIDs of relays in order, each with its addresses; what is no relay's address is left out."""
    found: dict[str, list[str]] = {}
    for address in addresses:
        peer = peer_in(address)
        if peer is not None and is_peer(peer):
            found.setdefault(peer, []).append(address)
    return found


class Relays:
    """The relays of one run: the profile's, which may change meanwhile, and those given at its start."""

    def __init__(self, settings: Settings, more: tuple[str, ...] = (), own: str = "") -> None:
        """`own` is this node's PeerID: it is no relay of its own."""
        self._settings = settings
        self._more = more
        self._own = own
        self._of: tuple[str, ...] = ()
        self._peers: dict[str, list[str]] = {}

    def addresses(self) -> tuple[str, ...]:
        """Their multiaddrs, the preferred first."""
        return tuple(dict.fromkeys((*self._more, *self._settings.relays)))

    def peers(self) -> Mapping[str, Sequence[str]]:
        """PeerIDs with addresses; quick, as every connection asks who is a relay."""
        now = self.addresses()
        if now != self._of:
            self._of, self._peers = now, relay_peers(now)
            self._peers.pop(self._own, None)
        return self._peers
