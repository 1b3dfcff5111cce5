"""What lets other networks reach this node: identify, relays, hole punching, forwarded ports; all put together."""

import random
from typing import TYPE_CHECKING

import trio

from whatnext.net.circuits.client import Circuits
from whatnext.net.circuits.keeper import Keeper
from whatnext.net.identify.service import Identify
from whatnext.net.mapping.gateway import UpnpGateway
from whatnext.net.mapping.mapper import Mapper
from whatnext.net.punching.puncher import Puncher
from whatnext.net.standing import Judge
from whatnext.net.swarm import SafeSwarm

if TYPE_CHECKING:
    from whatnext.net.identify.host import IdentifyingHost
    from whatnext.net.network import Network


def set_up(
    network: "Network",
    host: "IdentifyingHost",
    swarm: SafeSwarm,
    nursery: trio.Nursery,
    standing: Judge,
    *,
    upnp: bool,
) -> None:
    """Give the network its parts and start them in its nursery; they end when it is cancelled."""
    network.circuits = Circuits(network, swarm, nursery, standing)
    network.relays = Keeper(network, network.circuits, random.SystemRandom())
    network.identify = Identify(network, host)
    network.sightings = host.sightings
    network.circuits.on_change(network.identify.look)
    network.identify.on_change(network.relays.hurry)
    puncher = Puncher(network, swarm)
    network.identify.on_change(puncher.try_again)
    nursery.start_soon(puncher.run)
    network.mapper = Mapper(UpnpGateway(), lambda: list(map(str, host.get_addrs())), network.identify.look)
    if upnp:
        nursery.start_soon(network.mapper.run)
    nursery.start_soon(network.relays.run)
    nursery.start_soon(network.identify.run)
