"""py-libp2p's host, which also tells when identify has run: 0.8.1 keeps that to itself."""

from libp2p.peer.id import ID

from whatnext.net.identify.host import IdentifyingHost
from whatnext.net.negotiation import known_protocols
from whatnext.net.observing import Identified, Observer, ignore

MAX_PROTOCOLS = 100
"""Of those a peer claims to speak, as many are told."""


class WatchedHost(IdentifyingHost):
    """Tells `Identified` each time a peer has answered."""

    observe: Observer = staticmethod(ignore)

    async def _identify_peer(self, peer_id: ID, *, reason: str) -> None:
        before = self._identified_peers.get(peer_id)
        await super()._identify_peer(peer_id, reason=reason)
        if self._identified_peers.get(peer_id) not in (None, before):
            peer = str(peer_id)
            self.observe(
                Identified(peer, self.agents.get(peer, ""), known_protocols(self, peer_id)[:MAX_PROTOCOLS])
            )
