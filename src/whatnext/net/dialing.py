"""Trying a peer's addresses: in a good order, staggered, the first success wins.

Replaces `host.connect()` of py-libp2p 0.8.1, which waits 250 ms even after success, tries one address of each
transport, opens two connections where it could, and then refuses the peer for 60 s (`tests/net/test_canaries.py`).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec
import trio

from whatnext.net.addresses import Kind, dial_order, kind_of, peer_in, without_peer
from whatnext.net.failures import Failure, describe

T = TypeVar("T")

MAX_ADDRESSES = 16
"""Addresses tried in one dial; a peer that announces thousands costs no more."""


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
        elif (
            kind_of(address) is Kind.RELAY
        ):  # py-libp2p would dial the relay itself and call it the wrong peer
            failures.append(Failure(address, "leads through a relay, and this node runs no relay client"))
        else:
            wanted.append(without_peer(address))
    ordered = dial_order(wanted)
    failures += [
        Failure(address, f"not tried: past the limit of {MAX_ADDRESSES}")
        for address in ordered[MAX_ADDRESSES:]
    ]
    return ordered[:MAX_ADDRESSES], failures


async def race(
    addresses: Sequence[str],
    attempt: Callable[[str], Awaitable[T]],
    discard: Callable[[T], Awaitable[None]],
    *,
    stagger_s: float,
    timeout_s: float,
) -> Outcome[T]:
    """Start an attempt every `stagger_s`, or as soon as the last one failed; cancel the rest at the first success.

    A second success that could not be cancelled in time goes to `discard`. Cancelling cancels all attempts.
    """
    outcome: Outcome[T] = Outcome(None, [])
    async with trio.open_nursery() as nursery:

        async def one(address: str, ended: trio.Event) -> None:
            try:
                with trio.fail_after(timeout_s):
                    result = await attempt(address)
            except trio.TooSlowError:
                outcome.failures.append(Failure(address, f"timed out after {timeout_s:g} s"))
            except Exception as error:  # noqa: BLE001 - every reason is collected and told to the caller
                outcome.failures.append(describe(address, error))
            else:
                if outcome.winner is not None:
                    await discard(result)
                    return
                outcome.winner = result
                nursery.cancel_scope.cancel()
            finally:
                ended.set()

        for address in addresses:
            ended = trio.Event()
            nursery.start_soon(one, address, ended)
            with trio.move_on_after(stagger_s):
                await ended.wait()
    return outcome
