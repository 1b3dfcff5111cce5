"""`whatnext relay check`: tries everything a user needs of a relay, from where it is run, with throw-away identities.

Steps build on each other: the first that fails is the last one tried. Nothing is left behind at the relay.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import msgspec
import trio

from whatnext.errors import UserError, VersionMismatch, WhatNextError, WrongPeer
from whatnext.identity import Identity
from whatnext.net import NetConfig, Network, open_network
from whatnext.net.addresses import Kind, kind_of, peer_in, without_peer
from whatnext.net.observing import Identified, Observation
from whatnext.net.relay_access import show_token

T = TypeVar("T")

_PINGS = 5
_IDENTIFY_S = 5.0
_PROTOCOLS = {
    "/libp2p/circuit/relay/0.2.0/hop": "relay",
    "/rendezvous/1.0.0": "rendezvous",
    "/whatnext/kad/1.0.0": "DHT",
    "/whatnext/dialback/1.0.0": "dial-back",
}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried; `verdict` is `ok` or `problem`, `next` what to do about it."""

    check: str
    verdict: str
    seen: str
    next: str | None = None


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """All steps, and how many are problems."""

    address: str
    steps: list[Step]
    problems: int


class _Failed(Exception):
    """A step failed; what it showed and what to do."""

    def __init__(self, seen: str, then: str) -> None:
        super().__init__(seen)
        self.step = (seen, then)


async def check_relay(address: str, token: str | None, tell: Callable[[Step], None]) -> CheckReport:
    """Try a relay at one multiaddr with `/p2p/`; `tell` hears of each step as it ends. Raises `UserError` for another.

    Takes a few seconds, at most about a minute. Cancelling leaves nothing open.
    """
    relay = peer_in(address)
    if relay is None or not address.startswith("/") or kind_of(address) is Kind.RELAY:
        raise UserError(
            f"“{address[:80]}” is no relay's address: it should look like /ip4/203.0.113.5/tcp/4001/p2p/12D3KooW…"
        )
    steps: list[Step] = []
    async with AsyncExitStack() as stack:
        check = _Check(relay, address, token, stack)
        for name, run in check.steps():
            step = await _tried(name, run)
            steps.append(step)
            tell(step)
            if step.verdict != "ok":
                break
    return CheckReport(address=address, steps=steps, problems=sum(s.verdict != "ok" for s in steps))


async def _tried(name: str, run: Callable[[], Awaitable[str]]) -> Step:
    try:
        return Step(check=name, verdict="ok", seen=await run())
    except _Failed as failed:
        seen, then = failed.step
        return Step(check=name, verdict="problem", seen=seen, next=then)


class _Check:
    """The steps, and what one hands to the next."""

    def __init__(self, relay: str, address: str, token: str | None, stack: AsyncExitStack) -> None:
        self._relay = relay
        self._address = address
        self._token = token
        self._stack = stack
        self._identified: dict[str, Identified] = {}
        self._waiter: Network
        self._caller: Network

    def steps(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        """In the order in which they are tried."""
        shown = [("token", self._show_token)] if self._token is not None else []
        return [
            ("connect", self._connect),
            ("ping", self._ping),
            ("services", self._services),
            *shown,
            ("reserve", self._reserve),
            ("circuit", self._circuit),
            ("through it", self._through),
        ]

    async def _connect(self) -> str:
        self._waiter = await self._stack.enter_async_context(_throw_away(self._observe))
        started = time.perf_counter()
        await _or(
            self._dial(),
            "open its port in every firewall on the way, forward it in its router, and see that it runs: docs/relay.md",
        )
        return f"reached and proved to be {self._relay} in {_ms(time.perf_counter() - started)}"

    async def _dial(self) -> None:
        try:
            await self._waiter.dial(self._relay, [without_peer(self._address)])
        except WrongPeer as error:
            raise _Failed(
                str(error),
                "it has another key now, or the address is another's: ask its host for the whole address again",
            ) from None

    async def _ping(self) -> str:
        took = [
            await _or(self._waiter.ping(self._relay), "the connection breaks: look at the relay's log")
            for _ in range(_PINGS)
        ]
        return f"{_PINGS} of {_PINGS} answered, {_ms(min(took))} the fastest"

    async def _services(self) -> str:
        with trio.move_on_after(_IDENTIFY_S):
            while self._relay not in self._identified:  # noqa: ASYNC110 - the observer only notes it
                await trio.sleep(0.02)
        told = self._identified.get(self._relay)
        if told is None:
            raise _Failed(
                "it does not say what it is (identify)",
                "is the port another program's?",
            )
        found = [name for protocol, name in _PROTOCOLS.items() if protocol in told.protocols]
        if "relay" not in found:
            raise _Failed(f"{told.agent or 'it'} is no relay", "start `whatnext relay` there, not a node")
        return f"{told.agent or 'unnamed'}: {', '.join(found)}"

    async def _show_token(self) -> str:
        assert self._token is not None
        try:
            await show_token(self._waiter, self._relay, self._token)
        except VersionMismatch:
            return "it wants none"
        except WhatNextError as error:
            raise _Failed(str(error), "ask its host for the token, or leave --token out") from None
        return "accepted"

    async def _reserve(self) -> str:
        place = await _or(
            self._waiter.circuits.reserve(self._relay, [self._address]),
            "its host may have to let this device in (--token), or it is full: whatnext relay status, run there",
        )
        minutes, limit = max(0.0, place.expires_at - time.time()) / 60, place.limit
        lasts = "any time" if limit.duration_s is None else f"{limit.duration_s} s"
        carries = "any number of" if limit.data_bytes is None else f"{limit.data_bytes:,}"
        return f"granted for {minutes:.0f} min; a circuit may last {lasts} and carry {carries} bytes each way"

    async def _circuit(self) -> str:
        self._caller = await self._stack.enter_async_context(_throw_away(self._observe))
        started = time.perf_counter()
        await _or(
            self._caller.dial(self._waiter.peer, [f"{self._address}/p2p-circuit"]),
            "it grants reservations but carries nothing: look at its log",
        )
        return f"from a second identity to the first in {_ms(time.perf_counter() - started)}, encrypted end to end"

    async def _through(self) -> str:
        took = [
            await _or(
                self._caller.ping(self._waiter.peer),
                "the circuit broke: look at its limits (whatnext relay status)",
            )
            for _ in range(_PINGS)
        ]
        return f"{_PINGS} of {_PINGS} pings came back, {_ms(min(took))} the fastest"

    def _observe(self, observation: Observation) -> None:
        if isinstance(observation, Identified):
            self._identified[observation.peer] = observation


@asynccontextmanager
async def _throw_away(observe: Callable[[Observation], None]) -> AsyncIterator[Network]:
    """A network of a new identity that listens nowhere, so that nothing but the relay leads to it."""
    async with open_network(Identity.generate(), NetConfig(listen=()), observe=observe) as network:
        yield network


async def _or(doing: Awaitable[T], then: str) -> T:
    try:
        return await doing
    except WhatNextError as error:
        raise _Failed(str(error), then) from None


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
