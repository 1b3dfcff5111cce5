"""What is remembered of peers that left: where the last few were, nothing that may be stale, never more than a bound.

In py-libp2p 0.8.1 a peer that was identified once is not asked again when it comes back, so one that restarted keeps
its old addresses and protocols for two hours; and the peerstore's own clean-up is never started, so everybody who
ever connected stays in memory. `tests/net/test_canaries.py` shows both.
"""

from libp2p.host.basic_host import BasicHost
from libp2p.peer.id import ID

REMEMBERED = 256
"""Peers that left whose announced addresses are kept, newest first."""


class Departed:
    """Tidies the peerstore as peers come and go."""

    def __init__(self, host: BasicHost, remembered: int = REMEMBERED) -> None:
        self._host = host
        self._remembered = remembered
        self._gone: dict[ID, None] = {}

    def came(self, peer: ID) -> None:
        """Keep all that is learnt of a connected peer."""
        self._gone.pop(peer, None)

    def left(self, peer: ID) -> None:
        """Keep only the addresses, and have identify ask again when the peer comes back."""
        store = self._host.get_peerstore()
        store.clear_protocol_data(peer)
        self._host._identified_peers.pop(peer, None)  # noqa: SLF001 - else a quick return is not asked
        self._gone[peer] = None
        while len(self._gone) > self._remembered:
            oldest = next(iter(self._gone))
            del self._gone[oldest]
            if oldest in store.peer_ids():
                store.clear_peerdata(oldest)
