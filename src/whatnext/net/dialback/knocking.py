"""Knocking at an address: a new connection that goes as far as Noise proves who is there, and no further."""

from typing import TYPE_CHECKING

import trio

from whatnext.identity import Identity
from whatnext.net.addresses import transport_of

if TYPE_CHECKING:
    from libp2p.network.connection.raw_connection import RawConnection
    from libp2p.transport.upgrader import TransportUpgrader

_BYE_S = 0.5


class Knocker:
    """Knocks with a key of its own: whoever is knocked at learns nothing of ours, and no connection of ours answers."""

    def __init__(self) -> None:
        self._identity = Identity.generate()

    async def reaches(self, peer: str, address: str, timeout_s: float) -> bool:
        """Whether this peer answers at this TCP or WebSocket address; never raises for what the other side does.

        Cancelling closes the socket.
        """
        try:
            with trio.fail_after(timeout_s):
                await self._knock(peer, address, timeout_s)
        except Exception:  # noqa: BLE001 - refused, silent, no libp2p, another key: it is not reached
            return False
        return True

    async def _knock(self, peer: str, address: str, timeout_s: float) -> None:
        from libp2p.peer.id import ID
        from multiaddr import Multiaddr  # type: ignore[import-untyped]

        from whatnext.net.carrier import Carrier
        from whatnext.net.transports import SafeTCP, SafeWebsocket

        upgrader = self._upgrader(timeout_s)
        async with trio.open_nursery() as nursery:
            websocket = SafeWebsocket(upgrader, timeout_s)
            websocket.set_background_nursery(nursery)
            transport = SafeTCP() if transport_of(address) == "tcp" else websocket
            raw: RawConnection = await transport.dial(Multiaddr(address))
            try:
                await upgrader.upgrade_security(raw, True, ID.from_string(peer))
            finally:
                with trio.CancelScope(shield=True), trio.move_on_after(_BYE_S):
                    if isinstance(raw.stream, Carrier):
                        raw.stream.cut()
                    await raw.close()
            nursery.cancel_scope.cancel()

    def _upgrader(self, timeout_s: float) -> "TransportUpgrader":
        from libp2p.crypto.ed25519 import create_new_key_pair
        from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key
        from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
        from libp2p.security.noise.transport import Transport as Noise
        from libp2p.transport.upgrader import TransportUpgrader

        keys = create_new_key_pair(self._identity.seed)
        noise = Noise(keys, noise_privkey=create_noise_key().private_key)
        return TransportUpgrader({NOISE: noise}, {}, max(1, round(timeout_s)))
