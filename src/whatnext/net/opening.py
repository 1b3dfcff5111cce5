"""Opening a network: host, swarm, gate and all that runs with them, started together and ended together."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from whatnext.errors import LocalError, UserError
from whatnext.identity import Identity
from whatnext.net.config import NetConfig
from whatnext.net.events import EventHub
from whatnext.net.network import Handler, Network
from whatnext.net.observing import Observer, ignore
from whatnext.net.standing import Judge, everybody_is_known

if TYPE_CHECKING:  # importing libp2p takes half a second: only a network that really opens pays it
    from whatnext.net.swarm import SafeSwarm


@asynccontextmanager
async def open_network(
    identity: Identity,
    config: NetConfig | None = None,
    handlers: Mapping[str, Handler] | None = None,
    *,
    standing: Judge = everybody_is_known,
    observe: Observer = ignore,
) -> AsyncIterator[Network]:
    """Run a libp2p node while the block lasts; `handlers` serve from the first connection on.

    `standing` tells whom to refuse and whom to keep, `observe` hears of everything in detail.

    Raises `LocalError` when an address cannot be listened on, `UserError` when it is none. Note that py-libp2p sets
    SO_REUSEPORT: a second process on the same fixed port is not refused, it takes half the connections; the profile's
    lock prevents that.
    On leaving, connections are closed and every task has ended within `close_timeout_s`.
    """
    from libp2p.custom_types import TProtocol
    from libp2p.tools.anyio_service import background_trio_service

    from whatnext.net.admission.gate import Gate
    from whatnext.net.connections import Connections
    from whatnext.net.departed import Departed
    from whatnext.net.heartbeat import PING, answer_pings
    from whatnext.net.host import build_host
    from whatnext.net.logs import adopt_libp2p_logs
    from whatnext.net.reach import set_up

    config = config or NetConfig()
    adopt_libp2p_logs()
    gate = Gate(config, standing, observe)
    host, swarm = build_host(identity, config, gate, observe)
    failure: Exception | None = None
    # Our nursery is the inner one: cancelled outside the service, its last checkpoint would replace the body's error.
    async with background_trio_service(swarm), trio.open_nursery() as nursery:
        events = EventHub(observe)
        connections = Connections(swarm, Departed(host), config, events, nursery, gate)
        swarm.register_notifee(connections)
        nursery.start_soon(connections.prune_regularly)
        network = Network(host, swarm, config, connections, events, observe)
        host.set_stream_handler(TProtocol(PING), answer_pings)
        set_up(network, host, swarm, nursery, standing, upnp=config.upnp)
        for protocol, handler in (handlers or {}).items():
            network.handle(protocol, handler)
        try:
            await _listen(swarm, config.listen)
            yield network
        except Exception as error:  # noqa: BLE001 - raised below as itself, not wrapped by the nurseries
            failure = error
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(config.close_timeout_s):
                await connections.close_all()
                await host.close()
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _listen(swarm: "SafeSwarm", addresses: Sequence[str]) -> None:
    from multiaddr import Multiaddr  # type: ignore[import-untyped]

    for address in addresses:
        try:
            listening = await swarm.listen(Multiaddr(address))
        except ValueError as error:
            raise UserError(f"cannot listen on “{address[:120]}”: that is no multiaddr ({error})") from error
        if not listening:
            raise LocalError(
                f"cannot listen on {address}: the port is taken, or this device has no such address"
            )
