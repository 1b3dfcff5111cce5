"""Asking all ways for a peer: what is known here at once, the network a little later and only if that did not do."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio

from whatnext.errors import NetworkError, PeerError, Tried
from whatnext.net.dialing import Pool
from whatnext.net.finding.explaining import unreachable
from whatnext.net.finding.ways import Way
from whatnext.net.network import Network
from whatnext.net.observing import Found, Observer

if TYPE_CHECKING:  # it imports libp2p
    from whatnext.net.connections import ConnectionInfo

HEAD_START_S = 0.5
"""For what is known here: time for a dial on a LAN or to a server nearby, too short for a user to mind."""
PATIENCE_S = 8.0
"""How long one way may take to answer."""


async def search(pool: Pool, ways: Sequence[Way], silent: list[Tried], observe: Observer) -> None:
    """Fill the pool with what the ways find, and close it; who found nothing is added to `silent` with the reason.

    Cancelling ends every question; the pool stays open then, as whoever dials from it is cancelled too.
    """
    for way in ways:
        if way.is_local:  # one by one: whose an address is must not be chance, or one failure reads like many
            await _ask(way, pool, silent, observe)
    if any(not way.is_local for way in ways):
        with trio.move_on_after(HEAD_START_S):
            await pool.wait_dry()
    async with trio.open_nursery() as nursery:
        for way in ways:
            if not way.is_local:
                nursery.start_soon(_ask, way, pool, silent, observe)
    pool.close()


async def _ask(way: Way, pool: Pool, silent: list[Tried], observe: Observer) -> None:
    began = time.perf_counter()
    addresses: Sequence[str] = ()
    reason: str | None = way.nothing
    try:
        with trio.fail_after(PATIENCE_S):
            addresses = await way.find(pool.peer)
    except trio.TooSlowError:
        reason = f"no answer within {PATIENCE_S:g} s"
    except (NetworkError, PeerError) as error:
        reason = str(error)
    if addresses:
        reason = None
        if not pool.add(addresses, way.name):
            silent.append(Tried(way.name, "names only addresses that are tried already"))
    else:
        assert reason is not None
        silent.append(Tried(way.name, reason))
    observe(Found(pool.peer, way.name, list(addresses), reason, 1000 * (time.perf_counter() - began)))


async def find_and_dial(
    network: Network, pool: Pool, ways: Sequence[Way], known: Sequence[Tried] = ()
) -> "ConnectionInfo":
    """Connect to the pool's peer wherever any way finds it; at once when it is connected already.

    `known` are ways that are not asked again, with what they said lately: they stand in the error too.

    Raises `Unreachable` with everything that was tried, `UserError` as `Network.dial`. The first success, ours or a
    connection of the peer to us, ends all other attempts and questions; so does cancelling.
    """
    silent: list[Tried] = [*known]
    made: list[ConnectionInfo] = []
    failed: list[Exception] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(search, pool, ways, silent, network.observe)
        try:
            made.append(await network.dial_as_found(pool))
        except Exception as error:  # noqa: BLE001 - raised below as itself, not wrapped by the nursery
            failed.append(error)
        nursery.cancel_scope.cancel()
    if made:
        return made[0]
    if isinstance(failed[0], NetworkError):
        order = [*(way.name for way in ways), *(said.way for said in known)]
        raise unreachable(pool, order, silent) from failed[0]
    raise failed[0]
