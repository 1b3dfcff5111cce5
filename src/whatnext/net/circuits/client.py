"""Connections through relays: dialled by circuit addresses, and taken from relays this node holds a place at."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence

import trio
from libp2p.abc import INetConn
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb.circuit_pb2 import Status
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.errors import (
    ConnectionLost,
    NetworkError,
    PeerError,
    Refused,
    Unreachable,
    VersionMismatch,
)
from whatnext.net.addresses import Kind, kind_of
from whatnext.net.circuits import messages
from whatnext.net.circuits.carrier import CircuitCarrier, relayed
from whatnext.net.circuits.messages import HOP, MAX_MESSAGE, STOP, Refusal, Reservation
from whatnext.net.circuits.routes import Route, circuit_addresses, route_of
from whatnext.net.framing import framed, read_message
from whatnext.net.network import Network
from whatnext.net.punching.knocking import source_for
from whatnext.net.relay_access import show_token
from whatnext.net.rendezvous.messages import PROTOCOL as RENDEZVOUS
from whatnext.net.standing import Judge, Standing
from whatnext.net.streams import Stream
from whatnext.net.swarm import SafeSwarm

_log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""How long a relay may take to answer; it asks the other peer in the meantime."""
MAX_CALLS = 16
"""Calls in their handshake at one time: a relay that makes up more is told that we are full."""


class Circuits:
    """Relayed connections of one network. They enter the swarm as any other: Noise proves who is at the end."""

    def __init__(self, network: Network, swarm: SafeSwarm, nursery: trio.Nursery, standing: Judge) -> None:
        self._network = network
        self._swarm = swarm
        self._nursery = nursery
        self._standing = standing
        self._places: dict[str, tuple[tuple[str, ...], Reservation]] = {}
        self._asking: set[str] = set()
        self._dialling: Counter[str] = Counter()
        self.configured: frozenset[str] = frozenset()
        """PeerIDs of relays that this node uses, whoever dials them."""
        self.token_for: Callable[[str], str | None] = lambda relay: None
        """What to show a relay, by its PeerID, before asking it for a place."""
        self._calls = trio.CapacityLimiter(MAX_CALLS)
        self._tell: Callable[[], None] = lambda: None
        network.handle(STOP, self._take_call)

    def addresses(self) -> list[str]:
        """Circuit addresses of this node, without its own id; empty while no relay holds a place for it."""
        return [
            address
            for relay, (at, place) in self._places.items()
            for address in circuit_addresses(relay, at, place.addresses)
        ]

    def on_change(self, tell: Callable[[], None]) -> None:
        """Call `tell` in the trio thread whenever `addresses` may have changed."""
        self._tell = tell

    def relays(self) -> list[str]:
        """Addresses, with their ids, of the relays that hold a place for this node."""
        return [address.removesuffix("/p2p-circuit") for address in self.addresses()]

    def place(self, relay: str) -> Reservation | None:
        """The reservation at a relay, if there is one."""
        held = self._places.get(relay)
        return None if held is None else held[1]

    async def reserve(self, relay: str, addresses: Sequence[str]) -> Reservation:
        """Take or renew a place at a relay, which is at one of these addresses.

        Raises `Refused` with the relay's reason, `NetworkError` when it cannot be reached or does not answer. Then
        the place is given up. Cancelling leaves the old one, if there was one.
        """
        self._asking.add(relay)  # a call may overtake the answer
        try:
            place = await self._ask_for_place(relay, addresses)
        except (NetworkError, PeerError):
            self.give_up(relay)
            raise
        finally:
            self._asking.discard(relay)
        before = self._places.get(relay)
        self._places[relay] = now = (tuple(addresses), place)
        if before is None or (before[0], before[1].addresses) != (now[0], place.addresses):
            self._tell()
        return place

    def give_up(self, relay: str) -> None:
        """Count on a relay no longer: its calls are refused, its addresses not told."""
        if self._places.pop(relay, None) is not None:
            self._tell()

    def only_tells(self, relay: str) -> bool:
        """Whether a peer that is used as a relay is a meeting point and nothing more, as some are on purpose."""
        spoken = self._network.protocols_of(relay)
        return RENDEZVOUS in spoken and HOP not in spoken

    async def _ask_for_place(self, relay: str, addresses: Sequence[str]) -> Reservation:
        await self._reach(relay, addresses)
        await self._show_token(relay)
        try:
            with trio.fail_after(ANSWER_S):
                async with await self._network.open_stream(relay, [HOP]) as stream:
                    await stream.send_all(framed(messages.reserve()))
                    answer = messages.read_reservation(await read_message(stream, MAX_MESSAGE))
        except VersionMismatch:
            if self.only_tells(relay):
                raise Refused(
                    f"{relay} tells where peers are, and carries no connections: it is no relay"
                ) from None
            raise Refused(f"{relay} is no relay: it carries no connections of others") from None
        except trio.TooSlowError:
            raise Unreachable(f"the relay {relay} did not answer within {ANSWER_S:g} s") from None
        if isinstance(answer, Refusal):
            raise Refused(f"{answer} ({relay})")
        return answer

    async def _show_token(self, relay: str) -> None:
        """Once a connection: a place that is only renewed was let in before."""
        token = self.token_for(relay)
        if token is None or relay in self._places:
            return
        try:
            await show_token(self._network, relay, token)
        except VersionMismatch:
            _log.info("this relay wants no token", extra={"peer": relay})

    async def connect(self, address: str, target: ID) -> INetConn:
        """Dial any address: through a relay when it is a circuit's, else as it stands; raises what that way raises.

        A relay is dialled from the port we listen on: what it sees is where our router may let others in.
        """
        if kind_of(address) is Kind.RELAY:
            return await self.dial(address, str(target))
        is_relay = str(target) in self._dialling or str(target) in self.configured
        source = source_for(self._swarm, address) if is_relay else None
        if source is not None and kind_of(address) is not Kind.LOOPBACK:
            try:
                return await self._swarm.dial_addr(Multiaddr(address), target, source)
            except Exception as error:  # noqa: BLE001 - an old connection may still hold the port: once more without
                _log.debug("dialling the relay from port %d: %r", source[1], error)
        return await self._swarm.dial_addr(Multiaddr(address), target)

    async def dial(self, address: str, peer: str) -> INetConn:
        """Connect to a peer through the relay of a circuit address.

        Raises `Unreachable` with what failed on the way, or what the upgrade raises. Cancelling leaves nothing open.
        """
        self._swarm.gate.look(peer, address, outbound=True)
        route = route_of(address)
        if peer in (route.relay, self._network.peer) or route.relay == self._network.peer:
            raise Unreachable("it leads through one of its own ends")
        try:
            await self._reach(route.relay, [route.at] if route.at else [])
            stream = await self._network.open_stream(route.relay, [HOP])
        except (NetworkError, PeerError) as error:
            raise _of_relay(error) from None
        try:
            await self._ask_for_circuit(stream, peer)
        except BaseException:
            await stream.reset()
            raise
        return await self._upgrade(stream, route, peer)

    async def _reach(self, relay: str, addresses: Sequence[str]) -> None:
        if self._network.stay(relay):  # a place, or a circuit, would end with a visit of the DHT's
            return
        if not addresses:
            raise Unreachable(f"{relay} is not connected, and the address does not say where it is")
        self._dialling[relay] += 1
        try:
            await self._network.dial(relay, addresses)
        finally:
            self._dialling[relay] -= 1
            self._dialling += Counter()  # forgets those at zero

    async def _ask_for_circuit(self, stream: Stream, peer: str) -> None:
        try:
            await stream.send_all(framed(messages.connect(peer)))
            answer = messages.read_connected(await read_message(stream, MAX_MESSAGE))
        except (NetworkError, PeerError) as error:
            raise _of_relay(error) from None
        if isinstance(answer, Refusal):
            raise Unreachable(str(answer))

    async def _upgrade(self, stream: Stream, route: Route, peer: str) -> INetConn:
        carrier = CircuitCarrier(stream)
        self._nursery.start_soon(carrier.until_over)
        try:
            raw = relayed(carrier, str(self._at(route)), initiator=True)
            return await self._swarm.upgrade_outbound_raw_conn(raw, ID.from_string(peer))
        except BaseException:
            carrier.cut()
            raise

    def _at(self, route: Route) -> Route:
        """The route by which the relay is really connected."""
        for connection in self._network.connections():
            if connection.peer == route.relay and connection.path != "relay":
                return Route(route.relay, connection.address)
        return route

    async def _take_call(self, stream: Stream) -> None:
        """Serve the stop protocol: only relays that we asked for a place may bring somebody."""
        if stream.peer not in self._places and stream.peer not in self._asking:
            _log.info("it brings a caller, and is no relay of ours: refused", extra={"peer": stream.peer})
            await self._turn_away(stream, Status.PERMISSION_DENIED)
            return
        try:
            self._calls.acquire_on_behalf_of_nowait(stream)
        except trio.WouldBlock:
            await self._turn_away(stream, Status.RESOURCE_LIMIT_EXCEEDED)
            return
        try:
            with trio.fail_after(ANSWER_S):
                carrier = await self._answered(stream)
        except trio.TooSlowError:
            raise ConnectionLost(f"a call did not finish its handshake within {ANSWER_S:g} s") from None
        finally:
            self._calls.release_on_behalf_of(stream)
        if carrier is not None:
            await carrier.until_over()

    async def _turn_away(self, stream: Stream, status: Status.ValueType) -> None:
        await stream.send_all(framed(messages.refuse(status)))

    async def _answered(self, stream: Stream) -> CircuitCarrier | None:
        call = messages.read_call(await read_message(stream, MAX_MESSAGE))
        if call.peer == self._network.peer or self._standing(call.peer) is Standing.BLOCKED:
            await self._turn_away(stream, Status.PERMISSION_DENIED)
            return None
        await stream.send_all(framed(messages.accept()))
        return await self._secure(stream, call.peer)

    async def _secure(self, stream: Stream, caller: str) -> CircuitCarrier | None:
        """Upgrade a call; None when it failed, which is the caller's or the relay's fault and theirs alone."""
        address = str(self._at(Route(stream.peer, "")))
        carrier = CircuitCarrier(stream)
        try:
            raw = relayed(carrier, address, initiator=False)
            muxed = await self._swarm.upgrade_inbound_raw_conn(raw, Multiaddr(address))
        except Exception as error:  # noqa: BLE001 - whatever came through the relay, only this call ends
            _log.info(
                "a call through this relay ended in its handshake: %r", error, extra={"peer": stream.peer}
            )
            carrier.cut()
            await stream.reset()
            return None
        if str(muxed.peer_id) != caller:  # nothing depends on what it said, but its host may want to know
            _log.warning(
                "this relay said that %s calls; it is %s", caller, muxed.peer_id, extra={"peer": stream.peer}
            )
        return carrier


def _of_relay(error: Exception) -> Unreachable:
    if isinstance(error, VersionMismatch):
        return Unreachable("its relay is none: nothing there serves circuits")
    return Unreachable("its relay: " + " ".join(str(error).split()))
