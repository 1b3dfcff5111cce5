"""Trying a peer's addresses: in a good order, staggered, the first success wins.

Replaces `host.connect()` of py-libp2p 0.8.1, which waits 250 ms even after success, tries one address of each
transport, opens two connections where it could, and then refuses the peer for 60 s (`tests/net/test_canaries.py`).
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

import msgspec
import trio

from whatnext.net.addresses import Kind, dial_order, kind_of, peer_in, without_peer
from whatnext.net.failures import Failure, describe

T = TypeVar("T")

MAX_ADDRESSES = 16
"""Addresses tried from one source; a peer that announces thousands costs no more."""
RELAYED_ADDRESSES = 4
"""So many of them may lead through relays, however many others there are."""
AGAIN_S = 2.0
"""Pause before an address is tried again beside slower ones, where the caller of `race` wants that."""


class Outcome(msgspec.Struct, Generic[T]):
    """Result of a race: the winner, or None and every address's failure."""

    winner: T | None
    failures: list[Failure]


def plan(peer: str, addresses: Sequence[str]) -> tuple[list[str], list[Failure]]:
    """Addresses to dial for this peer, best first and without `/p2p/`, and those not worth dialling with the reason."""
    failures, wanted = [], []
    for address in addresses:
        named = peer_in(address)
        if named is not None and named != peer:
            failures.append(Failure(address, f"names another peer, {named}", wrong_peer=True))
        elif not address.startswith("/"):
            failures.append(
                Failure(address, "is not a multiaddr: it should look like /ip4/192.0.2.1/tcp/4001")
            )
        else:
            wanted.append(without_peer(address))
    ordered = _bounded(dial_order(wanted))
    failures += [
        Failure(address, f"not tried: past the limit of {MAX_ADDRESSES}")
        for address in dict.fromkeys(wanted)
        if address not in ordered
    ]
    return ordered, failures


def _bounded(ordered: list[str]) -> list[str]:
    """The first `MAX_ADDRESSES`, among them always some that lead through relays: for many peers the only ones."""
    direct = [address for address in ordered if kind_of(address) is not Kind.RELAY]
    relayed = ordered[len(direct) :]
    return [*direct[: MAX_ADDRESSES - min(len(relayed), RELAYED_ADDRESSES)], *relayed][:MAX_ADDRESSES]


class Pool:
    """Addresses of one peer, waiting to be tried; more may come until it is closed. For the tasks of one dial.

    `again`: the peer was here a moment ago, so that a relay is worth more than one try.
    """

    def __init__(self, peer: str, *, again: bool = False) -> None:
        self.peer = peer
        self.again = again
        self.failures: list[Failure] = []
        """What was tried, or not worth trying, and failed."""
        self.untried: list[Failure] = []
        """The part of `failures` that was not worth trying."""
        self._origin: dict[str, str] = {}
        self._pending: list[str] = []
        self._running = 0
        self._is_open = True
        self._changed = trio.Event()
        self._dried = trio.Event()

    @classmethod
    def of(cls, peer: str, addresses: Iterable[str], origin: str = "") -> "Pool":
        """A pool that is complete from the start."""
        pool = cls(peer)
        pool.add(addresses, origin)
        pool.close()
        return pool

    def add(self, addresses: Iterable[str], origin: str = "") -> bool:
        """Take in addresses; return whether any is new here. `origin` is who named them, see `origin_of`."""
        wanted, refused = plan(self.peer, [a for a in dict.fromkeys(addresses) if a not in self._origin])
        fresh = [address for address in wanted if address not in self._origin]
        self._origin |= dict.fromkeys([*fresh, *(failure.address for failure in refused)], origin)
        self.failures += refused
        self.untried += refused
        if fresh:
            self._pending = dial_order([*self._pending, *fresh])
            if self._dried.is_set():
                self._dried = trio.Event()
            self._changed.set()
        return bool(fresh or refused)

    def close(self) -> None:
        """No more will come."""
        self._is_open = False
        self._changed.set()

    def origin_of(self, address: str) -> str:
        """Who named an address first."""
        return self._origin.get(address, "")

    async def next(self) -> str | None:
        """The best address that waits; waits for one while the pool is open, None at its end. If it fails: `failed`."""
        while not self._pending:
            if not self._is_open:
                return None
            self._changed = trio.Event()
            await self._changed.wait()
        self._running += 1
        return self._pending.pop(0)

    def failed(self) -> None:
        """One of those given by `next` was tried in vain."""
        self._running -= 1
        if self._is_dry():
            self._dried.set()

    async def wait_dry(self) -> None:
        """Return when everything known so far has been tried in vain."""
        while not self._is_dry():
            await self._dried.wait()

    async def is_trying_for(self, seconds: float) -> bool:
        """Whether so long from now some address still is under way; False as soon as none is."""
        with trio.move_on_after(seconds):
            await self.wait_dry()
        return not self._is_dry()

    def _is_dry(self) -> bool:
        return not self._running and not self._pending


async def race(
    pool: Pool,
    attempt: Callable[[str], Awaitable[T]],
    discard: Callable[[T], Awaitable[None]],
    *,
    stagger_s: float,
    timeout_s: float,
    again: Callable[[str], bool] = lambda address: False,
) -> Outcome[T]:
    """Start an attempt every `stagger_s`, or as soon as the last one failed; cancel the rest at the first success.

    Goes on until the pool is closed and empty. An address for which `again` holds is tried anew every `AGAIN_S` while
    others are under way. A second success that could not be cancelled in time goes to `discard`. Cancelling cancels
    all attempts.
    """
    outcome: Outcome[T] = Outcome(None, pool.failures)
    async with trio.open_nursery() as nursery:

        async def once(address: str) -> Failure | None:
            try:
                with trio.fail_after(timeout_s):
                    result = await attempt(address)
            except trio.TooSlowError:
                return Failure(address, f"timed out after {timeout_s:g} s", code="timeout")
            except Exception as error:  # noqa: BLE001 - every reason is collected and told to the caller
                return describe(address, error)
            if outcome.winner is not None:
                await discard(result)
                return None
            outcome.winner = result
            nursery.cancel_scope.cancel()
            return None

        async def one(address: str, ended: trio.Event) -> None:
            try:
                failure = await once(address)
            finally:
                ended.set()
            if failure is None:
                return
            outcome.failures.append(failure)
            pool.failed()
            while again(address) and not failure.wrong_peer and await pool.is_trying_for(AGAIN_S):
                if await once(address) is None:
                    return

        while (address := await pool.next()) is not None:
            ended = trio.Event()
            nursery.start_soon(one, address, ended)
            with trio.move_on_after(stagger_s):
                await ended.wait()
    return outcome
