"""Dialling from the port that we listen on, so that the router uses the mapping which others know."""

import logging
from collections.abc import Callable, Sequence

import trio
from libp2p.abc import INetConn
from libp2p.peer.id import ID
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.net.addresses import ip_of
from whatnext.net.failures import describe
from whatnext.net.punching.rounds import Part
from whatnext.net.swarm import SafeSwarm

_log = logging.getLogger(__name__)

_AGAIN_S = 0.1  # a router may answer the first knock with a reset, before the other side has knocked


def listening_port(swarm: SafeSwarm, version: int = 4) -> int | None:
    """The plain TCP port we listen on in this IP version, or None."""
    for listener in swarm.listeners.values():
        for address in map(str, listener.get_addrs()):
            parts, ip = address.split("/"), ip_of(address)
            if ip is not None and ip.version == version and parts[3] == "tcp" and "ws" not in parts:
                return int(parts[4])
    return None


def source_for(swarm: SafeSwarm, address: str) -> tuple[str, int] | None:
    """What to bind to before dialling this address; None where we listen on nothing of its kind."""
    parts = address.split("/")
    version = {"ip4": 4, "dns": 4, "dns4": 4, "ip6": 6, "dns6": 6}.get(parts[1])
    if version is None or parts[3:4] != ["tcp"] or "ws" in parts or "wss" in parts:
        return None
    port = listening_port(swarm, version)
    return None if port is None else ("0.0.0.0" if version == 4 else "::", port)  # noqa: S104 - any of ours


async def knock(
    swarm: SafeSwarm,
    peer: str,
    addresses: Sequence[str],
    part: Part,
    for_s: float,
    enough: Callable[[], bool],
) -> INetConn | None:
    """Dial these addresses again and again for so long; the first connection, or None. Cancelling leaves none open.

    Once `enough` is true no dial begins any more. Those under way are left alone: one of them may just be entering the
    swarm's table, and cancelling it there would close what was wanted.
    """
    made: list[INetConn] = []
    with trio.move_on_after(for_s):
        async with trio.open_nursery() as nursery:

            async def one(address: str) -> None:
                while not enough():
                    try:
                        made.append(await _dial(swarm, peer, address, part))
                    except Exception as error:  # noqa: BLE001 - expected until the hole is open; told for the curious
                        reason = describe(address, error).reason
                        _log.debug("knocking at %s: %s", address, reason, extra={"peer": peer})
                        await trio.sleep(_AGAIN_S)
                    else:
                        nursery.cancel_scope.cancel()
                        return

            for address in addresses:
                nursery.start_soon(one, address)
    return made[0] if made else None


async def _dial(swarm: SafeSwarm, peer: str, address: str, part: Part) -> INetConn:
    target, source = Multiaddr(address), source_for(swarm, address)
    if part is Part.CLIENT:
        return await swarm.dial_addr(target, ID.from_string(peer), source)
    return await swarm.dial_addr_as_responder(target, ID.from_string(peer), source)
