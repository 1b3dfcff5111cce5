"""The relays that this device uses: shown, added and removed, with and without a running node."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from whatnext.config import Settings
from whatnext.errors import NotFound, UserError
from whatnext.net.addresses import peer_in
from whatnext.node.relay_addresses import checked_relay, relay_peers
from whatnext.node.requests import OfRelay
from whatnext.node.views import RelayView
from whatnext.playlists.requests import Nothing
from whatnext.playlists.service import Playlists

if TYPE_CHECKING:
    from whatnext.net.circuits.keeper import RelayState
    from whatnext.node.node import Node

MAX_RELAYS = 16
"""Addresses in the settings; a device uses two relays at a time."""
MAX_TOKEN = 256  # characters, by `net/relay_access.py`


def chosen(settings: Settings) -> list[RelayView]:
    """The relays of a profile, as far as it can be said without a node."""
    return [RelayView(relay=r, addresses=known) for r, known in relay_peers(settings.relays).items()]


def choose(settings: Settings, asked: OfRelay, me: str) -> None:
    """Keep a relay, behind those that are there; raises `UserError` for what is no relay's address, or our own."""
    address, tokens = checked_relay(asked.relay), dict(settings.relay_tokens)
    if peer_in(address) == me:
        raise UserError("that is this device itself: a relay is another one, with a key of its own")
    if asked.token is not None:
        if not 1 <= len(asked.token) <= MAX_TOKEN:
            raise UserError(f"a relay's token has 1 to {MAX_TOKEN} characters: copy it again")
        tokens[peer_in(address) or ""] = asked.token
    if address in settings.relays and tokens == settings.relay_tokens:
        raise UserError("this relay is in the list already")
    if len(settings.relays) >= MAX_RELAYS:
        raise UserError(f"there are {MAX_RELAYS} already: remove one first (whatnext relay remove)")
    settings.relay_over(tuple(dict.fromkeys((*settings.relays, address))), tokens)


def drop(settings: Settings, asked: OfRelay, _: str = "") -> None:
    """Keep a relay no longer; raises `NotFound`, or `UserError` when several are meant."""
    text = asked.relay.strip().strip("…")
    found = [a for a in settings.relays if a == text] or [
        a for a in settings.relays if text and _is_named(peer_in(a) or "", text)
    ]
    if not found:
        raise NotFound("no such relay is in the list: `whatnext relay list` shows them")
    if len({peer_in(address) for address in found}) > 1:
        raise UserError(f"“{text}” is the beginning or end of several: give more of it")
    left = tuple(address for address in settings.relays if address not in found)
    settings.relay_over(
        left, {r: token for r, token in settings.relay_tokens.items() if r in relay_peers(left)}
    )


def _is_named(relay: str, text: str) -> bool:
    return relay.startswith(text) or relay.endswith(text)


async def listed(node: "Node", _: Nothing) -> list[RelayView]:
    """The relays of a running node and its places at them."""
    return [_view(state) for state in node.network.relays.states()]


async def add(node: "Node", asked: OfRelay) -> list[RelayView]:
    """Use one more relay, from now on."""
    choose(node.settings, asked, node.network.peer)
    return await _follow(node)


async def remove(node: "Node", asked: OfRelay) -> list[RelayView]:
    """Use a relay no longer; circuits through it go on until they end."""
    drop(node.settings, asked)
    return await _follow(node)


def use_relays(node: "Node") -> None:
    """Tell the network which relays to use."""

    def token_for(relay: str) -> str | None:
        return node.settings.relay_tokens.get(relay)  # read each time: `relay add` may change it

    node.network.circuits.token_for = token_for
    node.network.relays.use(node.relays.addresses())


def links_relays(node: "Node") -> list[str]:
    """Relays to name in this device's links: those that hold a place, else those it is trying."""
    return node.network.circuits.relays() or list(node.relays.addresses())


async def _follow(node: "Node") -> list[RelayView]:
    use_relays(node)
    return await listed(node, Nothing())


def _view(state: "RelayState") -> RelayView:
    place = state.place
    return RelayView(
        relay=state.relay,
        addresses=list(state.addresses),
        connected=state.connected,
        reserved_until=None if place is None else round(min(place.expires_at, time.time() + 1e9) * 1000),
        circuit_s=None if place is None else place.limit.duration_s,
        circuit_bytes=None if place is None else place.limit.data_bytes,
        problem=state.problem,
    )


def _offline(
    act: Callable[[Settings, OfRelay, str], None] | None,
) -> Callable[[Playlists, Any], list[RelayView]]:
    def run(here: Playlists, asked: Nothing | OfRelay) -> list[RelayView]:
        assert isinstance(here.settings, Settings), "a profile on the disk"
        if act is not None and isinstance(asked, OfRelay):
            act(here.settings, asked, here.me)
        return chosen(here.settings)

    return run


OFFLINE: Mapping[str, Callable[[Playlists, Any], Any]] = MappingProxyType(
    {"relays.list": _offline(None), "relays.add": _offline(choose), "relays.remove": _offline(drop)}
)
"""Operations on relays that a profile without a node can do as well."""
