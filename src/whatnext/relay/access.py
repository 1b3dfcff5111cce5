"""Who is let in: rules only. Tokens, lists, and what a client has shown on its connection."""

import hmac
import ipaddress

import base58

from whatnext.errors import UserError
from whatnext.relay.config import AccessConfig

_SHORTEST_ID, _LONGEST_ID = 34, 64  # bytes of a multihash: SHA-256, and more than any inlined key
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Access:
    """The rules of one configuration, and which connected peers have shown a token it accepts."""

    def __init__(self, config: AccessConfig) -> None:
        """Raises `UserError` naming an entry that is neither PeerID nor IP nor network."""
        self.mode = config.mode
        self._tokens = config.tokens
        self._allowed = frozenset(_peer(entry, "allow") for entry in config.allow)
        networks = [network for entry in config.block if (network := _network(entry)) is not None]
        self._blocked_networks: tuple[Network, ...] = tuple(networks)
        self._blocked = frozenset(_peer(e, "block") for e in config.block if _network(e) is None)
        self._shown: dict[str, str] = {}

    def is_blocked(self, peer: str, origin: str | None = None) -> bool:
        """Whether nothing is done for this peer, or for anybody from there (an `origin_of`)."""
        if peer in self._blocked:
            return True
        if origin is None or not self._blocked_networks:
            return False
        try:
            from_there = ipaddress.ip_network(origin)
        except ValueError:
            return False
        return any(_overlap(from_there, network) for network in self._blocked_networks)

    def may_wait(self, peer: str) -> bool:
        """Whether this peer may hold a reservation."""
        return self.mode == "open" or peer in self._allowed or peer in self._shown

    def show(self, peer: str, token: str) -> bool:
        """A peer shows a token; return whether it is one of ours. It holds until `forget`."""
        # Every token is compared, in constant time each: how long it takes tells nothing.
        right = [hmac.compare_digest(token.encode(), ours.encode()) for ours in self._tokens]
        if not any(right):
            return False
        self._shown[peer] = token
        return True

    def shown(self) -> list[str]:
        """Peers that have shown a token of ours."""
        return list(self._shown)

    def forget(self, peer: str) -> None:
        """The peer's connection has ended, and what it showed there."""
        self._shown.pop(peer, None)

    def succeeded_by(self, config: AccessConfig) -> "Access":
        """The rules of another configuration, for the peers that are here; tokens it no longer has are not shown."""
        heir = Access(config)
        for peer, token in self._shown.items():
            heir.show(peer, token)
        return heir


def _overlap(one: Network, other: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.overlaps(other)
    return isinstance(other, ipaddress.IPv6Network) and one.overlaps(other)


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry)
    except ValueError:
        if "/" in entry or ":" in entry:
            raise UserError(
                f"access.block: “{entry[:60]}” is no network: write 203.0.113.0/24, its host bits zero"
            ) from None
        return None


def _peer(entry: str, where: str) -> str:
    """A PeerID of any kind of key: other libp2p programs use RSA too."""
    try:
        raw = base58.b58decode(entry.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raw = b""
    if not _SHORTEST_ID <= len(raw) <= _LONGEST_ID:
        raise UserError(f"access.{where}: “{entry[:60]}” is no PeerID: it should look like 12D3KooW…")
    return entry
